//! Which bytes may stand where, as one table with a bit per place.

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

/// As [`run_len`], for runs that are mostly longer than eight bytes: a block is tested as a whole
/// before the byte at which it ends is looked for.
#[inline]
pub(crate) fn long_run_len(bytes: &[u8], class: u8) -> usize {
    let mut rest = bytes;
    while let Some((block, tail)) = rest.split_first_chunk::<8>()
        && block.iter().fold(class, |all, &byte| all & CLASSES[byte as usize]) != 0
    {
        rest = tail;
    }
    bytes.len() - rest.len() + run_len(rest, class)
}

/// How many of the first bytes of `bytes` may stand in a field value; tests eight at a time.
#[inline]
pub(crate) fn value_run_len(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((block, tail)) = rest.split_first_chunk::<8>() {
        let block = u64::from_le_bytes(*block);
        // Below SP, or DEL. The lowest bit found is right; a carry can only spoil those above it.
        let below_space = block.wrapping_sub(EACH_BYTE * 0x20) & !block;
        let other = block ^ (EACH_BYTE * 0x7f);
        let delete = other.wrapping_sub(EACH_BYTE) & !other;
        let found = (below_space | delete) & (EACH_BYTE * 0x80);
        if found == 0 {
            rest = tail;
            continue;
        }
        let index = found.trailing_zeros() as usize / 8;
        if block.to_le_bytes()[index] != b'\t' {
            return bytes.len() - rest.len() + index;
        }
        rest = &rest[index + 1..];
    }
    bytes.len() - rest.len() + run_len(rest, VALUE)
}

/// How many of the first bytes of `bytes` are visible ASCII other than `?` and `#`; tests eight at
/// a time.
#[inline]
pub(crate) fn path_run_len(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((block, tail)) = rest.split_first_chunk::<8>() {
        let block = u64::from_le_bytes(*block);
        // Not within 0x21..=0x7e. As above, only bits over the lowest one found can be wrong.
        let not_visible =
            block.wrapping_sub(EACH_BYTE * 0x21) | block.wrapping_add(EACH_BYTE) | block;
        let question = block ^ (EACH_BYTE * b'?' as u64);
        let hash = block ^ (EACH_BYTE * b'#' as u64);
        // Visible ASCII has no highest bit, so the subtraction alone shows a zero.
        let mark = question.wrapping_sub(EACH_BYTE) | hash.wrapping_sub(EACH_BYTE);
        let found = (not_visible | mark) & (EACH_BYTE * 0x80);
        if found != 0 {
            return bytes.len() - rest.len() + found.trailing_zeros() as usize / 8;
        }
        rest = tail;
    }
    bytes.len() - rest.len() + run_len(rest, PATH)
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

/// One in each byte.
const EACH_BYTE: u64 = 0x0101_0101_0101_0101;

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
