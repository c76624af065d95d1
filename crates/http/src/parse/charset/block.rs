//! Sixteen bytes looked at at once.
//!
//! Each function returns a mask with a bit for each byte that stops a run, the first byte lowest.

use wide::u8x16;

/// Bytes that are not visible ASCII, and `?` and `#`.
#[inline]
pub(super) fn stops_path(block: [u8; 16]) -> u32 {
    let bytes = u8x16::new(block);
    stops(within(bytes, b'!', b'~') & !(is(bytes, b'?') | is(bytes, b'#')))
}

/// Bytes that may not stand in a field value, and HTAB, which may.
#[inline]
pub(super) fn stops_value(block: [u8; 16]) -> u32 {
    let bytes = u8x16::new(block);
    (at_most(bytes, b' ' - 1) | is(bytes, DELETE)).to_bitmask()
}

/// All but letters, digits, `-`, `.` and `_`: a few bytes that may stand in a name or a host are
/// among them.
#[inline]
pub(super) fn stops_word(block: [u8; 16]) -> u32 {
    let bytes = u8x16::new(block);
    // For letters the bit is the case; no other byte becomes a letter by it.
    let letters = within(bytes | u8x16::splat(0x20), b'a', b'z');
    let digits_and_marks = within(bytes, b'-', b'9') & !is(bytes, b'/');
    stops(letters | digits_and_marks | is(bytes, b'_'))
}

/// The places at which `goes_on` does not hold.
#[inline]
fn stops(goes_on: u8x16) -> u32 {
    goes_on.to_bitmask() ^ ALL
}

#[inline]
fn is(bytes: u8x16, byte: u8) -> u8x16 {
    bytes.simd_eq(u8x16::splat(byte))
}

#[inline]
fn at_most(bytes: u8x16, last: u8) -> u8x16 {
    bytes.min(u8x16::splat(last)).simd_eq(bytes)
}

/// Whether a byte lies in `first..=last`: one comparison tells when the range starts at zero.
#[inline]
fn within(bytes: u8x16, first: u8, last: u8) -> u8x16 {
    at_most(bytes - u8x16::splat(first), last - first)
}

const ALL: u32 = 0xffff;
const DELETE: u8 = 0x7f;

#[cfg(test)]
mod tests {
    use super::super::{HOST, PATH, TOKEN, VALUE, is};
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_judged_as_by_the_table() {
        for byte in 0..=u8::MAX {
            for place in 0..16 {
                let mut block = [b'a'; 16];
                block[place] = byte;
                let stop = |goes_on: bool| if goes_on { 0 } else { 1 << place };
                assert_eq!(stops_path(block), stop(is(byte, PATH)), "{byte}");
                assert_eq!(stops_value(block), stop(is(byte, VALUE) && byte != b'\t'), "{byte}");
                let is_word = byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
                assert_eq!(stops_word(block), stop(is_word), "{byte}");
                assert!(!is_word || is(byte, TOKEN) && is(byte, HOST), "{byte}");
            }
        }
    }
}
