//! Why a streamed body did not come whole.

use std::error::Error;
use std::fmt;

use http::StatusCode;
use waterwheel_ring::Ring;
use waterwheel_stages::StageError;

use crate::body::ChunkError;
use crate::rejection::Rejection;
use crate::reply::{IntoReply, Reply};

/// Why a streamed body did not come whole. As a reply it tells the client what was wrong; the
/// connection ends with that reply unless the cause is [`Stage`](Self::Stage) and little of the
/// body is left.
#[derive(Debug)]
#[non_exhaustive]
pub enum BodyError {
    /// The peer ended its side inside the body. Status 400, should it still read.
    Truncated,
    /// The peer sent less than [`body_rate_min`](crate::Limits::body_rate_min), or nothing for
    /// [`body_stall_timeout`](crate::Limits::body_stall_timeout). Status 408.
    TooSlow,
    /// The chunked coding is malformed, or the content longer than the route's limit. Status 400 or
    /// 413.
    Chunk(ChunkError),
    /// A content coding or a stage of the route failed: status 400, 413 past its limit, 503 when
    /// the worker has no memory for it now.
    Stage(StageError),
    /// The connection is over, or the reply was complete before the body was.
    Closed,
}

impl BodyError {
    /// The status that tells the client.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Truncated | Self::Closed => StatusCode::BAD_REQUEST,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Chunk(error) => {
                StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST)
            }
            Self::Stage(error) => stage_status(error),
        }
    }
}

/// The status of a request whose body a stage refuses.
pub(crate) fn stage_status(error: &StageError) -> StatusCode {
    match error {
        StageError::Malformed { .. } => StatusCode::BAD_REQUEST,
        StageError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        StageError::Full { .. } | StageError::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the request's body ended early"),
            Self::TooSlow => f.write_str("the request's body came too slowly"),
            Self::Chunk(error) => error.fmt(f),
            Self::Stage(error) => error.fmt(f),
            Self::Closed => f.write_str("the connection is over"),
        }
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Their texts are the text of this one.
            Self::Chunk(error) => error.source(),
            Self::Stage(error) => error.source(),
            Self::Truncated | Self::TooSlow | Self::Closed => None,
        }
    }
}

impl From<BodyError> for Rejection {
    fn from(error: BodyError) -> Self {
        Self::new(error.status(), error.to_string())
    }
}

impl IntoReply for BodyError {
    fn into_reply(self, _: &Ring) -> Reply {
        Rejection::from(self).into()
    }
}
