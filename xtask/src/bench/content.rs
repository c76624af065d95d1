//! The bodies that the arena's requests carry and the answers that are right. Bodies come from a
//! fixed seed, so that every run and every entry gets the same bytes.

use std::io::Read;

use ruzstd::decoding::StreamingDecoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::folder::ServedFile;

/// What a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Empty,
    /// Standard base64 of random little-endian `u32`s, this long.
    Base64(usize),
    /// The same as one zstd frame; the length is that of the base64 in it.
    Zstd(usize),
}

impl Content {
    /// The bytes of the body.
    pub(crate) fn body(self) -> Vec<u8> {
        match self {
            Self::Empty => Vec::new(),
            Self::Base64(len) => base64(&numbers(len)),
            Self::Zstd(len) => {
                compress_to_vec(base64(&numbers(len)).as_slice(), CompressionLevel::Fastest)
            }
        }
    }

    /// The fields that describe the body, without host and length.
    pub(crate) fn fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Empty => &[],
            Self::Base64(_) => &[("content-type", "text/plain")],
            Self::Zstd(_) => &[("content-type", "text/plain"), ("content-encoding", "zstd")],
        }
    }
}

/// The answer that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Text(&'static str),
    /// A file of the folder behind /file/.
    File(ServedFile),
    /// The request's numbers, each one higher, encoded as they came.
    PlusOne,
}

impl Expected {
    pub(crate) fn is_met(self, content: Content, answer: &[u8]) -> bool {
        match (self, content) {
            (Self::Text(text), _) => answer == text.as_bytes(),
            (Self::File(file), _) => answer == file.content(),
            (Self::PlusOne, Content::Empty) => answer.is_empty(),
            (Self::PlusOne, Content::Base64(len)) => answer == plus_one(len),
            (Self::PlusOne, Content::Zstd(len)) => {
                let mut plain = Vec::new();
                StreamingDecoder::new(answer)
                    .is_ok_and(|mut decoder| decoder.read_to_end(&mut plain).is_ok())
                    && plain == plus_one(len)
            }
        }
    }
}

fn plus_one(len: usize) -> Vec<u8> {
    base64(&numbers(len).into_iter().map(|number| number.wrapping_add(1)).collect::<Vec<_>>())
}

/// As many numbers as fill `len` bytes of base64.
fn numbers(len: usize) -> Vec<u32> {
    let mut random = fastrand::Rng::with_seed(SEED);
    (0..len / 4 * 3 / 4).map(|_| random.u32(..)).collect()
}

fn base64(numbers: &[u32]) -> Vec<u8> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let joined = group.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        let joined = joined << (8 * (3 - group.len()));
        for place in 0..4 {
            let index = (joined >> (18 - 6 * place)) & 63;
            let is_filled = place <= group.len();
            text.push(if is_filled { ALPHABET[index as usize] } else { b'=' });
        }
    }
    text
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Any number serves, as long as it stays.
const SEED: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::folder::{MEDIUM, SMALL};

    #[test]
    fn base64_is_the_standard_one() {
        assert_eq!(base64(&[0x0302_0100]), b"AAECAw==");
        assert_eq!(base64(&[u32::MAX, 0, u32::MAX]), b"/////wAAAAD/////");
    }

    #[test]
    fn bodies_have_the_length_asked_for() {
        assert_eq!(Content::Base64(4096).body().len(), 4096);
        assert_eq!(Content::Base64(65_536).body().len(), 65_536);
    }

    #[test]
    fn right_answers_are_told_from_wrong_ones() {
        let content = Content::Base64(64);
        assert!(Expected::PlusOne.is_met(content, &plus_one(64)));
        assert!(!Expected::PlusOne.is_met(content, &content.body()));
        assert!(Expected::File(MEDIUM).is_met(Content::Empty, &MEDIUM.content()));
        assert!(!Expected::File(MEDIUM).is_met(Content::Empty, &SMALL.content()));
        assert!(Expected::Text("ok").is_met(Content::Empty, b"ok"));
    }

    #[test]
    fn zstd_is_opened_before_it_is_compared() {
        let content = Content::Zstd(4096);
        let right = compress_to_vec(plus_one(4096).as_slice(), CompressionLevel::Fastest);
        assert!(right.len() < 4096);
        assert!(Expected::PlusOne.is_met(content, &right));
        assert!(!Expected::PlusOne.is_met(content, &content.body()));
        assert!(!Expected::PlusOne.is_met(content, b"no frame"));
    }
}
