//! One body through a chain, piece by piece.

use waterwheel_ring::{Lease, Ring};

use crate::{Direction, Flow, Next, Progress, Stage, StageError};

/// A body on its way through the stages of a chain, window by window.
///
/// Whoever receives the body hands over each piece as it comes, and takes the result from the
/// target when that is full: what is not taken is not made, so a slow taker slows the giver down.
/// Memory stays what it was at the start: the runs between the stages, and one context per stage.
///
/// ```
/// # #[cfg(feature = "base64")] {
/// use waterwheel_ring::{Config, Ring};
/// use waterwheel_stages::{Chain, Direction, Next, base64::Base64};
///
/// let ring = Ring::new(&Config::default())?;
/// let chain = Chain::new().then(Base64::STANDARD);
/// let mut stream = chain.stream(Direction::Inbound, &ring, 4096)?;
/// let (mut source, mut target) = (ring.reserve(1)?, ring.reserve(1)?);
///
/// source.append(b"d2F0Z")?;
/// assert_eq!(stream.step(&mut source, false, &mut target)?, Next::Input);
/// source.append(b"XI=")?;
/// assert_eq!(stream.step(&mut source, true, &mut target)?, Next::Done);
/// assert_eq!(target.payload(), b"water");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Stream {
    // In the order in which the bytes pass; those behind the last are `None`.
    links: [Option<Link>; Self::STAGES_MAX],
}

/// A stage of a stream and the run behind it, in which the next stage reads.
#[derive(Debug)]
struct Link {
    stage: &'static str,
    flow: Flow,
    done: bool,
    // `None` for the last one, which writes into the target.
    behind: Option<Lease>,
}

impl Stream {
    /// The most stages that a body is streamed through: a stream lies where it is started and
    /// allocates nothing.
    pub const STAGES_MAX: usize = 4;

    pub(crate) fn start(
        stages: &mut dyn Iterator<Item = &dyn Stage>,
        direction: Direction,
        ring: &Ring,
        between_len: usize,
    ) -> Result<Self, StageError> {
        let mut links = [const { None }; Self::STAGES_MAX];
        let mut before: Option<&mut Link> = None;
        let mut free = links.iter_mut();
        for stage in stages {
            let name = stage.name();
            let Some(link) = free.next() else {
                return Err(StageError::Unsupported { stage: name });
            };
            if let Some(before) = before {
                let full = |source| StageError::Full { stage: name, source };
                before.behind = Some(ring.reserve_bytes(between_len).map_err(full)?);
            }
            let flow = stage.flow(direction)?;
            before = Some(link.insert(Link { stage: name, flow, done: false, behind: None }));
        }
        Ok(Self { links })
    }

    /// Takes what it can from the front of the source's payload and puts what comes of it behind
    /// the target's. `last` says that nothing follows this source; it stays set from then on.
    ///
    /// # Errors
    /// That of the stage that fails: `TooLong` at its limit. The stream is then of no use.
    pub fn step(
        &mut self,
        source: &mut Lease,
        last: bool,
        target: &mut Lease,
    ) -> Result<Next, StageError> {
        let room_len = target.tailroom();
        let mut advanced_ever = false;
        loop {
            let mut advanced = false;
            let mut before: Option<&mut Link> = None;
            for link in self.links.iter_mut().flatten() {
                let (from, from_last) = match &mut before {
                    None => (&mut *source, last),
                    Some(Link { behind: Some(run), done, .. }) => (run, *done),
                    Some(_) => break,
                };
                advanced |= link.pass(from, from_last, target)?;
                before = Some(link);
            }
            match before {
                Some(link) if link.done => return Ok(Next::Done),
                // A chain without stages hands its bytes on.
                None => return Ok(hand_on(source, last, target)),
                Some(_) if advanced => advanced_ever = true,
                Some(_) if source.is_empty() && !last => return Ok(Next::Input),
                Some(_) if advanced_ever || room_len < Flow::ROOM_MIN => return Ok(Next::Room),
                Some(link) => return Err(StageError::Stalled { stage: link.stage }),
            }
        }
    }
}

impl Link {
    /// Lets the flow work from one run into the next and tells whether anything happened.
    fn pass(
        &mut self,
        source: &mut Lease,
        last: bool,
        target: &mut Lease,
    ) -> Result<bool, StageError> {
        if self.done || (source.is_empty() && !last) {
            return Ok(false);
        }
        let target = match &mut self.behind {
            Some(run) => {
                // The next stage has read all of it: its room is whole again.
                if run.is_empty() {
                    run.clear();
                }
                run
            }
            None => target,
        };
        let mut progress = Progress { read: 0, written: 0, next: Next::Room };
        target.append_with(|spare| {
            progress = self.flow.step(source.payload(), spare, last)?;
            Ok(progress.written)
        })?;
        source.advance(progress.read);
        self.done = progress.next == Next::Done;
        Ok(self.done || progress.read + progress.written > 0)
    }
}

fn hand_on(source: &mut Lease, last: bool, target: &mut Lease) -> Next {
    let len = source.len().min(target.tailroom());
    target.append(&source.payload()[..len]).expect("cut to the room");
    source.advance(len);
    match (source.is_empty(), last) {
        (true, true) => Next::Done,
        (true, false) => Next::Input,
        (false, _) => Next::Room,
    }
}
