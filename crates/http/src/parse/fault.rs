//! Finding the first fault of a head that was not understood.
//!
//! The parser proper is built for heads that are right; it says little about those that are not.
//! This one walks byte by byte and runs only when a head is about to be refused. Its verdict
//! depends on the bytes up to the fault alone, so that the same head is refused for the same reason
//! however its bytes were split into reads.

use super::charset::{self, TOKEN, VALUE, VISIBLE};
use super::{HeadError, METHOD_LEN_MAX};
use crate::limits::Limits;

/// The first fault in `bytes`, which start at the request line. `None`: what is there can still
/// become a head.
#[cold]
pub(super) fn first_fault(bytes: &[u8], limits: &Limits) -> Option<HeadError> {
    let mut cursor = Cursor { bytes, index: 0 };
    match cursor.head(limits) {
        Ok(()) => Some(HeadError::FieldName),
        Err(End::OfBytes) => None,
        Err(End::Fault(error)) => Some(error),
    }
}

/// Why the walk ended before the end of the head.
enum End {
    /// No more bytes, and nothing wrong with those there are.
    OfBytes,
    Fault(HeadError),
}

struct Cursor<'a> {
    bytes: &'a [u8],
    index: usize,
}

impl Cursor<'_> {
    fn head(&mut self, limits: &Limits) -> Result<(), End> {
        self.method()?;
        self.target(limits.target_len_max)?;
        self.version()?;
        let mut field_count = 0;
        while self.peek()? != b'\r' {
            self.field()?;
            field_count += 1;
            if field_count > limits.field_count_max {
                return Err(End::Fault(HeadError::TooManyFields));
            }
        }
        self.line_end(HeadError::FieldName)
    }

    fn method(&mut self) -> Result<(), End> {
        match self.peek()? {
            b'\r' | b'\n' => {
                return self.line_end(HeadError::Method).and(fault(HeadError::EmptyLines));
            }
            b' ' | b'\t' => return fault(HeadError::LeadingWhitespace),
            _ => {}
        }
        if self.take_run(TOKEN, METHOD_LEN_MAX + 1) > METHOD_LEN_MAX {
            return fault(HeadError::MethodTooLong);
        }
        if self.next()? == b' ' { Ok(()) } else { fault(HeadError::Method) }
    }

    fn target(&mut self, len_max: usize) -> Result<(), End> {
        let len = self.take_run(VISIBLE, len_max.saturating_add(1));
        if len > len_max {
            return fault(HeadError::TargetTooLong);
        }
        if self.next()? == b' ' && len > 0 { Ok(()) } else { fault(HeadError::Target) }
    }

    fn version(&mut self) -> Result<(), End> {
        let rest = &self.bytes[self.index..];
        let Some(version) = rest.first_chunk::<8>() else {
            return if rest.contains(&b'\n') {
                fault(HeadError::VersionMalformed)
            } else {
                Err(End::OfBytes)
            };
        };
        match version {
            b"HTTP/1.1" | b"HTTP/1.0" => {}
            [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
                return fault(HeadError::VersionUnsupported);
            }
            _ => return fault(HeadError::VersionMalformed),
        }
        self.index += version.len();
        self.line_end(HeadError::VersionMalformed)
    }

    fn field(&mut self) -> Result<(), End> {
        match self.peek()? {
            b' ' | b'\t' => return fault(HeadError::LeadingWhitespace),
            b'\n' => return fault(HeadError::BareLf),
            b':' => return fault(HeadError::FieldNameEmpty),
            _ => {}
        }
        self.take_run(TOKEN, usize::MAX);
        match self.next()? {
            b':' => {}
            b' ' | b'\t' => return fault(HeadError::SpaceBeforeColon),
            _ => return fault(HeadError::FieldName),
        }
        self.take_run(VALUE, usize::MAX);
        self.line_end(HeadError::FieldValue)
    }

    /// Takes CR and LF; `otherwise` is the fault when something else stands here.
    fn line_end(&mut self, otherwise: HeadError) -> Result<(), End> {
        match self.next()? {
            b'\r' => {}
            b'\n' => return fault(HeadError::BareLf),
            _ => return fault(otherwise),
        }
        if self.next()? == b'\n' { Ok(()) } else { fault(HeadError::BareCr) }
    }

    /// Takes at most `len_max` bytes of class `class`.
    fn take_run(&mut self, class: u8, len_max: usize) -> usize {
        let rest = &self.bytes[self.index..];
        let len = charset::run_len(&rest[..rest.len().min(len_max)], class);
        self.index += len;
        len
    }

    fn peek(&self) -> Result<u8, End> {
        self.bytes.get(self.index).copied().ok_or(End::OfBytes)
    }

    fn next(&mut self) -> Result<u8, End> {
        let byte = self.peek()?;
        self.index += 1;
        Ok(byte)
    }
}

fn fault(error: HeadError) -> Result<(), End> {
    Err(End::Fault(error))
}
