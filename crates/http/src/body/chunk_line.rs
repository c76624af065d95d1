//! The line before a chunk's data: its size and its extensions (RFC 9112 §7.1).
//!
//! One byte at a time, so that a line may be cut anywhere. Extensions are held to their grammar and
//! forgotten.

use super::ChunkError;
use crate::parse::charset::{self, HEX, QUOTED, TOKEN, VALUE};

/// Reads the size lines of one body.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkLine {
    place: Place,
    size: u64,
    digit_count: u8,
    /// Bytes of extensions in this line, semicolons and white space included.
    extension_len: usize,
    /// The same in all lines of the body.
    extension_total_len: usize,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Size,
    LineFeed,
    /// White space that must end in a semicolon.
    BeforeSemicolon,
    BeforeName,
    Name,
    /// White space behind a name: a value or the next extension may follow.
    BehindName,
    BeforeValue,
    Value,
    Quoted,
    QuotedEscape,
    BehindQuoted,
}

impl ChunkLine {
    pub(super) const fn new() -> Self {
        Self {
            place: Place::Size,
            size: 0,
            digit_count: 0,
            extension_len: 0,
            extension_total_len: 0,
        }
    }

    /// Takes one byte; the size when it ends the line, and then the next line may follow.
    pub(super) fn take(&mut self, byte: u8) -> Result<Option<u64>, ChunkError> {
        match self.place {
            Place::Size if charset::is(byte, HEX) => self.take_digit(byte)?,
            Place::LineFeed if byte == b'\n' => {
                let size = self.size;
                *self = Self { extension_total_len: self.extension_total_len, ..Self::new() };
                return Ok(Some(size));
            }
            Place::LineFeed => return Err(ChunkError::LineEnd),
            Place::Size if self.digit_count == 0 => return Err(ChunkError::Size),
            _ if byte == b'\r' && self.may_end() => self.place = Place::LineFeed,
            _ if byte == b'\n' && self.may_end() => return Err(ChunkError::LineEnd),
            _ => self.take_extension(byte)?,
        }
        Ok(None)
    }

    fn take_digit(&mut self, digit: u8) -> Result<(), ChunkError> {
        if self.digit_count == DIGIT_COUNT_MAX {
            return Err(ChunkError::SizeTooLong);
        }
        self.digit_count += 1;
        let value = charset::hex_value(digit).ok_or(ChunkError::Size)?;
        // 16 hexadecimal digits fill 64 bits exactly; the check is for a change of that limit.
        let shifted = self.size.checked_mul(16).ok_or(ChunkError::SizeTooLong)?;
        self.size = shifted | u64::from(value);
        Ok(())
    }

    /// Whether the line is whole here.
    fn may_end(&self) -> bool {
        matches!(self.place, Place::Size | Place::Name | Place::Value | Place::BehindQuoted)
    }

    /// `chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )`
    fn take_extension(&mut self, byte: u8) -> Result<(), ChunkError> {
        let is_space = matches!(byte, b' ' | b'\t');
        let is_token = charset::is(byte, TOKEN);
        self.place = match (self.place, byte) {
            (Place::Size | Place::BeforeSemicolon | Place::Value | Place::BehindQuoted, b';')
            | (Place::Name | Place::BehindName, b';') => Place::BeforeName,
            (Place::Size | Place::BeforeSemicolon | Place::Value | Place::BehindQuoted, _)
                if is_space =>
            {
                Place::BeforeSemicolon
            }
            (Place::BeforeName, _) if is_space => Place::BeforeName,
            (Place::BeforeName | Place::Name, _) if is_token => Place::Name,
            (Place::Name | Place::BehindName, _) if is_space => Place::BehindName,
            (Place::Name | Place::BehindName, b'=') => Place::BeforeValue,
            (Place::BeforeValue, _) if is_space => Place::BeforeValue,
            (Place::BeforeValue, b'"') | (Place::QuotedEscape, _) if charset::is(byte, VALUE) => {
                Place::Quoted
            }
            (Place::BeforeValue | Place::Value, _) if is_token => Place::Value,
            (Place::Quoted, b'"') => Place::BehindQuoted,
            (Place::Quoted, b'\\') => Place::QuotedEscape,
            (Place::Quoted, _) if charset::is(byte, QUOTED) => Place::Quoted,
            (Place::Size, _) => return Err(ChunkError::Size),
            _ => return Err(ChunkError::Extension),
        };
        self.extension_len += 1;
        self.extension_total_len += 1;
        let too_long = self.extension_len > EXTENSION_LEN_MAX
            || self.extension_total_len > EXTENSION_TOTAL_LEN_MAX;
        if too_long { Err(ChunkError::ExtensionTooLong) } else { Ok(()) }
    }
}

/// As many as 64 bits need; leading zeros count (RFC 9112 §7.1: recipients must anticipate large
/// numerals).
const DIGIT_COUNT_MAX: u8 = 16;
/// Most bytes of extensions in one line. No known extension comes near; servers that read them
/// without a limit were kept busy with them (CVE-2023-39326).
const EXTENSION_LEN_MAX: usize = 256;
/// Most bytes of extensions in one body.
const EXTENSION_TOTAL_LEN_MAX: usize = 4 * 1024;
