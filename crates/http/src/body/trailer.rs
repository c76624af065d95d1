//! The trailer section of a chunked body: checked like fields of a head, and then dropped unless a
//! handler may ask for it.
//!
//! Trailers never join the fields of the head: that keeps one from ever acting as a
//! `Content-Length` or `Host` (RFC 9110 §6.5.1).

use super::ChunkError;
use crate::parse::charset::{self, TOKEN, VALUE};

/// Reads the trailer section of one body, from behind the last chunk's line to the empty line.
#[derive(Clone, Debug)]
pub(super) struct Trailer {
    place: Place,
    len: usize,
    field_count: u8,
    /// What has come, if it is kept.
    kept: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    LineStart,
    Name,
    Value,
    LineFeed,
    /// Behind the CR of the empty line.
    LastLineFeed,
}

impl Trailer {
    pub(super) const fn new() -> Self {
        Self { place: Place::LineStart, len: 0, field_count: 0, kept: None }
    }

    /// Keeps what comes.
    pub(super) fn kept(self) -> Self {
        Self { kept: Some(Vec::new()), ..self }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.kept.as_deref().unwrap_or_default()
    }

    /// Takes one byte; true when it ends the section.
    pub(super) fn take(&mut self, byte: u8) -> Result<bool, ChunkError> {
        self.len += 1;
        self.place = match (self.place, byte) {
            (Place::LineStart, b'\r') => Place::LastLineFeed,
            (Place::LastLineFeed, b'\n') => return Ok(true),
            (Place::LineFeed, b'\n') => Place::LineStart,
            (Place::Value, b'\r') => Place::LineFeed,
            (Place::LineFeed | Place::LastLineFeed, _)
            | (Place::LineStart | Place::Value, b'\n') => {
                return Err(ChunkError::LineEnd);
            }
            (Place::LineStart, _) if charset::is(byte, TOKEN) => {
                self.field_count += 1;
                Place::Name
            }
            (Place::Name, _) if charset::is(byte, TOKEN) => Place::Name,
            (Place::Name, b':') => Place::Value,
            (Place::Value, _) if charset::is(byte, VALUE) => Place::Value,
            _ => return Err(ChunkError::Trailer),
        };
        if self.len > LEN_MAX || self.field_count > FIELD_COUNT_MAX {
            return Err(ChunkError::TrailerTooLong);
        }
        if let Some(kept) = &mut self.kept {
            kept.push(byte);
        }
        Ok(false)
    }
}

/// Most bytes of trailers, half of what a head may have.
const LEN_MAX: usize = 8 * 1024;
/// Most trailer fields.
const FIELD_COUNT_MAX: u8 = 32;
