//! An ordered list of stages, run over one lease.

use waterwheel_ring::{Inbound, Lease, Ring};

use crate::{
    Direction, Growth, Placement, Room, Stage, StageError, Stream, Window,
    carry::carry,
    reach::{Declared, Leg},
};

/// The stages of a route, first the one nearest to the network.
///
/// Inbound they run first to last, outbound last to first: the mirror image, so that a reply leaves
/// in the form in which its request came.
#[derive(Debug, Default)]
pub struct Chain {
    stages: Vec<Box<dyn Stage>>,
    declared: Vec<Declared>,
}

impl Chain {
    /// A chain without stages: bytes pass as they are.
    #[must_use]
    pub const fn new() -> Self {
        Self { stages: Vec::new(), declared: Vec::new() }
    }

    /// Adds a stage behind the others, nearer to the handler.
    #[must_use]
    pub fn then(mut self, stage: impl Stage) -> Self {
        self.declared.push(Declared::ask(&stage));
        self.stages.push(Box::new(stage));
        self
    }

    /// How many stages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stages.len()
    }

    /// Whether bytes pass as they are.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// The names of the stages, in inbound order.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &'static str> + '_ {
        self.declared.iter().map(|stage| stage.name)
    }

    /// Turns what came from the network into what the handler reads.
    ///
    /// Stages that work in the window leave the payload in this lease. One that works from run to
    /// run puts it into another run of the same ring, and the lease is that run afterwards: with
    /// room around the payload for the stages to come and for the reply's head.
    ///
    /// # Errors
    /// That of the first stage that fails; the stages behind it do not run.
    #[inline]
    pub fn inbound(&self, lease: &mut Lease) -> Result<(), StageError> {
        for (index, (stage, declared)) in self.stages.iter().zip(&self.declared).enumerate() {
            match declared.inbound_placement {
                Placement::Window => {
                    run(stage.as_ref(), Direction::Inbound, declared.inbound, lease)?;
                }
                Placement::Run => self.cross(index, Direction::Inbound, lease)?,
            }
        }
        Ok(())
    }

    /// Turns what the handler wrote into what goes to the network; see [`inbound`](Self::inbound)
    /// for where it lies afterwards.
    ///
    /// # Errors
    /// That of the first stage that fails; the stages behind it do not run.
    #[inline]
    pub fn outbound(&self, lease: &mut Lease) -> Result<(), StageError> {
        for (index, (stage, declared)) in self.stages.iter().zip(&self.declared).enumerate().rev() {
            match declared.outbound_placement {
                Placement::Window => {
                    run(stage.as_ref(), Direction::Outbound, declared.outbound, lease)?;
                }
                Placement::Run => self.cross(index, Direction::Outbound, lease)?,
            }
        }
        Ok(())
    }

    /// Starts to take one body through the chain piece by piece, for bodies that are longer than a
    /// run should be. Between two stages there is a run of `between_len` bytes.
    ///
    /// # Errors
    /// [`StageError::Unsupported`] names the first stage that cannot flow, or one too many;
    /// [`StageError::Busy`] and [`StageError::Full`] may pass.
    pub fn stream(
        &self,
        direction: Direction,
        ring: &Ring,
        between_len: usize,
    ) -> Result<Stream, StageError> {
        Stream::start(&[self], direction, ring, between_len)
    }

    /// Whether a body can be streamed through the chain in this direction.
    ///
    /// # Errors
    /// As [`stream`](Self::stream), but for [`StageError::Full`].
    pub fn flows(&self, direction: Direction) -> Result<(), StageError> {
        for (index, stage) in self.stages().enumerate() {
            if index == Stream::STAGES_MAX {
                return Err(StageError::Unsupported { stage: stage.name() });
            }
            stage.flow(direction)?;
        }
        Ok(())
    }

    /// The stages, in inbound order.
    pub(crate) fn stages(&self) -> impl DoubleEndedIterator<Item = &dyn Stage> {
        self.stages.iter().map(Box::as_ref)
    }

    /// What the stages declared, in inbound order.
    pub(crate) fn declared(&self) -> &[Declared] {
        &self.declared
    }

    /// Runs a stage from the lease into another run, which the lease then is.
    #[inline(never)]
    fn cross(
        &self,
        index: usize,
        direction: Direction,
        lease: &mut Lease,
    ) -> Result<(), StageError> {
        let leg = match direction {
            Direction::Inbound => Leg::inbound_from(&self.declared, index + 1),
            Direction::Outbound => Leg::outbound_before(&self.declared, index),
        };
        let room = |len| {
            let Room { front, back } = leg.spread(&self.declared, len).room;
            Room { front: front + Inbound::HEADROOM, back }
        };
        carry(self.stages[index].as_ref(), direction, lease, room)
    }
}

fn run(
    stage: &dyn Stage,
    direction: Direction,
    growth: Growth,
    lease: &mut Lease,
) -> Result<(), StageError> {
    let before_len = lease.len();
    let mut window = Window::new(lease);
    match direction {
        Direction::Inbound => stage.inbound(&mut window)?,
        Direction::Outbound => stage.outbound(&mut window)?,
    }
    debug_assert!(
        lease.len() <= growth.bound(before_len),
        "{} made {} bytes of {before_len}, more than it declared",
        stage.name(),
        lease.len(),
    );
    Ok(())
}
