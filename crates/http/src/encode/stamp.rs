//! The bytes that all replies of a second have in common.

use std::time::SystemTime;

use super::DateCache;

/// What most replies start with, ready to copy: status 200, `server`, `date` and the name of the
/// `content-length`. One per worker.
#[derive(Debug)]
pub(crate) struct Stamp {
    date: DateCache,
    /// As [`TEMPLATE`], with the date in its place.
    bytes: [u8; TEMPLATE.len()],
    read_at: Option<SystemTime>,
}

impl Stamp {
    pub(crate) fn new() -> Self {
        let date = DateCache::new(SystemTime::UNIX_EPOCH);
        Self { date, bytes: *TEMPLATE, read_at: None }
    }

    /// Brings the date up to `wall`. Costs one comparison while the clock has not been read again.
    #[inline]
    pub(crate) fn refresh(&mut self, wall: SystemTime) {
        if self.read_at != Some(wall) {
            self.rewrite(wall);
        }
    }

    #[cold]
    fn rewrite(&mut self, wall: SystemTime) {
        self.read_at = Some(wall);
        self.date.refresh(wall);
        let date = self.date.as_bytes();
        self.bytes[DATE_START..][..date.len()].copy_from_slice(date);
    }

    /// The start of a reply with status 200, up to the content's length.
    #[inline]
    pub(crate) fn ok_and_length(&self) -> &[u8; TEMPLATE.len()] {
        &self.bytes
    }

    /// The fields alone, with the line end before the first of them and none behind the last.
    pub(crate) fn fields(&self) -> &[u8] {
        &self.bytes[FIELDS_START..LENGTH_START]
    }
}

const TEMPLATE: &[u8; 90] = b"HTTP/1.1 200 OK\r\nserver: waterwheel\r\n\
    date: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-length: ";
const FIELDS_START: usize = b"HTTP/1.1 200 OK".len();
const DATE_START: usize = FIELDS_START + b"\r\nserver: waterwheel\r\ndate: ".len();
const LENGTH_START: usize = TEMPLATE.len() - b"\r\ncontent-length: ".len();
