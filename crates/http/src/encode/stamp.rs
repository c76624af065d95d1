//! The bytes that all replies of a second have in common.

use std::time::SystemTime;

use super::DateCache;

/// `HTTP/1.1 200 OK`, `server` and `date`, ready to copy. One per worker.
#[derive(Debug)]
pub(crate) struct Stamp {
    date: DateCache,
    bytes: Vec<u8>,
    date_start: usize,
    read_at: Option<SystemTime>,
}

impl Stamp {
    pub(crate) fn new() -> Self {
        let mut bytes = STATUS_OK.to_vec();
        bytes.extend_from_slice(b"server: waterwheel\r\ndate: ");
        let date = DateCache::new(SystemTime::UNIX_EPOCH);
        let date_start = bytes.len();
        bytes.extend_from_slice(date.as_bytes());
        bytes.extend_from_slice(b"\r\n");
        Self { date, bytes, date_start, read_at: None }
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
        self.bytes[self.date_start..][..date.len()].copy_from_slice(date);
    }

    /// The start of a reply with status 200.
    #[inline]
    pub(crate) fn ok(&self) -> &[u8] {
        &self.bytes
    }

    /// The fields alone.
    pub(crate) fn fields(&self) -> &[u8] {
        &self.bytes[STATUS_OK.len()..]
    }
}

const STATUS_OK: &[u8] = b"HTTP/1.1 200 OK\r\n";
