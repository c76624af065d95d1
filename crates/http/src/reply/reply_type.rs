//! The reply of a handler before it is encoded.

use std::future::Future;
use std::ops::Range;
use std::rc::Rc;

use http::{HeaderName, HeaderValue, StatusCode};
use waterwheel_ring::Lease;

use super::{Body, Fields};
use crate::streaming::{BodyWriter, Cut, StreamBody};

/// A status, header fields and content.
///
/// `date`, `server`, `content-length` and `connection` are the server's own and cannot be set.
///
/// ```
/// use waterwheel_http::{HeaderValue, Reply, StatusCode, header};
///
/// fn elsewhere() -> Reply {
///     Reply::new(StatusCode::SEE_OTHER)
///         .with_header(header::LOCATION, HeaderValue::from_static("/elsewhere"))
/// }
///
/// fn picture() -> Reply {
///     Reply::bytes(*b"GIF89a").with_content_type("image/gif")
/// }
/// # let _ = (waterwheel_http::IntoRoute::into_route(elsewhere), picture());
/// ```
#[derive(Debug)]
#[must_use = "nobody gets a reply unless it is returned"]
pub struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) fields: Fields,
    pub(crate) body: Body,
    /// Refusals are for people and proxies to read, whatever coding the route's content has.
    pub(crate) bypasses_chain: bool,
}

impl Reply {
    /// A reply without content.
    pub fn new(status: StatusCode) -> Self {
        let body = Body::Empty;
        Self { status, content_type: None, fields: Fields::default(), body, bypasses_chain: false }
    }

    /// 200 with text that is part of the program. It is not copied when it is long.
    pub fn text(text: &'static str) -> Self {
        Self::with_body(Some(TEXT), Body::Static(text.as_bytes()))
    }

    /// 200 with an HTML page that is part of the program.
    pub fn html(page: &'static str) -> Self {
        Self::with_body(Some("text/html; charset=utf-8"), Body::Static(page.as_bytes()))
    }

    /// 200 with bytes from the heap, sent from there unless they are few.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::with_body(Some("application/octet-stream"), Body::Heap(bytes.into()))
    }

    /// 200 with a part of bytes that stay with others of this worker too, sent from there unless
    /// they are few.
    ///
    /// # Panics
    /// When the part is not inside the bytes.
    pub fn shared(bytes: Rc<[u8]>, part: Range<usize>) -> Self {
        assert!(part.start <= part.end && part.end <= bytes.len(), "a part is inside its bytes");
        Self::with_body(Some("application/octet-stream"), Body::Shared(bytes, part))
    }

    /// 200 with the payload of a lease, sent from where it is.
    pub fn run(lease: Lease) -> Self {
        Self::with_body(Some("application/octet-stream"), Body::Run(lease))
    }

    /// 200 with content that `write` makes while it is sent, however long. Its future belongs to
    /// the connection as that of an async handler does: it may hold leases and per-core values, it
    /// is polled on this worker, and it is dropped when the client is gone.
    ///
    /// The content goes out in chunks (RFC 9112 §7.1), or up to the end of the connection for a
    /// client that speaks HTTP/1.0, unless [`with_content_len`](Self::with_content_len) states its
    /// length. When the future fails or panics the connection ends in the middle of the reply, so
    /// that no client takes it for complete. For HEAD the future does not run.
    ///
    /// ```
    /// use waterwheel_http::Reply;
    ///
    /// fn count() -> Reply {
    ///     Reply::stream(|mut out| async move {
    ///         for number in 0..1_000_000 {
    ///             // Waits while the client does not read.
    ///             out.write(format!("{number}\n")).await?;
    ///         }
    ///         Ok(())
    ///     })
    ///     .with_content_type("text/plain")
    /// }
    /// # count();
    /// ```
    pub fn stream<F>(write: impl FnOnce(BodyWriter) -> F + 'static) -> Self
    where
        F: Future<Output = Result<(), Cut>> + 'static,
    {
        Self::of_stream(StreamBody::new(write))
    }

    /// With the length of a [streamed](Self::stream) reply's content in bytes, as the stream writes
    /// it. One that then writes more or ends before is cut. Of other replies the length is known.
    pub fn with_content_len(mut self, len: u64) -> Self {
        if let Some(stream) = self.stream_mut() {
            stream.content_len = Some(len);
        }
        self
    }

    pub(crate) fn of_stream(stream: StreamBody) -> Self {
        let fields = Fields::of_stream(stream);
        Self { fields, ..Self::with_body(Some("application/octet-stream"), Body::Empty) }
    }

    pub(crate) fn stream_mut(&mut self) -> Option<&mut StreamBody> {
        if self.is_streamed() { self.fields.stream().as_mut() } else { None }
    }

    #[inline]
    pub(crate) fn is_streamed(&self) -> bool {
        self.fields.has_stream()
    }

    /// Takes the stream out, if there is one and the status allows content or states its framing.
    pub(crate) fn take_stream(&mut self) -> Option<StreamBody> {
        if !self.is_streamed() {
            return None;
        }
        let stream = self.fields.stream().take();
        stream.filter(|_| !matches!(self.status.as_u16(), 100..=199 | 205))
    }

    pub(crate) fn owned_text(text: String) -> Self {
        Self::with_body(Some(TEXT), Body::Heap(text.into_bytes()))
    }

    pub(crate) fn with_body(content_type: Option<&'static str>, body: Body) -> Self {
        Self { content_type, body, ..Self::new(StatusCode::OK) }
    }

    /// With another status.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// With another `content-type`.
    ///
    /// # Panics
    /// When `content_type` is no field value. It is part of the program, so a test sees it.
    pub fn with_content_type(mut self, content_type: &'static str) -> Self {
        debug_assert!(HeaderValue::from_str(content_type).is_ok(), "content type is a field value");
        self.content_type = Some(content_type);
        self
    }

    /// With a further field. A `content-type` replaces the one in force; the server's own fields
    /// and those that would change the framing are ignored.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if name == http::header::CONTENT_TYPE {
            self.content_type = None;
            self.fields.remove(&name);
        }
        if !RESERVED.contains(&name) {
            self.fields.push(name, value);
        }
        self
    }
}

/// Of text in UTF-8.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

const RESERVED: [HeaderName; 7] = [
    http::header::CONNECTION,
    http::header::CONTENT_LENGTH,
    http::header::DATE,
    http::header::SERVER,
    http::header::TRANSFER_ENCODING,
    http::header::TRAILER,
    http::header::UPGRADE,
];
