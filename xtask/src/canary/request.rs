//! Requests whose replies are known to the last byte.

use base64_simd::STANDARD;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// What the arena does with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A short text without a body in the request.
    Plaintext,
    /// The body, and the type that it was sent with.
    Echo,
    /// Base64 both ways, each number one higher.
    Base64,
    /// The same within zstd.
    Zstd,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Plaintext, Self::Echo, Self::Base64, Self::Zstd];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Echo => "echo",
            Self::Base64 => "base64",
            Self::Zstd => "zstd",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Plaintext => "/plaintext",
            Self::Echo => "/echo",
            Self::Base64 => "/echo64",
            Self::Zstd => "/zecho64",
        }
    }
}

/// A reply that is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub(super) kind: Kind,
    /// Of the request, and of no other in this run.
    pub(super) stamp: u64,
    /// Bytes of the body before any coding: whole numbers of four bytes where it is coded.
    pub(super) raw_len: usize,
    /// Which of the visitor's packed bodies was sent.
    pub(super) packed_index: usize,
}

/// A zstd body that a visitor sends again and again, since packing costs a hundred times what
/// comparing does.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) body: Vec<u8>,
    pub(super) stamp: u64,
    pub(super) raw_len: usize,
    /// The reply's body, once one was unpacked and found right.
    pub(super) known: Vec<u8>,
}

impl Packed {
    pub(super) fn new(stamp: u64, raw_len: usize) -> Self {
        let mut text = Vec::new();
        encoded(stamp, raw_len, 0, &mut text);
        let body = compress_to_vec(text.as_slice(), CompressionLevel::Fastest);
        Self { body, stamp, raw_len, known: Vec::new() }
    }
}

impl Due {
    /// The type of the request's content; an echo returns it.
    pub(super) fn content_type(&self) -> String {
        format!("canary/{:016x}", self.stamp)
    }

    /// Appends the request as it goes over the wire. With `chunk_len` the body has no length in
    /// front and comes in chunks.
    pub(super) fn write(&self, packed: &[Packed], chunk_len: Option<usize>, wire: &mut Vec<u8>) {
        let mut body = Vec::new();
        match self.kind {
            Kind::Plaintext => {
                wire.extend_from_slice(b"GET /plaintext HTTP/1.1\r\nhost: canary\r\n\r\n");
                return;
            }
            Kind::Zstd => body.extend_from_slice(&packed[self.packed_index].body),
            Kind::Echo => raw(self.stamp, self.raw_len, &mut body),
            Kind::Base64 => encoded(self.stamp, self.raw_len, 0, &mut body),
        }
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: canary\r\ncontent-type: {}\r\n{}",
            self.kind.path(),
            self.content_type(),
            if self.kind == Kind::Zstd { "content-encoding: zstd\r\n" } else { "" },
        );
        wire.extend_from_slice(head.as_bytes());
        let Some(chunk_len) = chunk_len else {
            wire.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
            wire.extend_from_slice(&body);
            return;
        };
        wire.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
        // Servers refuse a body that is mostly framing.
        for chunk in body.chunks(chunk_len.max(body.len() / CHUNK_COUNT_MAX)) {
            wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            wire.extend_from_slice(chunk);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b"0\r\n\r\n");
    }

    /// The reply's body, before it is packed where it is.
    pub(super) fn reply(&self, body: &mut Vec<u8>) {
        body.clear();
        match self.kind {
            Kind::Plaintext => body.extend_from_slice(b"Hello, World!"),
            Kind::Echo => raw(self.stamp, self.raw_len, body),
            Kind::Base64 | Kind::Zstd => encoded(self.stamp, self.raw_len, 1, body),
        }
    }
}

/// The stamp of the request whose echoed body these bytes are out of, as far as that can be told:
/// words of one body differ by a fixed step, and stamps are small.
pub(super) fn owner(found: &[u8]) -> Option<u64> {
    let word = |at: usize| Some(u64::from_le_bytes(found.get(at..at + 8)?.try_into().ok()?));
    (0..8).find_map(|at| {
        let first = word(at)?;
        (word(at + 8)?.wrapping_sub(first) == STEP).then_some(())?;
        (0..POSITIONS).map(|index| first.wrapping_sub(STEP.wrapping_mul(index))).find(is_stamp)
    })
}

fn is_stamp(word: &u64) -> bool {
    word >> STAMP_BITS == 0
}

/// Words that count up from the stamp by a step that sets all bits in motion.
fn raw(stamp: u64, len: usize, body: &mut Vec<u8>) {
    body.reserve(len + 8);
    let start = body.len();
    let mut word = stamp;
    for _ in 0..len.div_ceil(8) {
        body.extend_from_slice(&word.to_le_bytes());
        word = word.wrapping_add(STEP);
    }
    body.truncate(start + len);
}

/// The Base64 of the same words, each half of a word raised by `added`.
fn encoded(stamp: u64, len: usize, added: u32, text: &mut Vec<u8>) {
    let mut bytes = Vec::new();
    raw(stamp, len, &mut bytes);
    for number in bytes.chunks_exact_mut(4) {
        let value = u32::from_le_bytes(number.try_into().expect("chunks of four bytes"));
        number.copy_from_slice(&value.wrapping_add(added).to_le_bytes());
    }
    STANDARD.encode_append(&bytes, text);
}

/// Odd, so that it runs through all words, and without a pattern (the golden ratio's bits).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
/// Of a body; some 30 KB of framing.
const CHUNK_COUNT_MAX: usize = 4_000;
/// Stamps are below this power of two: 2^40 requests are more than any run sends.
const STAMP_BITS: u32 = 40;
/// Words of the longest body that an owner is looked for.
const POSITIONS: u64 = 1 << 13;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coded_reply_is_one_higher() {
        let due = Due { kind: Kind::Base64, stamp: 5, raw_len: 8, packed_index: 0 };
        let mut wire = Vec::new();
        due.write(&[], None, &mut wire);
        // The words 5 and 0 as little-endian halves, and then each of them raised by one.
        assert!(wire.ends_with(b"content-length: 12\r\n\r\nBQAAAAAAAAA="));
        let mut body = Vec::new();
        due.reply(&mut body);
        assert_eq!(body, b"BgAAAAEAAAA=");
    }

    #[test]
    fn chunks_hold_the_same_body() {
        let due = Due { kind: Kind::Echo, stamp: 1, raw_len: 3, packed_index: 0 };
        let mut wire = Vec::new();
        due.write(&[], Some(2), &mut wire);
        assert!(wire.ends_with(b"\r\n\r\n2\r\n\x01\0\r\n1\r\n\0\r\n0\r\n\r\n"));
    }

    #[test]
    fn foreign_bytes_name_their_request() {
        let due = Due { kind: Kind::Echo, stamp: 77, raw_len: 4096, packed_index: 0 };
        let mut body = Vec::new();
        due.reply(&mut body);
        assert_eq!(owner(&body[1003..1030]), Some(77));
        assert_eq!(owner(b"nobody's bytes at all"), None);
    }
}
