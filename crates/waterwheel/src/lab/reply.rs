//! A reply as a test reads it.

use waterwheel_http::body::{Chunked, ChunkedProgress};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// A complete reply, and what it cost the server.
#[derive(Clone, Debug)]
pub struct LabReply {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    len: usize,
    pub(super) copies: u64,
    pub(super) copied_len: u64,
    pub(super) allocations: Option<u64>,
}

impl LabReply {
    /// The first reply in `bytes`, if it is complete. 1xx replies are passed over.
    #[must_use]
    pub fn parse(bytes: &[u8], is_head: bool, ended: bool) -> Option<Self> {
        let mut start = 0;
        loop {
            let mut slots = [httparse::EMPTY_HEADER; 64];
            let mut parsed = httparse::Response::new(&mut slots);
            let httparse::Status::Complete(head_len) = parsed.parse(&bytes[start..]).ok()? else {
                return None;
            };
            let status = parsed.code?;
            if (100..200).contains(&status) {
                start += head_len;
                continue;
            }
            let headers: Vec<(String, Vec<u8>)> = parsed
                .headers
                .iter()
                .map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec()))
                .collect();
            let stated = headers.iter().find(|(name, _)| name == "content-length");
            let stated = stated.map(|(_, value)| String::from_utf8_lossy(value).parse());
            let is_chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
            let rest = &bytes[start + head_len..];
            let (body, raw_len) = match stated {
                _ if is_head || status == 204 || status == 304 => (Vec::new(), 0),
                None if is_chunked => unchunked(rest)?,
                Some(len) => whole(rest, len.ok()?)?,
                None if ended => whole(rest, rest.len())?,
                None => return None,
            };
            let len = start + head_len + raw_len;
            let (copies, copied_len, allocations) = (0, 0, None);
            return Some(Self { status, headers, body, len, copies, copied_len, allocations });
        }
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first field of this lower-case name, as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        std::str::from_utf8(value).ok()
    }

    /// The content.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The content as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the content is utf-8")
    }

    /// The content as a value.
    ///
    /// # Panics
    /// When its length is not the value's.
    #[must_use]
    pub fn typed<T: FromBytes + KnownLayout + Immutable + Unaligned>(&self) -> &T {
        T::ref_from_bytes(&self.body).expect("the content has the value's length")
    }

    /// Bytes that the reply took on the wire, 1xx replies before it included.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        self.len
    }

    /// Copies of received or sent content that the server made for this exchange: moves inside a
    /// run, to another run, out of the ring or back. Laying down a reply's content for the first
    /// time, where a handler made it elsewhere, is not one.
    #[must_use]
    pub fn copies(&self) -> u64 {
        self.copies
    }

    /// Bytes that those copies moved.
    #[must_use]
    pub fn copied_len(&self) -> u64 {
        self.copied_len
    }

    /// Heap allocations that the server made for this exchange, or `None` when the
    /// [`CountingAllocator`](super::CountingAllocator) is not installed.
    #[must_use]
    pub fn allocations(&self) -> Option<u64> {
        self.allocations
    }
}

/// The first `len` bytes, and how many that are.
fn whole(bytes: &[u8], len: usize) -> Option<(Vec<u8>, usize)> {
    Some((bytes.get(..len)?.to_vec(), len))
}

/// The content of a chunked body, and how many bytes it took.
fn unchunked(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut content = bytes.to_vec();
    match Chunked::new(u64::MAX).decode(&mut content, bytes.len()) {
        Ok(ChunkedProgress::Done { content_start, content_len, raw_len, .. }) => {
            content.truncate(content_start + content_len);
            content.drain(..content_start);
            Some((content, raw_len))
        }
        _ => None,
    }
}
