//! Which bytes may stand where, as one table with a bit per place, and how far runs of them reach.

mod block;

use block::{stops_path, stops_value, stops_word};

/// May stand in a token (RFC 9110 §5.6.2).
pub(crate) const TOKEN: u8 = 1;
/// May stand in a field value or behind a backslash: HTAB, SP, VCHAR, obs-text (RFC 9110 §5.5).
pub(crate) const VALUE: u8 = 1 << 1;
/// May stand in a registered name as itself: unreserved and sub-delims (RFC 3986 §3.2.2).
pub(crate) const HOST: u8 = 1 << 2;
/// Visible ASCII.
pub(crate) const VISIBLE: u8 = 1 << 3;
/// Visible ASCII that does not end a path: all but `?` and `#`.
pub(crate) const PATH: u8 = 1 << 4;
/// May stand in a quoted string as itself (RFC 9110 §5.6.4).
pub(crate) const QUOTED: u8 = 1 << 5;
/// A hexadecimal digit.
pub(crate) const HEX: u8 = 1 << 6;

/// Whether `byte` may stand at a place of class `class`.
#[inline]
pub(crate) fn is(byte: u8, class: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

/// How many of the first bytes of `bytes` are of class `class`. Eight at a time, so that the
/// compiler unrolls the inner loop.
#[inline]
pub(crate) fn run_len(bytes: &[u8], class: u8) -> usize {
    let mut rest = bytes;
    while let Some((block, tail)) = rest.split_first_chunk::<8>() {
        for (index, &byte) in block.iter().enumerate() {
            if !is(byte, class) {
                return bytes.len() - rest.len() + index;
            }
        }
        rest = tail;
    }
    while let Some((&byte, tail)) = rest.split_first()
        && is(byte, class)
    {
        rest = tail;
    }
    bytes.len() - rest.len()
}

// These three are inlined wherever they stand: every head passes them, several times.

/// As [`run_len`] of [`TOKEN`], for names in front of a colon: mostly short, of letters and `-`.
#[inline(always)]
pub(crate) fn name_run_len(bytes: &[u8]) -> usize {
    if let Some(block) = bytes.first_chunk() {
        let len = stops_word(*block).trailing_zeros() as usize;
        if block.get(len) == Some(&b':') {
            return len;
        }
    }
    run_len(bytes, TOKEN)
}

/// As [`run_len`] of [`HOST`], for hosts that may be followed by a colon: mostly short, of letters,
/// digits, `.` and `-`.
#[inline(always)]
pub(crate) fn host_run_len(text: &[u8]) -> usize {
    if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>())
        && text.len() <= 16
    {
        // The two words cover the text, and mostly overlap.
        let low = u128::from(u64::from_le_bytes(*first));
        let high = u128::from(u64::from_le_bytes(*last));
        let at = stops_word((high << 64 | low).to_le_bytes()).trailing_zeros() as usize;
        let len = if at < 8 { at } else { (at + text.len()).saturating_sub(16).min(text.len()) };
        if matches!(text.get(len), None | Some(b':')) {
            return len;
        }
    }
    run_len(text, HOST)
}

/// How many of the first bytes of `bytes` may stand in a field value.
#[inline(always)]
pub(crate) fn value_run_len(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    loop {
        let (tail, is_stopped) = skip(rest, stops_value);
        match tail.first() {
            Some(b'\t') => rest = &tail[1..],
            _ if is_stopped => return bytes.len() - tail.len(),
            _ => return bytes.len() - tail.len() + run_len(tail, VALUE),
        }
    }
}

/// How many of the first bytes of `bytes` are visible ASCII other than `?` and `#`.
#[inline]
pub(crate) fn path_run_len(bytes: &[u8]) -> usize {
    let (tail, is_stopped) = skip(bytes, stops_path);
    let len = bytes.len() - tail.len();
    if is_stopped { len } else { len + run_len(tail, PATH) }
}

/// Skips bytes up to the first that `stops`. The flag tells whether there is one; if not, up to
/// fifteen bytes at the end have not been looked at.
#[inline(always)]
fn skip(bytes: &[u8], stops: impl Fn([u8; 16]) -> u32) -> (&[u8], bool) {
    let mut rest = bytes;
    while let Some((block, tail)) = rest.split_first_chunk::<16>() {
        let stops = stops(*block);
        if stops != 0 {
            return (&rest[stops.trailing_zeros() as usize..], true);
        }
        rest = tail;
    }
    (rest, false)
}

/// The value of a hexadecimal digit.
#[inline]
pub(crate) fn hex_value(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0u8;
    loop {
        table[byte as usize] = class_bits(byte);
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

const fn class_bits(byte: u8) -> u8 {
    let mut bits = 0;
    let alphanumeric = byte.is_ascii_alphanumeric();
    if alphanumeric
        || matches!(byte, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+')
        || matches!(byte, b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
    {
        bits |= TOKEN;
    }
    if byte == b'\t' || (byte >= b' ' && byte != 0x7f) {
        bits |= VALUE;
        if byte != b'"' && byte != b'\\' {
            bits |= QUOTED;
        }
    }
    if alphanumeric
        || matches!(byte, b'-' | b'.' | b'_' | b'~')
        || matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
        )
    {
        bits |= HOST;
    }
    if byte > b' ' && byte < 0x7f {
        bits |= VISIBLE;
        if !matches!(byte, b'?' | b'#') {
            bits |= PATH;
        }
    }
    if byte.is_ascii_hexdigit() {
        bits |= HEX;
    }
    bits
}
