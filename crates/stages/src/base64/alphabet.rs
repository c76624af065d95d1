//! The four forms of Base64 that RFC 4648 names, and the stage they make.

use std::fmt;

use crate::{Direction, Flow, Growth, Stage, StageError, Window};

/// One form of Base64: an alphabet, with or without padding. As a stage it decodes inbound and
/// encodes outbound.
///
/// Only the one canonical text of a byte string is accepted: no line breaks, padding exactly where
/// it belongs, and spare bits zero (RFC 4648 §3.1 to §3.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Base64 {
    url_safe: bool,
    padded: bool,
}

impl Base64 {
    /// The alphabet with `+` and `/`, padded (RFC 4648 §4).
    pub const STANDARD: Self = Self { url_safe: false, padded: true };
    /// The alphabet with `+` and `/`, without padding.
    pub const STANDARD_NO_PAD: Self = Self { url_safe: false, padded: false };
    /// The alphabet with `-` and `_`, padded (RFC 4648 §5).
    pub const URL_SAFE: Self = Self { url_safe: true, padded: true };
    /// The alphabet with `-` and `_`, without padding.
    pub const URL_SAFE_NO_PAD: Self = Self { url_safe: true, padded: false };

    /// Symbols, padding included, that `raw_len` bytes become; `usize::MAX` when that overflows.
    #[inline]
    #[must_use]
    pub const fn encoded_len(self, raw_len: usize) -> usize {
        let whole_len = (raw_len / 3).saturating_mul(4);
        let rest_len = match (raw_len % 3, self.padded) {
            (0, _) => 0,
            (_, true) => 4,
            (rest, false) => rest + 1,
        };
        whole_len.saturating_add(rest_len)
    }

    pub(super) const fn is_url_safe(self) -> bool {
        self.url_safe
    }

    pub(super) const fn is_padded(self) -> bool {
        self.padded
    }

    /// The codec for a last piece.
    #[inline]
    pub(super) const fn codec(self) -> &'static base64_simd::Base64 {
        match (self.url_safe, self.padded) {
            (false, true) => &base64_simd::STANDARD,
            (false, false) => &base64_simd::STANDARD_NO_PAD,
            (true, true) => &base64_simd::URL_SAFE,
            (true, false) => &base64_simd::URL_SAFE_NO_PAD,
        }
    }

    /// The codec for a piece that others follow: padding has no place there.
    #[inline]
    pub(super) const fn piece_codec(self) -> &'static base64_simd::Base64 {
        Self { url_safe: self.url_safe, padded: false }.codec()
    }

    /// The value of a symbol; `None` for a byte outside the alphabet.
    pub(super) const fn value(self, symbol: u8) -> Option<u8> {
        match (symbol, self.url_safe) {
            (b'A'..=b'Z', _) => Some(symbol - b'A'),
            (b'a'..=b'z', _) => Some(symbol - b'a' + 26),
            (b'0'..=b'9', _) => Some(symbol - b'0' + 52),
            (b'+', false) | (b'-', true) => Some(62),
            (b'/', false) | (b'_', true) => Some(63),
            _ => None,
        }
    }
}

impl Stage for Base64 {
    fn name(&self) -> &'static str {
        "base64"
    }

    fn growth(&self, direction: Direction) -> Growth {
        match direction {
            Direction::Inbound => Growth::ratio(4, 3),
            Direction::Outbound => Growth::ratio(3, 4),
        }
    }

    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let len = self.decode_in_place(window.payload_mut()).map_err(|fault| {
            StageError::Malformed { stage: self.name(), at: fault.at, cause: fault.cause }
        })?;
        window.truncate(len);
        Ok(())
    }

    fn outbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let raw_len = window.len();
        let encoded_len = self.encoded_len(raw_len);
        window
            .grow_back(encoded_len - raw_len)
            .map_err(|source| StageError::NoRoom { stage: self.name(), source })?;
        self.encode_in_place(window.payload_mut(), raw_len);
        Ok(())
    }

    fn flow(&self, direction: Direction) -> Result<Flow, StageError> {
        self.grouped(direction)
    }
}

impl fmt::Debug for Base64 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match (self.url_safe, self.padded) {
            (false, true) => "Base64::STANDARD",
            (false, false) => "Base64::STANDARD_NO_PAD",
            (true, true) => "Base64::URL_SAFE",
            (true, false) => "Base64::URL_SAFE_NO_PAD",
        })
    }
}
