//! The code itself, over one buffer, and the stage that it makes.

use crate::{Direction, Flow, Growth, Stage, StageError, Window, percent::flow};

/// Percent-encoding. As a stage it decodes inbound and encodes outbound.
///
/// Inbound, `%` is followed by two hexadecimal digits of either case and every other byte stands
/// for itself, `+` too. Outbound, every byte but the unreserved ones (RFC 3986 §2.3) is escaped,
/// with digits in upper case. Decode once: what decoding yields may look encoded, and is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Percent;

/// An escape that is none.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where its `%` is.
    pub at: usize,
}

impl Percent {
    /// Decodes the whole of `text` where it lies and returns the length of the result, which starts
    /// where the text started and is never longer.
    ///
    /// ```
    /// use waterwheel_stages::percent::Percent;
    ///
    /// let mut text = *b"50%25%20off";
    /// let len = Percent::decode_in_place(&mut text).unwrap();
    /// assert_eq!(&text[..len], b"50% off");
    /// ```
    ///
    /// # Errors
    /// [`Fault`] at the first `%` that no two digits follow. Bytes before it may have been decoded.
    pub fn decode_in_place(text: &mut [u8]) -> Result<usize, Fault> {
        let Some(mut read) = text.iter().position(|byte| *byte == b'%') else {
            return Ok(text.len());
        };
        let mut written = read;
        while let Some(&byte) = text.get(read) {
            let (value, len) = if byte == b'%' {
                (escaped(&text[read..]).ok_or(Fault { at: read })?, ESCAPE_LEN)
            } else {
                (byte, 1)
            };
            text[written] = value;
            written += 1;
            read += len;
        }
        Ok(written)
    }

    /// Bytes that `raw` becomes.
    #[must_use]
    pub fn encoded_len(raw: &[u8]) -> usize {
        let escapes = raw.iter().filter(|byte| !is_unreserved(**byte)).count();
        raw.len() + (ESCAPE_LEN - 1) * escapes
    }

    /// Encodes the first `raw_len` bytes where they lie, from their end to their start, and returns
    /// the length of the text, which starts where they started. Bytes behind it keep their values.
    ///
    /// ```
    /// use waterwheel_stages::percent::Percent;
    ///
    /// let mut bytes = *b"50% off____";
    /// assert_eq!(Percent::encode_in_place(&mut bytes, 7), 11);
    /// assert_eq!(&bytes, b"50%25%20off");
    /// ```
    ///
    /// # Panics
    /// When `bytes` is shorter than [`encoded_len`](Self::encoded_len) of the raw bytes.
    pub fn encode_in_place(bytes: &mut [u8], raw_len: usize) -> usize {
        let encoded_len = Self::encoded_len(&bytes[..raw_len]);
        assert!(encoded_len <= bytes.len(), "room for the whole text is the caller's to give");
        // Text is written at or behind what is still to be read. Where the two meet, no byte
        // before needs an escape, and all of them are in their place.
        let (mut read, mut end) = (raw_len, encoded_len);
        while read < end {
            read -= 1;
            let byte = bytes[read];
            if is_unreserved(byte) {
                end -= 1;
                bytes[end] = byte;
            } else {
                end -= ESCAPE_LEN;
                bytes[end..end + ESCAPE_LEN].copy_from_slice(&escape(byte));
            }
        }
        encoded_len
    }
}

impl Stage for Percent {
    fn name(&self) -> &'static str {
        "percent"
    }

    fn growth(&self, direction: Direction) -> Growth {
        match direction {
            Direction::Inbound => Growth::Shrinks,
            Direction::Outbound => Growth::ratio(1, ESCAPE_LEN),
        }
    }

    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let len = Self::decode_in_place(window.payload_mut())
            .map_err(|Fault { at }| malformed(Some(at)))?;
        window.truncate(len);
        Ok(())
    }

    fn outbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let raw_len = window.len();
        let encoded_len = Self::encoded_len(window.payload());
        window
            .grow_back(encoded_len - raw_len)
            .map_err(|source| StageError::NoRoom { stage: self.name(), source })?;
        Self::encode_in_place(window.payload_mut(), raw_len);
        Ok(())
    }

    fn flow(&self, direction: Direction) -> Result<Flow, StageError> {
        match direction {
            Direction::Inbound => flow::decode(),
            Direction::Outbound => Ok(flow::encode()),
        }
    }
}

/// The byte that an escape at the start of `text` stands for.
pub(super) fn escaped(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| text.get(at).and_then(|digit| char::from(*digit).to_digit(16));
    u8::try_from(16 * digit(1)? + digit(2)?).ok()
}

/// What a byte becomes, and how much of that counts.
pub(super) fn encoded(byte: u8) -> ([u8; ESCAPE_LEN], usize) {
    if is_unreserved(byte) { ([byte, 0, 0], 1) } else { (escape(byte), ESCAPE_LEN) }
}

fn escape(byte: u8) -> [u8; ESCAPE_LEN] {
    let digit = |value: u8| DIGITS[usize::from(value)];
    [b'%', digit(byte >> 4), digit(byte & 15)]
}

pub(super) fn malformed(at: Option<usize>) -> StageError {
    StageError::Malformed { stage: "percent", at, cause: "is followed by no two digits" }
}

fn is_unreserved(byte: u8) -> bool {
    UNRESERVED[usize::from(byte)]
}

/// RFC 3986 §2.3.
const UNRESERVED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        table[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        byte += 1;
    }
    table
};

const DIGITS: [u8; 16] = *b"0123456789ABCDEF";

/// A percent sign and two digits.
pub(super) const ESCAPE_LEN: usize = 3;
