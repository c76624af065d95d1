//! One body through a chain, piece by piece.

use waterwheel_ring::{Lease, Ring};

use crate::{Chain, Direction, Flow, Next, Progress, Stage, StageError};

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
    // How many of them a flush that is under way has done with.
    flushed: usize,
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

    /// Starts a body through several chains, given in inbound order. Between two stages there is a
    /// run of `between_len` bytes.
    ///
    /// # Errors
    /// As [`Chain::stream`].
    pub fn start(
        chains: &[&Chain],
        direction: Direction,
        ring: &Ring,
        between_len: usize,
    ) -> Result<Self, StageError> {
        let mut stages = chains.iter().flat_map(|chain| chain.stages());
        match direction {
            Direction::Inbound => Self::link(&mut stages, direction, ring, between_len),
            Direction::Outbound => Self::link(&mut stages.rev(), direction, ring, between_len),
        }
    }

    fn link(
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
        Ok(Self { links, flushed: 0 })
    }

    /// Whether bytes pass as they are: there is no stage.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links[0].is_none()
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
        let Progress { read, next, .. } = self.step_bytes(source.payload(), last, target)?;
        source.advance(read);
        Ok(next)
    }

    /// As [`step`](Self::step), for a source that is no lease: tells how much of it was read.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn step_bytes(
        &mut self,
        source: &[u8],
        last: bool,
        target: &mut Lease,
    ) -> Result<Progress, StageError> {
        let (room_len, before_len) = (target.tailroom(), target.len());
        let mut read = 0;
        let mut advanced_ever = false;
        let next = loop {
            let advanced = self.pass(&source[read..], last, target, &mut read)?;
            let ending = self.links.iter().flatten().last();
            match ending {
                Some(link) if link.done => break Next::Done,
                // A chain without stages hands its bytes on.
                None => break hand_on(source, last, target, &mut read),
                Some(_) if advanced => advanced_ever = true,
                Some(_) if read == source.len() && !last => break Next::Input,
                Some(_) if advanced_ever || room_len < Flow::ROOM_MIN => break Next::Room,
                Some(link) => return Err(StageError::Stalled { stage: link.stage }),
            }
        };
        Ok(Progress { read, written: target.len() - before_len, next })
    }

    /// Puts behind the target's payload what the stages have read and hold back, as far as their
    /// formats allow. `Next::Input` when that is all; `Next::Room`: again, with more room.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn flush(&mut self, target: &mut Lease) -> Result<Next, StageError> {
        loop {
            let mut advanced = self.pass(&[], false, target, &mut 0)?;
            let (before, behind) = self.links.split_at_mut(self.flushed);
            let has_read_all = match before.last() {
                Some(Some(Link { behind: Some(run), .. })) => run.is_empty(),
                _ => true,
            };
            match behind.first_mut() {
                Some(Some(link)) if has_read_all => match link.flush(target)? {
                    (Next::Room, written) => advanced |= written > 0,
                    _ => {
                        self.flushed += 1;
                        advanced = true;
                    }
                },
                Some(Some(_)) => {}
                _ => {
                    self.flushed = 0;
                    return Ok(Next::Input);
                }
            }
            if !advanced {
                return Ok(Next::Room);
            }
        }
    }

    /// Lets every stage work once, and tells whether anything happened.
    fn pass(
        &mut self,
        source: &[u8],
        last: bool,
        target: &mut Lease,
        read: &mut usize,
    ) -> Result<bool, StageError> {
        let mut advanced = false;
        let mut before: Option<&mut Link> = None;
        for link in self.links.iter_mut().flatten() {
            match &mut before {
                None => {
                    let (count, has_advanced) = link.pass(source, last, target)?;
                    *read += count;
                    advanced |= has_advanced;
                }
                Some(Link { behind: Some(run), done, .. }) => {
                    let (count, has_advanced) = link.pass(run.payload(), *done, target)?;
                    run.advance(count);
                    advanced |= has_advanced;
                }
                Some(_) => break,
            }
            before = Some(link);
        }
        Ok(advanced)
    }
}

impl Link {
    /// Lets the flow work from one run into the next. Tells how much it read, and whether anything
    /// happened.
    fn pass(
        &mut self,
        source: &[u8],
        last: bool,
        target: &mut Lease,
    ) -> Result<(usize, bool), StageError> {
        if self.done || (source.is_empty() && !last) {
            return Ok((0, false));
        }
        let (flow, target) = self.sides(target);
        let mut progress = Progress { read: 0, written: 0, next: Next::Room };
        target.append_with(|spare| {
            progress = flow.step(source, spare, last)?;
            Ok(progress.written)
        })?;
        self.done = progress.next == Next::Done;
        Ok((progress.read, self.done || progress.read + progress.written > 0))
    }

    /// Lets the flow write what it holds back, and tells how much that was.
    fn flush(&mut self, target: &mut Lease) -> Result<(Next, usize), StageError> {
        let (flow, target) = self.sides(target);
        let mut next = Next::Room;
        let written = target.append_with(|spare| {
            let progress = flow.flush(spare)?;
            next = progress.next;
            Ok(progress.written)
        })?;
        Ok((next, written))
    }

    /// The flow and where it writes.
    fn sides<'a>(&'a mut self, target: &'a mut Lease) -> (&'a mut Flow, &'a mut Lease) {
        match &mut self.behind {
            Some(run) => {
                // The next stage has read all of it: its room is whole again.
                if run.is_empty() {
                    run.clear();
                }
                (&mut self.flow, run)
            }
            None => (&mut self.flow, target),
        }
    }
}

fn hand_on(source: &[u8], last: bool, target: &mut Lease, read: &mut usize) -> Next {
    let len = source.len().min(target.tailroom());
    target.append(&source[..len]).expect("cut to the room");
    *read = len;
    match (len == source.len(), last) {
        (true, true) => Next::Done,
        (true, false) => Next::Input,
        (false, _) => Next::Room,
    }
}
