//! The reply of a handler before it is encoded.

use http::{HeaderName, HeaderValue, StatusCode};
use waterwheel_ring::Lease;

use super::{Body, Fields};

/// A status, header fields and content.
///
/// `date`, `server`, `content-length` and `connection` are the server's own and cannot be set.
#[derive(Debug)]
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

    /// 200 with the payload of a lease, sent from where it is.
    pub fn run(lease: Lease) -> Self {
        Self::with_body(Some("application/octet-stream"), Body::Run(lease))
    }

    pub(crate) fn owned_text(text: String) -> Self {
        Self::with_body(Some(TEXT), Body::Heap(text.into_bytes()))
    }

    pub(crate) fn with_body(content_type: Option<&'static str>, body: Body) -> Self {
        Self { content_type, body, ..Self::new(StatusCode::OK) }
    }

    /// With another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// With another `content-type`.
    ///
    /// # Panics
    /// When `content_type` is no field value. It is part of the program, so a test sees it.
    #[must_use]
    pub fn with_content_type(mut self, content_type: &'static str) -> Self {
        debug_assert!(HeaderValue::from_str(content_type).is_ok(), "content type is a field value");
        self.content_type = Some(content_type);
        self
    }

    /// With a further field. A `content-type` replaces the one in force; the server's own fields
    /// and those that would change the framing are ignored.
    #[must_use]
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

const TEXT: &str = "text/plain; charset=utf-8";

const RESERVED: [HeaderName; 7] = [
    http::header::CONNECTION,
    http::header::CONTENT_LENGTH,
    http::header::DATE,
    http::header::SERVER,
    http::header::TRANSFER_ENCODING,
    http::header::TRAILER,
    http::header::UPGRADE,
];
