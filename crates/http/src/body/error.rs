//! Why a chunked body was refused.

use std::error::Error;
use std::fmt;

/// Why a chunked body was refused. The connection never survives: where the body would have ended
/// is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChunkError {
    /// A chunk's size is missing or followed by something that is not an extension.
    Size,
    /// A chunk's size has more than 16 digits.
    SizeTooLong,
    /// A chunk extension breaks its grammar.
    Extension,
    /// The extensions of one chunk, or of the whole body, are longer than the limit.
    ExtensionTooLong,
    /// A line ends with something other than CR and LF.
    LineEnd,
    /// A chunk's data is not followed by CR and LF.
    DataEnd,
    /// A trailer field is malformed.
    Trailer,
    /// The trailers are longer than the limit, or too many.
    TrailerTooLong,
    /// The chunks are so small that most of the body is not content.
    Overhead,
    /// The content is longer than the limit.
    BodyTooLong,
}

impl ChunkError {
    /// The status code that tells the peer.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::BodyTooLong => 413,
            _ => 400,
        }
    }
}

impl fmt::Display for ChunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Size => "chunk size is malformed",
            Self::SizeTooLong => "chunk size has too many digits",
            Self::Extension => "chunk extension is malformed",
            Self::ExtensionTooLong => "chunk extensions are longer than the limit",
            Self::LineEnd => {
                "line of a chunked body does not end with carriage return and line feed"
            }
            Self::DataEnd => "chunk data is longer than its size",
            Self::Trailer => "trailer field is malformed",
            Self::TrailerTooLong => "trailers are longer than the limit",
            Self::Overhead => "chunked body holds more framing than content",
            Self::BodyTooLong => "body is longer than the limit",
        })
    }
}

impl Error for ChunkError {}
