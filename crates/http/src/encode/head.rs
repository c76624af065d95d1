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
        let mut room = room;
        self.parts(|part| {
            let (place, rest) = std::mem::take(&mut room).split_at_mut(part.len());
            place.copy_from_slice(part);
            room = rest;
        });
    }

    /// The one list of what a head consists of: sizing and writing both go through it, so that they
    /// cannot disagree. Each field brings the end of the line before it, so that constant text
    /// comes in few parts.
    // Inlined into both, where the constant parts become numbers to add and words to store.
    #[inline(always)]
    fn parts(&self, mut part: impl FnMut(&[u8])) {
        match self.content_len {
            Some(len) if self.status == StatusCode::OK => {
                part(self.stamp.ok_and_length());
                part(len.as_bytes());
            }
            len => {
                part(b"HTTP/1.1 ");
                part(self.status.as_str().as_bytes());
                part(b" ");
                part(reason(self.status).as_bytes());
                part(self.stamp.fields());
                if let Some(len) = len {
                    part(b"\r\ncontent-length: ");
                    part(len.as_bytes());
                }
            }
        }
        if let Some(content_type) = self.content_type {
            part(b"\r\ncontent-type: ");
            part(content_type.as_bytes());
        }
        for (name, value) in self.fields {
            part(b"\r\n");
            part(name.as_str().as_bytes());
            part(b": ");
            part(value.as_bytes());
        }
        match self.persistence {
            Persistence::Implied => part(b"\r\n\r\n"),
            Persistence::KeepAlive => part(b"\r\nconnection: keep-alive\r\n\r\n"),
            Persistence::Close => part(b"\r\nconnection: close\r\n\r\n"),
        }
    }
}

/// Apart from the list: a name for each status would fill the place of the usual one.
#[cold]
pub(crate) fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Unknown")
}
