//! An ordered list of stages, run over one lease.

use waterwheel_ring::Lease;

use crate::{Direction, Stage, StageError, Window};

/// The stages of a route, first the one nearest to the network.
///
/// Inbound they run first to last, outbound last to first: the mirror image, so that a reply leaves
/// in the form in which its request came.
#[derive(Debug, Default)]
pub struct Chain {
    stages: Vec<Box<dyn Stage>>,
}

impl Chain {
    /// A chain without stages: bytes pass as they are.
    #[must_use]
    pub const fn new() -> Self {
        Self { stages: Vec::new() }
    }

    /// Adds a stage behind the others, nearer to the handler.
    #[must_use]
    pub fn then(mut self, stage: impl Stage) -> Self {
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
        self.stages().map(Stage::name)
    }

    /// Turns what came from the network into what the handler reads.
    ///
    /// # Errors
    /// That of the first stage that fails; the stages behind it do not run.
    #[inline]
    pub fn inbound(&self, lease: &mut Lease) -> Result<(), StageError> {
        self.stages().try_for_each(|stage| run(stage, Direction::Inbound, lease))
    }

    /// Turns what the handler wrote into what goes to the network.
    ///
    /// # Errors
    /// That of the first stage that fails; the stages behind it do not run.
    #[inline]
    pub fn outbound(&self, lease: &mut Lease) -> Result<(), StageError> {
        self.stages().rev().try_for_each(|stage| run(stage, Direction::Outbound, lease))
    }

    /// The stages, in inbound order.
    pub(crate) fn stages(&self) -> impl DoubleEndedIterator<Item = &dyn Stage> {
        self.stages.iter().map(Box::as_ref)
    }
}

fn run(stage: &dyn Stage, direction: Direction, lease: &mut Lease) -> Result<(), StageError> {
    let before_len = lease.len();
    let mut window = Window::new(lease);
    match direction {
        Direction::Inbound => stage.inbound(&mut window)?,
        Direction::Outbound => stage.outbound(&mut window)?,
    }
    debug_assert!(
        lease.len() <= stage.growth(direction).bound(before_len),
        "{} made {} bytes of {before_len}, more than it declared",
        stage.name(),
        lease.len(),
    );
    Ok(())
}
