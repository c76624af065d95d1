//! Several parts of some content in one reply: `multipart/byteranges` (RFC 9110 §14.6).

use std::fmt::Write as _;
use std::ops::Range;

use http::HeaderValue;

/// How a reply of several parts is put together.
#[derive(Clone, Debug)]
pub struct Multipart {
    boundary: String,
    /// Each part with what goes in front of it.
    parts: Vec<(String, Range<u64>)>,
    ending: String,
}

impl Multipart {
    /// For these parts of content of `len` bytes and this type. `seed` goes into the boundary:
    /// another one for every version.
    #[must_use]
    pub fn new(parts: &[Range<u64>], len: u64, content_type: &HeaderValue, seed: u64) -> Self {
        let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) ^ len;
        let boundary = format!("part-{mixed:016x}{seed:016x}");
        let content_type = content_type.to_str().unwrap_or("application/octet-stream");
        let parts = parts.iter().map(|part| {
            let mut head = String::new();
            // Writing to a string cannot fail.
            let _ = write!(
                head,
                "\r\n--{boundary}\r\ncontent-type: {content_type}\r\ncontent-range: {}\r\n\r\n",
                content_range(part, len)
            );
            (head, part.clone())
        });
        let parts = parts.collect();
        let ending = format!("\r\n--{boundary}--\r\n");
        Self { boundary, parts, ending }
    }

    /// The type of the reply.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "a boundary is letters and digits")]
    pub fn content_type(&self) -> HeaderValue {
        let text = format!("multipart/byteranges; boundary={}", self.boundary);
        HeaderValue::try_from(text).expect("a boundary is letters and digits")
    }

    /// Bytes of the whole reply.
    #[must_use]
    pub fn content_len(&self) -> u64 {
        let parts = self.parts.iter().map(|(head, part)| head.len() as u64 + part.end - part.start);
        parts.sum::<u64>() + self.ending.len() as u64
    }

    /// Each part with what goes in front of it.
    pub fn parts(&self) -> impl Iterator<Item = (&str, Range<u64>)> {
        self.parts.iter().map(|(head, part)| (head.as_str(), part.clone()))
    }

    /// What goes behind the last part.
    #[must_use]
    pub fn ending(&self) -> &str {
        &self.ending
    }
}

/// The value of a `Content-Range` field for a part of content of `len` bytes.
#[must_use]
pub fn content_range(part: &Range<u64>, len: u64) -> String {
    format!("bytes {}-{}/{len}", part.start, part.end.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_between_boundaries_and_the_length_is_right() {
        let content_type = HeaderValue::from_static("text/plain");
        let multipart = Multipart::new(&[0..2, 5..6], 9, &content_type, 7);
        let content = b"abcdefghi";
        let mut reply = String::new();
        for (head, part) in multipart.parts() {
            let range = usize::try_from(part.start).unwrap()..usize::try_from(part.end).unwrap();
            reply.push_str(head);
            reply.push_str(std::str::from_utf8(&content[range]).unwrap());
        }
        reply.push_str(multipart.ending());
        assert_eq!(reply.len() as u64, multipart.content_len());
        let boundary = &multipart.boundary;
        assert_eq!(
            reply,
            format!(
                "\r\n--{boundary}\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-1/9\r\n\r\nab\
                 \r\n--{boundary}\r\ncontent-type: text/plain\r\ncontent-range: bytes 5-5/9\r\n\r\nf\
                 \r\n--{boundary}--\r\n"
            )
        );
        let other = Multipart::new(&[0..2, 5..6], 9, &content_type, 8);
        assert_ne!(*boundary, other.boundary);
        assert!(multipart.content_type().to_str().unwrap().ends_with(boundary));
    }
}
