//! `/echo64`: Base64 of little-endian `u32`s, each one made greater by 1. The body is decoded chunk
//! by chunk as it arrives, so that no entry has to join the chunks first.

use base64_simd::STANDARD;

use crate::{Buffer, Exchange, Refused};

/// Symbols that belong together.
const GROUP_LEN: usize = 4;

/// Decodes a body, adds 1 to each number and encodes the answer.
#[derive(Debug)]
pub struct Echo64 {
    numbers: Buffer,
    /// Symbols of a group that the end of a chunk cut off.
    rest: [u8; GROUP_LEN],
    rest_len: usize,
    /// How many bytes of the body may still come.
    room: usize,
    /// Whether padding has ended the body.
    is_ended: bool,
}

impl Echo64 {
    fn decode(&mut self, groups: &[u8]) -> Result<(), Refused> {
        let before = self.numbers.len();
        STANDARD.decode_append(groups, &mut *self.numbers).map_err(|_| Refused::Malformed)?;
        self.is_ended = !(self.numbers.len() - before).is_multiple_of(3);
        Ok(())
    }
}

impl Exchange for Echo64 {
    const CONTENT_TYPE: &'static str = "text/plain";
    const CONTENT_ENCODING: Option<&'static str> = None;

    fn begin(limit: usize, expected_len: usize) -> Self {
        let mut numbers = Buffer::take();
        numbers.reserve(STANDARD.estimated_decoded_length(expected_len.min(limit)));
        Self { numbers, rest: [0; GROUP_LEN], rest_len: 0, room: limit, is_ended: false }
    }

    fn push(&mut self, mut chunk: &[u8]) -> Result<(), Refused> {
        self.room = self.room.checked_sub(chunk.len()).ok_or(Refused::TooLong)?;
        if self.rest_len > 0 {
            let (head, tail) = chunk.split_at(chunk.len().min(GROUP_LEN - self.rest_len));
            self.rest[self.rest_len..][..head.len()].copy_from_slice(head);
            self.rest_len += head.len();
            chunk = tail;
            if self.rest_len == GROUP_LEN {
                self.rest_len = 0;
                self.decode(&{ self.rest })?;
            }
        }
        if chunk.is_empty() {
            return Ok(());
        }
        if self.is_ended {
            return Err(Refused::Malformed);
        }
        let (groups, rest) = chunk.split_at(chunk.len() - chunk.len() % GROUP_LEN);
        if !groups.is_empty() {
            self.decode(groups)?;
        }
        self.rest[..rest.len()].copy_from_slice(rest);
        self.rest_len = rest.len();
        if self.is_ended && self.rest_len > 0 { Err(Refused::Malformed) } else { Ok(()) }
    }

    fn finish(mut self) -> Result<Buffer, Refused> {
        if self.rest_len > 0 {
            return Err(Refused::Malformed);
        }
        add_one(&mut self.numbers)?;
        let mut answer = Buffer::take();
        encode_into(&self.numbers, &mut answer);
        Ok(answer)
    }
}

/// Decodes a whole body where it lies and adds 1 to each number. The result is the front of `body`.
///
/// # Errors
/// [`Refused::Malformed`] when the body is not Base64 of whole numbers.
pub fn add_one_in_place(body: &mut [u8]) -> Result<&[u8], Refused> {
    let numbers = STANDARD.decode_inplace(body).map_err(|_| Refused::Malformed)?;
    add_one(numbers)?;
    Ok(numbers)
}

/// How long the answer with these numbers is.
#[must_use]
pub fn encoded_len(numbers: &[u8]) -> usize {
    STANDARD.encoded_length(numbers.len())
}

/// Appends the numbers to `answer`, encoded.
pub fn encode_into(numbers: &[u8], answer: &mut Vec<u8>) {
    STANDARD.encode_append(numbers, answer);
}

fn add_one(numbers: &mut [u8]) -> Result<(), Refused> {
    let (numbers, []) = numbers.as_chunks_mut() else { return Err(Refused::Malformed) };
    for number in numbers {
        *number = u32::from_le_bytes(*number).wrapping_add(1).to_le_bytes();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_chunks(body: &[u8], chunk_len: usize) -> Result<Vec<u8>, Refused> {
        let mut exchange = Echo64::begin(1 << 20, body.len());
        for chunk in body.chunks(chunk_len) {
            exchange.push(chunk)?;
        }
        exchange.finish().map(|answer| answer.to_vec())
    }

    #[test]
    fn numbers_grow_by_one_however_the_body_is_cut() {
        for count in 0..20_u8 {
            let numbers: Vec<u8> = (0..count).flat_map(|n| [0xff, n, 1, 2]).collect();
            let grown: Vec<u8> = (0..count).flat_map(|n| [0, n + 1, 1, 2]).collect();
            let body = STANDARD.encode_to_string(numbers);
            for chunk_len in 1..=body.len().max(1) {
                let answer = in_chunks(body.as_bytes(), chunk_len);
                assert_eq!(answer, Ok(STANDARD.encode_to_string(&grown).into_bytes()));
            }
        }
    }

    #[test]
    fn bodies_that_are_not_whole_numbers_are_refused_however_cut() {
        for body in ["A", "AAAA", "AAAAAA", "AAAAAA=", "AAAA AA==", "AAAAAA==AAAAAA==", "AAAAAA==A"]
        {
            for chunk_len in 1..=body.len() {
                let answer = in_chunks(body.as_bytes(), chunk_len);
                assert_eq!(answer, Err(Refused::Malformed), "{body}, {chunk_len}");
            }
            assert!(add_one_in_place(&mut body.as_bytes().to_vec()).is_err(), "{body}");
        }
    }

    #[test]
    fn body_above_the_limit_is_too_long() {
        let mut exchange = Echo64::begin(8, 0);
        assert_eq!(exchange.push(b"AAAAAA=="), Ok(()));
        assert_eq!(exchange.push(b"A"), Err(Refused::TooLong));
    }
}
