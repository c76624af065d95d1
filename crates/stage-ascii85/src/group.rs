//! One group of Ascii85: up to four bytes, and the digits that stand for them.

/// Bytes in a whole group.
pub(crate) const BYTES: usize = 4;
/// Digits of a whole group.
pub(crate) const DIGITS: usize = 5;
/// Stands for four bytes of zero.
pub(crate) const ZEROS: u8 = b'z';

/// What one group became.
#[derive(Debug)]
pub(crate) struct Group {
    /// How many bytes of the input it took.
    pub(crate) read: usize,
    /// What comes of them: the first `len` bytes.
    bytes: [u8; DIGITS],
    len: usize,
}

/// A byte that breaks a rule, counted from the start of the input, and the rule.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) cause: &'static str,
}

impl Group {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Encodes the first bytes of `raw`, of which there is at least one: four, or those there are.
pub(crate) fn encode(raw: &[u8]) -> Group {
    let read = raw.len().min(BYTES);
    let mut padded = [0; BYTES];
    padded[..read].copy_from_slice(&raw[..read]);
    Group { read, bytes: digits(u32::from_be_bytes(padded)), len: read + 1 }
}

/// Decodes the group at the start of `text`. `None`: more is needed, or with `last` nothing is
/// left.
pub(crate) fn decode(text: &[u8], last: bool) -> Result<Option<Group>, Fault> {
    if text.first() == Some(&ZEROS) {
        return Ok(Some(Group { read: 1, bytes: [0; DIGITS], len: BYTES }));
    }
    let read = text.len().min(DIGITS);
    if read == 0 || (read < DIGITS && !last) {
        return Ok(None);
    }
    let value = value(&text[..read])?;
    let mut bytes = [0; DIGITS];
    bytes[..BYTES].copy_from_slice(&value.to_be_bytes());
    let len = read - 1;
    // Of all texts with the same meaning only the one that an encoder writes is taken.
    if len == 0 || encode(&bytes[..len]).bytes() != &text[..read] {
        return Err(Fault { at: read - 1, cause: "ends a group that no encoder writes" });
    }
    Ok(Some(Group { read, bytes, len }))
}

/// The value of up to five digits. Missing ones count as the highest, so that what is cut off from
/// the value is never less than what an encoder left out.
fn value(text: &[u8]) -> Result<u32, Fault> {
    let mut value = 0_u64;
    for at in 0..DIGITS {
        let digit = match text.get(at) {
            None => BASE - 1,
            Some(digit @ FIRST..=LAST) => u64::from(digit - FIRST),
            Some(&ZEROS) => return Err(Fault { at, cause: "is a `z` inside a group" }),
            Some(_) => return Err(Fault { at, cause: "is no digit" }),
        };
        value = value * BASE + digit;
    }
    let last = text.len() - 1;
    u32::try_from(value).map_err(|_| Fault { at: last, cause: "ends a group above 32 bits" })
}

fn digits(mut value: u32) -> [u8; DIGITS] {
    let mut digits = [0; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = FIRST + u8::try_from(value % 85).expect("a remainder below 85");
        value /= 85;
    }
    digits
}

const BASE: u64 = 85;
const FIRST: u8 = b'!';
const LAST: u8 = b'u';
