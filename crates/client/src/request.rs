//! A request before it is sent.

use std::future::Future;

use http::{HeaderName, HeaderValue, Method, header};
use waterwheel_ring::Lease;

use crate::content::{Content, Upload};
use crate::{ClientError, Origin, RequestError};

/// A method, where to, fields and content.
#[derive(Debug)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) origin: Origin,
    /// Path and query.
    target: String,
    /// As they stand on the wire, each with the end of its line.
    fields: Vec<u8>,
    has_host: bool,
    pub(crate) content: Content,
}

impl Request {
    /// A request with any method. `url` is `http://host:port/path?query`.
    ///
    /// # Errors
    /// A [`RequestError`] for the part that is wrong.
    pub fn new(method: &str, url: &str) -> Result<Self, RequestError> {
        let (origin, target) = Origin::split(url)?;
        Self::to(method, &origin, target)
    }

    /// A request to an origin that is known. `target` is path and query.
    ///
    /// # Errors
    /// [`RequestError::Method`] and [`RequestError::Target`].
    pub fn to(method: &str, origin: &Origin, target: &str) -> Result<Self, RequestError> {
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| RequestError::Method)?;
        let is_sendable = target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        match () {
            () if method == Method::CONNECT => return Err(RequestError::Method),
            () if !is_sendable => return Err(RequestError::Target),
            () => {}
        }
        let target = match target.as_bytes().first() {
            Some(b'/') => target.to_owned(),
            Some(b'*') if method == Method::OPTIONS && target.len() == 1 => target.to_owned(),
            None | Some(b'?') => format!("/{target}"),
            Some(_) => return Err(RequestError::Target),
        };
        let (origin, fields, content) = (origin.clone(), Vec::new(), Content::Empty);
        Ok(Self { method, origin, target, fields, has_host: false, content })
    }

    /// A GET.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn get(url: &str) -> Result<Self, RequestError> {
        Self::new("GET", url)
    }

    /// A POST, whose content is added by one of the methods below.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn post(url: &str) -> Result<Self, RequestError> {
        Self::new("POST", url)
    }

    /// With a further field. `host` replaces the origin's; what frames the content or speaks of the
    /// connection is the client's own and ignored.
    #[must_use]
    pub fn with_header(mut self, name: &HeaderName, value: &HeaderValue) -> Self {
        self.push(name.as_str(), value.as_bytes());
        self
    }

    /// Adds a field whose name is a token and whose value is one line.
    pub(crate) fn push(&mut self, name: &str, value: &[u8]) {
        let is_own = OWN.iter().any(|own| own.as_str().eq_ignore_ascii_case(name));
        if is_own || (name.eq_ignore_ascii_case("host") && self.has_host) {
            return;
        }
        self.has_host |= name.eq_ignore_ascii_case("host");
        push_field(&mut self.fields, name.as_bytes(), value);
    }

    /// With content from the heap.
    #[must_use]
    pub fn with_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.content = Content::bytes(bytes.into());
        self
    }

    /// With the payload of a lease as content, sent from where it is.
    #[must_use]
    pub fn with_lease(mut self, lease: Lease) -> Self {
        self.content = Content::lease(lease);
        self
    }

    /// With content that `write` makes while it is sent. It goes out in chunks unless its length in
    /// bytes is stated. Such a request is never sent twice.
    #[must_use]
    pub fn with_stream<F>(
        mut self,
        content_len: Option<u64>,
        write: impl FnOnce(Upload) -> F + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), ClientError>> + 'static,
    {
        self.content = Content::stream(content_len, write);
        self
    }

    /// Request line and fields, with the empty line.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut head = Vec::with_capacity(self.fields.len() + self.target.len() + OWN_LEN);
        head.extend_from_slice(self.method.as_str().as_bytes());
        head.push(b' ');
        head.extend_from_slice(self.target.as_bytes());
        head.extend_from_slice(b" HTTP/1.1\r\n");
        if !self.has_host {
            push_field(&mut head, b"host", self.origin.authority().as_bytes());
        }
        head.extend_from_slice(&self.fields);
        let states_none = matches!(self.method, Method::POST | Method::PUT | Method::PATCH);
        match self.content.len() {
            // RFC 9110 §8.6: methods that expect content say that there is none.
            Some(0) if !states_none => {}
            Some(len) => {
                let mut digits = itoa::Buffer::new();
                push_field(&mut head, b"content-length", digits.format(len).as_bytes());
            }
            None => push_field(&mut head, b"transfer-encoding", b"chunked"),
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    /// Whether sending it again does no more than sending it once (RFC 9110 §9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }
}

fn push_field(head: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for part in [name, b": ", value, b"\r\n"] {
        head.extend_from_slice(part);
    }
}

/// Fields of one connection or of the framing (RFC 9110 §7.6.1), and an expectation that this
/// client does not wait for.
const OWN: [HeaderName; 7] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
/// More than the parts of a head that are not the caller's take.
const OWN_LEN: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn head(request: &Request) -> String {
        String::from_utf8(request.head()).unwrap()
    }

    #[test]
    fn head_has_host_fields_and_framing() {
        let request = Request::get("http://a:81?q").unwrap();
        assert_eq!(head(&request), "GET /?q HTTP/1.1\r\nhost: a:81\r\n\r\n");
        let request = Request::post("http://a/p").unwrap();
        assert_eq!(head(&request), "POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
        let request = request
            .with_header(&header::HOST, &HeaderValue::from_static("b"))
            .with_header(&header::HOST, &HeaderValue::from_static("c"))
            .with_header(&header::CONTENT_LENGTH, &HeaderValue::from_static("7"))
            .with_header(&header::CONNECTION, &HeaderValue::from_static("x"))
            .with_bytes("four");
        assert_eq!(head(&request), "POST /p HTTP/1.1\r\nhost: b\r\ncontent-length: 4\r\n\r\n");
        let request = request.with_stream(None, async |_| Ok(()));
        let expected = "POST /p HTTP/1.1\r\nhost: b\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(head(&request), expected);
    }

    #[test]
    fn what_would_split_a_request_is_refused() {
        for target in ["/a b", "/a\r\nb", "/é", "/#f", "a"] {
            let origin = Origin::parse("http://a").unwrap();
            assert_eq!(Request::to("GET", &origin, target).unwrap_err(), RequestError::Target);
        }
        for method in ["", "GET ", "G\r\n", "CONNECT"] {
            let refused = Request::new(method, "http://a").unwrap_err();
            assert_eq!(refused, RequestError::Method, "{method:?}");
        }
    }
}
