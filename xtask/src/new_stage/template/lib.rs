//! The stage `new-name` for waterwheel.
//!
//! It turns every bit over, both ways, until it does something of its own.

#![forbid(unsafe_code)]

use waterwheel_stages::{Direction, Growth, Stage, StageError, Window};

/// Turns every bit over.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NewName;

impl NewName {
    /// The stage.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Stage for NewName {
    fn name(&self) -> &'static str {
        "new-name"
    }

    /// What the planner counts on, before a byte of a request is read.
    fn growth(&self, direction: Direction) -> Growth {
        match direction {
            Direction::Inbound => Growth::Shrinks,
            Direction::Outbound => Growth::fixed(0, 0),
        }
    }

    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        window.payload_mut().iter_mut().for_each(|byte| *byte = !*byte);
        Ok(())
    }

    fn outbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        window.payload_mut().iter_mut().for_each(|byte| *byte = !*byte);
        Ok(())
    }
}
