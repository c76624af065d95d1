//! What every route with a body has in common: chunks go in as they arrive, one answer comes out.

use std::fmt;

use crate::Buffer;

/// Why a body gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Not what the route takes: 400.
    Malformed,
    /// Longer than the limit: 413.
    TooLong,
}

impl Refused {
    /// The status code to answer with.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::TooLong => 413,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed body",
            Self::TooLong => "body too long",
        })
    }
}

impl std::error::Error for Refused {}

/// Turns a body into an answer.
pub trait Exchange {
    /// The content type of the answer, unless the route keeps the request's.
    const CONTENT_TYPE: &'static str;
    /// The content encoding of the answer, if it has one.
    const CONTENT_ENCODING: Option<&'static str>;

    /// Begins a body that may have `limit` bytes, encoded or decoded. `expected_len` is how many
    /// the request announces, or 0.
    fn begin(limit: usize, expected_len: usize) -> Self;

    /// Takes the next bytes of the body.
    ///
    /// # Errors
    /// [`Refused`] when no further byte can make the body one to answer.
    fn push(&mut self, chunk: &[u8]) -> Result<(), Refused>;

    /// Ends the body and makes the answer.
    ///
    /// # Errors
    /// [`Refused`] when the body is not one to answer.
    fn finish(self) -> Result<Buffer, Refused>;
}
