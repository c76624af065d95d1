//! How a stage fails.

use std::{error::Error, fmt};

use waterwheel_ring::Full;

use crate::NoRoom;

/// Why a stage could not change a payload. The text never contains bytes from the wire.
#[non_exhaustive]
#[derive(Debug)]
pub enum StageError {
    /// The payload breaks the rules of its format. Inbound this is the peer's fault: answer 400;
    /// the connection survives when the body's end is known.
    Malformed {
        /// The stage's name.
        stage: &'static str,
        /// Where in the payload, when there is one place to name.
        at: Option<usize>,
        /// Which rule is broken.
        cause: &'static str,
    },
    /// The result would be longer than the stage allows. Inbound: answer 413.
    TooLong {
        /// The stage's name.
        stage: &'static str,
        /// The longest result allowed.
        limit: usize,
    },
    /// The window has less room than the stage declared. The plan is wrong or was not followed:
    /// our own fault, answer 500.
    NoRoom {
        /// The stage's name.
        stage: &'static str,
        /// What was asked of the lease.
        source: NoRoom,
    },
    /// The ring has no run for the result now. Inbound: answer 503; nothing is wrong with the
    /// request.
    Full {
        /// The stage's name.
        stage: &'static str,
        /// What was asked of the ring.
        source: Full,
    },
    /// All contexts that this worker keeps for the stage are lent to bodies that are streamed now.
    /// Wait for one of them to end, or answer 503.
    Busy {
        /// The stage's name.
        stage: &'static str,
    },
    /// The flow of the stage stopped before its result was complete, with input and room left. It
    /// breaks its contract: our own fault, answer 500.
    Stalled {
        /// The stage's name.
        stage: &'static str,
    },
    /// The stage was asked for a form that it does not have: to run in a window, or to flow. Our
    /// own fault, answer 500; chains ask stages beforehand.
    Unsupported {
        /// The stage's name.
        stage: &'static str,
    },
}

impl StageError {
    /// The name of the stage that failed.
    #[must_use]
    pub const fn stage(&self) -> &'static str {
        match self {
            Self::Malformed { stage, .. }
            | Self::TooLong { stage, .. }
            | Self::NoRoom { stage, .. }
            | Self::Full { stage, .. }
            | Self::Busy { stage }
            | Self::Stalled { stage }
            | Self::Unsupported { stage } => stage,
        }
    }
}

impl fmt::Display for StageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { stage, at: Some(at), cause } => {
                write!(formatter, "{stage}: byte {at} {cause}")
            }
            Self::Malformed { stage, at: None, cause } => write!(formatter, "{stage}: {cause}"),
            Self::TooLong { stage, limit } => {
                write!(formatter, "{stage}: the result is longer than {limit} bytes")
            }
            Self::NoRoom { stage, .. } => write!(formatter, "{stage}: the window is too short"),
            Self::Full { stage, .. } => write!(formatter, "{stage}: the ring is full"),
            Self::Busy { stage } => write!(formatter, "{stage}: all contexts are lent"),
            Self::Stalled { stage } => write!(formatter, "{stage}: stopped before its end"),
            Self::Unsupported { stage } => write!(formatter, "{stage}: cannot run in this form"),
        }
    }
}

impl Error for StageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoRoom { source, .. } => Some(source),
            Self::Full { source, .. } => Some(source),
            Self::Malformed { .. }
            | Self::TooLong { .. }
            | Self::Busy { .. }
            | Self::Stalled { .. }
            | Self::Unsupported { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::StageError;

    #[test]
    fn text_names_stage_and_position() {
        let error = StageError::Malformed {
            stage: "base64",
            at: Some(17),
            cause: "is outside the alphabet",
        };
        assert_eq!(error.to_string(), "base64: byte 17 is outside the alphabet");
        let error = StageError::TooLong { stage: "zip", limit: 9 };
        assert_eq!(error.to_string(), "zip: the result is longer than 9 bytes");
        assert_eq!(error.stage(), "zip");
    }
}
