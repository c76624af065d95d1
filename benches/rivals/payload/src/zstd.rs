//! `/zecho64`: as `/echo64`, with one zstd frame both ways. The contexts belong to the thread and
//! are reset between frames, never made anew.

use std::cell::RefCell;

use zstd_safe::{CCtx, CParameter, DCtx, zstd_sys};

use crate::base64::{add_one_in_place, encode_into};
use crate::{Buffer, Collect, Exchange, Refused};

const LEVEL: i32 = 1;

thread_local! {
    static CONTEXTS: RefCell<Contexts> = RefCell::new(Contexts::new());
}

/// Collects a frame, then answers with one.
#[derive(Debug)]
pub struct Zecho64 {
    frame: Collect,
    limit: usize,
}

impl Exchange for Zecho64 {
    const CONTENT_TYPE: &'static str = "text/plain";
    const CONTENT_ENCODING: Option<&'static str> = Some("zstd");

    fn begin(limit: usize, expected_len: usize) -> Self {
        Self { frame: Collect::begin(limit, expected_len), limit }
    }

    fn push(&mut self, chunk: &[u8]) -> Result<(), Refused> {
        self.frame.push(chunk)
    }

    fn finish(self) -> Result<Buffer, Refused> {
        let frame = self.frame.finish()?;
        let mut answer = Buffer::take();
        recode(&frame, self.limit, &mut answer)?;
        Ok(answer)
    }
}

/// Opens `frame`, adds 1 to each number and replaces what `answer` holds by the frame to send.
///
/// # Errors
/// [`Refused::TooLong`] when the frame holds more than `limit` bytes, [`Refused::Malformed`] when
/// it is no frame or does not hold Base64 of whole numbers.
#[inline(never)]
pub fn recode(frame: &[u8], limit: usize, answer: &mut Vec<u8>) -> Result<(), Refused> {
    CONTEXTS.with_borrow_mut(|contexts| {
        let mut text = Buffer::take();
        contexts.open(frame, limit, &mut text)?;
        let numbers = add_one_in_place(&mut text)?;
        let mut encoded = Buffer::take();
        encode_into(numbers, &mut encoded);
        contexts.seal(&encoded, answer);
        Ok(())
    })
}

struct Contexts {
    compression: CCtx<'static>,
    decompression: DCtx<'static>,
}

impl Contexts {
    fn new() -> Self {
        let mut compression = CCtx::create();
        compression
            .set_parameter(CParameter::CompressionLevel(LEVEL))
            .expect("level 1 is a level of zstd");
        Self { compression, decompression: DCtx::create() }
    }

    fn open(&mut self, frame: &[u8], limit: usize, text: &mut Vec<u8>) -> Result<(), Refused> {
        let announced = zstd_safe::get_frame_content_size(frame).map_err(|_| Refused::Malformed)?;
        // A frame that does not say how much it holds gets room for as much as is allowed; memory
        // it does not fill is never touched.
        let room = match announced.map(usize::try_from) {
            Some(Ok(len)) if len <= limit => len,
            Some(_) => return Err(Refused::TooLong),
            None => limit,
        };
        text.reserve(room);
        let too_small = zstd_sys::ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall;
        let len = self.decompression.decompress(text, frame).map_err(|code| {
            if zstd_safe::is_error_kind(code, too_small) {
                Refused::TooLong
            } else {
                Refused::Malformed
            }
        })?;
        if len > limit { Err(Refused::TooLong) } else { Ok(()) }
    }

    fn seal(&mut self, text: &[u8], answer: &mut Vec<u8>) {
        answer.clear();
        answer.reserve(zstd_safe::compress_bound(text.len()));
        self.compression.compress2(answer, text).expect("the bound leaves room for every frame");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(text: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        Contexts::new().seal(text, &mut frame);
        frame
    }

    fn open(frame: &[u8], limit: usize) -> Result<Vec<u8>, Refused> {
        let mut text = Vec::new();
        Contexts::new().open(frame, limit, &mut text)?;
        Ok(text)
    }

    #[test]
    fn numbers_grow_by_one_inside_a_frame() {
        let mut answer = Vec::new();
        recode(&seal(b"AAAAAAAAAAA="), 64, &mut answer).unwrap();
        assert_eq!(open(&answer, 64).unwrap(), b"AQAAAAEAAAA=");
    }

    #[test]
    fn frames_above_the_limit_are_too_long() {
        assert_eq!(open(&seal(&[b'A'; 65]), 64), Err(Refused::TooLong));
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let frame = seal(b"AAAAAA==");
        for malformed in [&b""[..], b"AAAAAA==", &frame[..frame.len() - 1]] {
            assert_eq!(open(malformed, 64), Err(Refused::Malformed));
        }
    }
}
