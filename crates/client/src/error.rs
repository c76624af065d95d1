//! Why a request could not be made, and why it got no reply.

use std::error::Error;
use std::fmt;
use std::io;

use http::StatusCode;
use waterwheel_http::body::ChunkError;
use waterwheel_http::parse::StatusHeadError;
use waterwheel_http::{IntoReply, Reply};
use waterwheel_ring::Ring;

/// Why a request cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The address does not begin with `http://`, which is all that this client speaks.
    Scheme,
    /// The host is missing or malformed, names a user, or its port is no port.
    Authority,
    /// The path or query holds something other than visible ASCII, or a fragment follows.
    Target,
    /// The method is no token, or `CONNECT`, which makes no request.
    Method,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the address does not begin with http://",
            Self::Authority => "the address has no valid host and port",
            Self::Target => "the path is not visible ASCII without a fragment",
            Self::Method => "the method cannot be sent",
        })
    }
}

impl Error for RequestError {}

/// Why a request got no reply, or not all of it. The connection to the backend is closed then.
/// The text leaves out what `source` tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The request cannot be made.
    Request(RequestError),
    /// The host has no address, or nobody answers there.
    Connect(io::Error),
    /// No connection was free, and none could be made, within
    /// [`connect_timeout`](crate::Config::connect_timeout).
    ConnectTimeout,
    /// The head of the reply did not come within [`head_timeout`](crate::Config::head_timeout).
    HeadTimeout,
    /// Nothing moved for [`stall_timeout`](crate::Config::stall_timeout).
    Stalled,
    /// The connection broke.
    Io(io::Error),
    /// The backend ended the connection before the reply was complete.
    Ended,
    /// The head of the reply was refused.
    Head(StatusHeadError),
    /// The chunks of the reply were refused.
    Chunks(ChunkError),
    /// The backend changed the protocol, which nobody had asked for.
    Upgraded,
    /// More interim replies (1xx) came than anybody sends.
    InterimReplies,
    /// The content of the reply is longer than the caller takes.
    TooLong,
    /// What writes the request's content has failed, or wrote another length than was stated.
    Content,
    /// The worker's ring had no room for the reply.
    Full,
}

impl ClientError {
    /// What a gateway answers for it: 504 when time ran out, 503 when this server had no room, else
    /// 502 (RFC 9110 §15.6).
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::ConnectTimeout | Self::HeadTimeout | Self::Stalled => StatusCode::GATEWAY_TIMEOUT,
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_GATEWAY,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(_) => f.write_str("the request cannot be made"),
            Self::Connect(_) => f.write_str("cannot connect to the backend"),
            Self::ConnectTimeout => f.write_str("no connection to the backend in time"),
            Self::HeadTimeout => f.write_str("the backend did not answer in time"),
            Self::Stalled => f.write_str("the backend stalled"),
            Self::Io(_) => f.write_str("the connection to the backend broke"),
            Self::Ended => f.write_str("the backend ended the connection too early"),
            Self::Head(_) => f.write_str("the head of the reply was refused"),
            Self::Chunks(_) => f.write_str("the chunks of the reply were refused"),
            Self::Upgraded => f.write_str("the backend changed the protocol"),
            Self::InterimReplies => f.write_str("too many interim replies"),
            Self::TooLong => f.write_str("the reply is too long"),
            Self::Content => f.write_str("the content of the request could not be written"),
            Self::Full => f.write_str("no room for the reply"),
        }
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Request(error) => Some(error),
            Self::Connect(error) | Self::Io(error) => Some(error),
            Self::Head(error) => Some(error),
            Self::Chunks(error) => Some(error),
            _ => None,
        }
    }
}

impl From<RequestError> for ClientError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

/// The [status](ClientError::status) of a gateway, and that it was the backend as text: nothing of
/// where it is or why it failed, which is no business of a client.
impl IntoReply for ClientError {
    fn into_reply(self, ring: &Ring) -> Reply {
        let text = match self.status() {
            StatusCode::GATEWAY_TIMEOUT => "the backend did not answer in time\n",
            StatusCode::SERVICE_UNAVAILABLE => "no room for the backend's reply\n",
            _ => "the backend gave no valid reply\n",
        };
        (self.status(), text).into_reply(ring)
    }
}
