//! The stage that changes nothing: the null case of benchmarks and the smallest example.

use crate::{Direction, Growth, Stage, StageError, Window};

/// Leaves every payload as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity;

impl Stage for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn growth(&self, _: Direction) -> Growth {
        Growth::fixed(0, 0)
    }

    fn inbound(&self, _: &mut Window<'_>) -> Result<(), StageError> {
        Ok(())
    }

    fn outbound(&self, _: &mut Window<'_>) -> Result<(), StageError> {
        Ok(())
    }
}
