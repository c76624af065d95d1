//! `/echo`: the body as it came.

use crate::{Buffer, Exchange, Refused};

/// Collects a body.
#[derive(Debug)]
pub struct Collect {
    body: Buffer,
    limit: usize,
}

impl Exchange for Collect {
    const CONTENT_TYPE: &'static str = "application/octet-stream";
    const CONTENT_ENCODING: Option<&'static str> = None;

    fn begin(limit: usize, expected_len: usize) -> Self {
        let mut body = Buffer::take();
        body.reserve(expected_len.min(limit));
        Self { body, limit }
    }

    fn push(&mut self, chunk: &[u8]) -> Result<(), Refused> {
        if chunk.len() > self.limit - self.body.len() {
            return Err(Refused::TooLong);
        }
        self.body.extend_from_slice(chunk);
        Ok(())
    }

    fn finish(self) -> Result<Buffer, Refused> {
        Ok(self.body)
    }
}
