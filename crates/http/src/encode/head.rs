//! The head of a reply.

use http::{HeaderName, HeaderValue, StatusCode};

use super::Stamp;

/// Whether the connection goes on after a reply, and whether that must be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// It goes on, as HTTP/1.1 assumes.
    Implied,
    /// It goes on, which an HTTP/1.0 peer must be told.
    KeepAlive,
    /// It ends.
    Close,
}

/// Everything that a reply's head is made of.
#[derive(Debug)]
pub(crate) struct ReplyHead<'a> {
    pub(crate) stamp: &'a Stamp,
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) fields: &'a [(HeaderName, HeaderValue)],
    /// The content's length in digits; `None` where RFC 9110 §8.6 forbids a `content-length`: 1xx
    /// and 204.
    pub(crate) content_len: Option<&'a str>,
    pub(crate) persistence: Persistence,
}

impl ReplyHead<'_> {
    /// How many bytes [`write`](Self::write) writes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        let mut len = 0;
        self.parts(|part| len += part.len());
        len
    }

    /// Writes the head to the start of `room`.
    ///
    /// # Panics
    /// When `room` is shorter than [`len`](Self::len).
    #[inline]
    pub(crate) fn write(&self, room: &mut [u8]) {
        let mut at = 0;
        self.parts(|part| {
            room[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        });
    }

    /// The one list of what a head consists of: sizing and writing both go through it, so that they
    /// cannot disagree.
    #[inline(always)]
    fn parts(&self, mut part: impl FnMut(&[u8])) {
        if self.status == StatusCode::OK {
            part(self.stamp.ok());
        } else {
            part(b"HTTP/1.1 ");
            part(self.status.as_str().as_bytes());
            part(b" ");
            part(self.status.canonical_reason().unwrap_or("Unknown").as_bytes());
            part(b"\r\n");
            part(self.stamp.fields());
        }
        if let Some(content_type) = self.content_type {
            part(b"content-type: ");
            part(content_type.as_bytes());
            part(b"\r\n");
        }
        for (name, value) in self.fields {
            part(name.as_str().as_bytes());
            part(b": ");
            part(value.as_bytes());
            part(b"\r\n");
        }
        if let Some(len) = self.content_len {
            part(b"content-length: ");
            part(len.as_bytes());
            part(b"\r\n");
        }
        part(match self.persistence {
            Persistence::Implied => b"\r\n",
            Persistence::KeepAlive => b"connection: keep-alive\r\n\r\n",
            Persistence::Close => b"connection: close\r\n\r\n",
        });
    }
}
