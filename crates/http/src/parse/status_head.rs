//! The head of a reply, as a client reads it: status line, fields, and where the body ends.
//!
//! As strict as the parser of requests: what can be understood in two ways is refused, because a
//! proxy that repairs a reply decides for its clients which of the two they see.

use std::error::Error;
use std::fmt;

use http::StatusCode;
use memchr::memchr;

use super::charset::{self, VALUE};
use super::{HeadError, HeaderSlots, Headers, Notes, Stop, Version, header_block};
use crate::body::Framing;
use crate::limits::Limits;

/// The head of a reply.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StatusHead<'a> {
    /// The version the server speaks.
    pub version: Version,
    /// What became of the request. 1xx says that another head follows.
    pub status: StatusCode,
    /// All fields.
    pub headers: Headers<'a>,
    /// How the end of the body is found; `None`: it ends with the connection.
    pub framing: Option<Framing>,
    /// Whether the connection can take another request behind this reply.
    pub keep_alive: bool,
    /// How many bytes the head took, with the empty line at its end.
    pub head_len: usize,
}

/// Parses the head at the start of `bytes`, which answers a request whose method was HEAD if
/// `is_for_head`. `None`: the bytes are the start of a head; more are needed. Of `limits` those of
/// a head's length and fields apply.
///
/// # Errors
/// A [`StatusHeadError`] when the bytes can never become a head within the limits. What follows on
/// the connection means nothing then.
pub fn parse_status_head<'a>(
    bytes: &'a [u8],
    slots: &'a mut HeaderSlots,
    limits: &Limits,
    is_for_head: bool,
) -> Result<Option<StatusHead<'a>>, StatusHeadError> {
    let window = &bytes[..bytes.len().min(limits.head_len_max)];
    let more = match window.len() == limits.head_len_max {
        true => Err(StatusHeadError::TooLong),
        false => Ok(None),
    };
    let Some(line_len) = memchr(b'\n', window) else { return more };
    let (version, status) = parse_line(&window[..line_len]).ok_or(StatusHeadError::Line)?;
    let mut notes = Notes::default();
    let spans = slots.first(limits.field_count_max);
    let found = header_block::find_fields(window, &window[line_len + 1..], spans, &mut notes);
    let (count, head_len) = match found {
        Ok(found) => found,
        Err(Stop::Partial) => return more,
        Err(Stop::Fault | Stop::Judged(_)) => return Err(StatusHeadError::Fields),
    };
    let headers = Headers::new(window, &spans[..count]);
    let has_no_body =
        is_for_head || status.is_informational() || matches!(status.as_u16(), 204 | 304);
    let framing = Framing::decide(version, notes.transfer_encoding, notes.content_length)
        .map_err(StatusHeadError::Framing)?;
    // RFC 9112 §6.3: neither length nor chunks means that the connection's end is the body's.
    let framing = match framing {
        _ if has_no_body => Some(Framing::None),
        Framing::None => None,
        framing => Some(framing),
    };
    let persists = !notes.close && (version == Version::Http11 || notes.keep_alive);
    let keep_alive = persists && framing.is_some();
    Ok(Some(StatusHead { version, status, headers, framing, keep_alive, head_len }))
}

/// `HTTP/1.1 200 OK`, with the CR and without the LF. The reason may be missing, and so may the
/// space before it, as some servers send it.
fn parse_line(line: &[u8]) -> Option<(Version, StatusCode)> {
    let line = line.strip_suffix(b"\r")?;
    let (version, rest) = line.split_first_chunk::<9>()?;
    let version = match version {
        b"HTTP/1.1 " => Version::Http11,
        b"HTTP/1.0 " => Version::Http10,
        _ => return None,
    };
    let (digits, reason) = rest.split_first_chunk::<3>()?;
    let is_separated = reason.is_empty() || reason[0] == b' ';
    if !is_separated || charset::run_len(reason, VALUE) < reason.len() {
        return None;
    }
    Some((version, StatusCode::from_bytes(digits).ok()?))
}

/// Why the head of a reply was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatusHeadError {
    /// The status line is malformed, or its version is one that we do not speak.
    Line,
    /// A field is malformed, or there are more than the limit.
    Fields,
    /// The head is longer than the limit.
    TooLong,
    /// Where the body ends cannot be told, or only in two ways.
    Framing(HeadError),
}

impl fmt::Display for StatusHeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line => f.write_str("the status line is malformed"),
            Self::Fields => f.write_str("the fields are malformed or too many"),
            Self::TooLong => f.write_str("the head is too long"),
            Self::Framing(_) => f.write_str("the framing is ambiguous"),
        }
    }
}

impl Error for StatusHeadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Framing(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "status_head_tests.rs"]
mod tests;
