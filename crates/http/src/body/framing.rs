//! How the end of a request's body is found.

use super::content_length::parse_content_length;
use crate::parse::charset::{self, TOKEN};
use crate::parse::{HeadError, Single, Version};

/// How the end of a request's body is found (RFC 9112 §6.3). Decided by version and fields alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Framing {
    /// No body follows the head.
    None,
    /// So many bytes follow the head.
    ContentLength(u64),
    /// Chunks follow the head.
    Chunked,
}

impl Framing {
    /// Whether a byte of body can follow.
    #[inline]
    #[must_use]
    pub fn has_body(self) -> bool {
        !matches!(self, Self::None | Self::ContentLength(0))
    }

    /// Decides from the two fields that may say so.
    #[inline]
    pub(crate) fn decide(
        version: Version,
        transfer_encoding: Single<'_>,
        content_length: Single<'_>,
    ) -> Result<Self, HeadError> {
        if transfer_encoding.value.is_none() && content_length.value.is_none() {
            return Ok(Self::None);
        }
        Self::decide_by_fields(version, transfer_encoding, content_length)
    }

    #[inline(never)]
    fn decide_by_fields(
        version: Version,
        transfer_encoding: Single<'_>,
        content_length: Single<'_>,
    ) -> Result<Self, HeadError> {
        match (transfer_encoding.value, content_length.value) {
            (None, None) => Ok(Self::None),
            (None, Some(_)) if content_length.repeated => Err(HeadError::ContentLengthRepeated),
            (None, Some(digits)) => match parse_content_length(digits) {
                Some(len) => Ok(Self::ContentLength(len)),
                None => Err(HeadError::ContentLengthInvalid),
            },
            // RFC 9112 §6.1: the sign of a smuggling attempt.
            (Some(_), Some(_)) => Err(HeadError::LengthAndEncoding),
            (Some(_), None) if version == Version::Http10 => {
                Err(HeadError::TransferEncodingVersion)
            }
            (Some(_), None) if transfer_encoding.repeated => {
                Err(HeadError::TransferEncodingRepeated)
            }
            (Some(codings), None) if codings.eq_ignore_ascii_case(b"chunked") => Ok(Self::Chunked),
            (Some(codings), None) => Err(coding_fault(codings)),
        }
    }
}

/// Why a list of codings other than `chunked` alone is refused.
#[cold]
fn coding_fault(codings: &[u8]) -> HeadError {
    let mut unknown = false;
    let mut chunked_count = 0;
    let mut last_is_chunked = false;
    for coding in codings.split(|&byte| byte == b',') {
        let coding = coding.trim_ascii();
        if coding.is_empty() || charset::run_len(coding, TOKEN) < coding.len() {
            return HeadError::TransferEncodingInvalid;
        }
        last_is_chunked = coding.eq_ignore_ascii_case(b"chunked");
        chunked_count += usize::from(last_is_chunked);
        unknown |= !last_is_chunked;
    }
    let misplaced = chunked_count > 1 || (chunked_count == 1 && !last_is_chunked);
    if unknown && !misplaced {
        HeadError::TransferEncodingUnknown
    } else {
        HeadError::TransferEncodingInvalid
    }
}
