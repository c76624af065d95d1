//! Taking a head that arrives in pieces without reading it again for each piece.

use memchr::memchr;

use super::fault::first_fault;
use super::head::parse_head_here;
use super::{Head, HeadError, HeaderSlots, METHOD_LEN_MAX};
use crate::limits::Limits;

/// Remembers how far an incomplete head has been looked at.
///
/// The first call parses at once, which is all that most requests need. Later calls only look at
/// new bytes, for the empty line that ends the head, and parse again when it is there. So each byte
/// is looked at twice at most, however small the pieces are; a parser that started again for each
/// piece would let a peer buy a lot of our time with few bytes.
///
/// One value serves one head: start the next with [`HeadScan::new`].
#[derive(Clone, Debug, Default)]
pub struct HeadScan {
    /// Bytes looked at so far; zero before the first call.
    scanned_len: u32,
    /// Where the current line starts; zero until the scan has seen a line end, because no line
    /// starts there behind one.
    line_start: u32,
    /// Line ends seen by the scan.
    line_count: u32,
    #[cfg(test)]
    looked_at_len: usize,
}

impl HeadScan {
    /// A scan that has seen nothing.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            scanned_len: 0,
            line_start: 0,
            line_count: 0,
            #[cfg(test)]
            looked_at_len: 0,
        }
    }

    /// Parses the head at the start of `bytes`: all that has been received of it, from its first
    /// byte, the same bytes as before and more. `None`: more are needed.
    ///
    /// # Errors
    /// As [`parse_head`](super::parse_head). Limits apply while the head is incomplete.
    #[inline(always)]
    pub fn parse<'a>(
        &mut self,
        bytes: &'a [u8],
        slots: &'a mut HeaderSlots,
        limits: &Limits,
    ) -> Result<Option<Head<'a>>, HeadError> {
        if self.scanned_len != 0 && !self.must_parse(bytes, limits) {
            return Ok(None);
        }
        self.count(bytes.len().min(limits.head_len_max));
        let parsed = parse_head_here(bytes, slots, limits);
        if let Ok(None) = parsed {
            self.go_on(bytes, limits)?;
        }
        parsed
    }

    /// Notes that `bytes` have been parsed and are no whole head.
    #[cold]
    fn go_on(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), HeadError> {
        if self.scanned_len == 0 {
            self.scanned_len = narrow(bytes.len());
            return Ok(());
        }
        // The scan saw a line end that the parser has not come to refuse yet.
        let skipped_len = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
        first_fault(&bytes[skipped_len..], limits).map_or(Ok(()), Err)
    }

    /// Looks at the bytes received since the last call. True when they end the head, break a rule
    /// that can be seen from line ends alone, or pass a limit.
    #[cold]
    fn must_parse(&mut self, bytes: &[u8], limits: &Limits) -> bool {
        let window = &bytes[..bytes.len().min(limits.head_len_max)];
        let mut index = (self.scanned_len as usize).min(window.len());
        self.count(window.len() - index);
        self.scanned_len = narrow(window.len());
        let mut verdict = window.len() == limits.head_len_max;
        while let Some(distance) = memchr(b'\n', &window[index..]) {
            let line_end = index + distance;
            let carriage = line_end.checked_sub(1);
            let has_carriage = carriage.is_some_and(|at| window[at] == b'\r');
            let is_empty = match self.line_start {
                // The line began among bytes that only the parser has seen.
                0 => window[..line_end].ends_with(b"\n\r"),
                start => carriage == Some(start as usize),
            };
            self.line_count += 1;
            self.line_start = narrow(line_end + 1);
            verdict |= !has_carriage || is_empty;
            index = line_end + 1;
        }
        // Field lines, the request line, and one empty line before it.
        verdict |= self.line_count as usize > limits.field_count_max + 2;
        verdict |= self.line_start == 0 && self.may_be_long_line(window, limits);
        verdict
    }

    /// Whether the bytes can hold a request line beyond its limits, when no line end has been seen
    /// by the scan.
    fn may_be_long_line(&self, window: &[u8], limits: &Limits) -> bool {
        let rest_len = "\r\n".len() + METHOD_LEN_MAX + " ".len() + " HTTP/1.1\r".len();
        window.len() > limits.target_len_max.saturating_add(rest_len)
    }

    #[cfg(test)]
    fn count(&mut self, len: usize) {
        self.looked_at_len += len;
    }

    #[cfg(not(test))]
    #[inline]
    fn count(&mut self, _len: usize) {}
}

/// A place in a head, none of which is longer than 64 KiB.
fn narrow(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a head to the scan in reads of `read_len` bytes. Returns what the scan looked at.
    fn looked_at_len(bytes: &[u8], read_len: usize) -> usize {
        let mut scan = HeadScan::new();
        let mut received = 0;
        loop {
            received = (received + read_len).min(bytes.len());
            let mut slots = HeaderSlots::new();
            match scan.parse(&bytes[..received], &mut slots, &Limits::default()) {
                Ok(None) if received < bytes.len() => {}
                Ok(None) => panic!("head is not complete"),
                _ => return scan.looked_at_len,
            }
        }
    }

    fn head_of(fields: &str, len: usize) -> Vec<u8> {
        let mut bytes = b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec();
        while bytes.len() + fields.len() + 4 < len {
            bytes.extend_from_slice(fields.as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }

    #[test]
    fn a11_dripped_head_is_looked_at_twice_at_most() {
        for fields in [format!("A: {}\r\n", "b".repeat(200)), "A: b\r\n".to_owned()] {
            let len = if fields.len() > 100 { 16 * 1024 } else { 600 };
            let bytes = head_of(&fields, len);
            for read_len in [1, 2, 3, 7, 100, 5000, bytes.len() - 1] {
                let looked_at = looked_at_len(&bytes, read_len);
                assert!(looked_at <= 2 * bytes.len() + 64, "{looked_at} for {}", bytes.len());
            }
        }
    }

    #[test]
    fn a11_dripped_flood_of_fields_is_refused_within_the_same_work() {
        let bytes = head_of("A: b\r\n", 16 * 1024);
        assert!(looked_at_len(&bytes, 1) <= 2 * bytes.len());
    }

    #[test]
    fn bare_feed_is_refused_when_it_comes() {
        let mut scan = HeadScan::new();
        let text = b"GET / HTTP/1.1\nHost: a\n";
        for end in 1..=text.len() {
            let mut slots = HeaderSlots::new();
            let parsed = scan.parse(&text[..end], &mut slots, &Limits::default());
            if parsed.is_err() {
                assert_eq!((parsed.err(), end), (Some(HeadError::BareLf), 15));
                return;
            }
        }
        panic!("taken");
    }
}
