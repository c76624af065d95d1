//! The check over a whole payload, and the stage that it makes.

use crate::{Direction, Flow, Growth, Stage, StageError, Window, utf8::flow};

/// Lets UTF-8 pass, unchanged, and refuses all else; both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Utf8;

impl Stage for Utf8 {
    fn name(&self) -> &'static str {
        "utf8"
    }

    fn growth(&self, _: Direction) -> Growth {
        Growth::fixed(0, 0)
    }

    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let payload = window.payload();
        // This check is the fast one, and does not tell where the fault is.
        match simdutf8::basic::from_utf8(payload) {
            Ok(_) => Ok(()),
            Err(_) => Err(malformed(valid_len(payload))),
        }
    }

    fn outbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        self.inbound(window)
    }

    fn flow(&self, _: Direction) -> Result<Flow, StageError> {
        flow::start()
    }
}

/// Bytes up to the first fault.
#[cold]
fn valid_len(payload: &[u8]) -> usize {
    simdutf8::compat::from_utf8(payload).map_or_else(|error| error.valid_up_to(), str::len)
}

pub(super) const fn malformed(at: usize) -> StageError {
    StageError::Malformed { stage: "utf8", at: Some(at), cause: "is not UTF-8" }
}
