//! What a handler reads a streamed body with.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;

use waterwheel_ring::Lease;

use super::body_error::BodyError;
use super::inflow::{Inflow, SharedInflow};
use crate::extract::Extract;
use crate::rejection::Rejection;
use crate::request::Call;

/// The request's body, window by window, while it comes.
///
/// A handler that takes this is called when the head is there. Nothing is read from the client that
/// the handler has not asked for, so a body may be longer than the ring and its memory stays that
/// of a window. With `Expect: 100-continue` the client is asked for the body when the handler first
/// asks for a window.
///
/// Such a body has no limit but the route's own
/// [`body_len_max`](crate::Handler::body_len_max), and that of
/// [`decoded`](crate::Handler::decoded); timeouts and rates are those of
/// [`Limits`](crate::Limits), and count only the time in which the handler waits. On a route with
/// stages or content codings the windows are what comes out of them.
///
/// A reader that is dropped early leaves the rest to be skipped if it is short, up to
/// [`linger_len_max`](crate::Limits::linger_len_max); else the connection ends with the reply.
///
/// ```
/// use waterwheel_http::{BodyError, BodyReader};
///
/// async fn count(mut body: BodyReader) -> Result<String, BodyError> {
///     let mut len = 0;
///     while let Some(window) = body.next().await {
///         len += window?.len();
///     }
///     Ok(format!("{len} bytes\n"))
/// }
/// # let _ = waterwheel_http::Handler::body_len_max(count, 10);
/// ```
pub struct BodyReader {
    flow: SharedInflow,
}

impl BodyReader {
    /// The next window of content, of at least one byte and at most 64 KiB; `None` at the end. It
    /// is a lease: dropped, it gives its segments back, and a
    /// [`BodyWriter`](crate::BodyWriter::write_lease) sends it from where it is.
    ///
    /// # Errors
    /// Why the body does not go on. `None` follows.
    pub async fn next(&mut self) -> Option<Result<Lease, BodyError>> {
        poll_fn(|context| self.flow.borrow_mut().poll_next(context)).await
    }

    /// How long the body is in bytes as it comes, before any decoding, if the head has stated that.
    #[must_use]
    pub fn content_len(&self) -> Option<u64> {
        self.flow.borrow().content_len
    }

    /// The value of the first trailer field of this name, compared without regard to case. Trailers
    /// come behind a chunked body: there are none before [`next`](Self::next) has returned `None`.
    /// What they say was not checked by anyone (RFC 9110 §6.5.1).
    #[must_use]
    pub fn trailer(&self, name: &str) -> Option<Vec<u8>> {
        let flow = self.flow.borrow();
        flow.trailers.split(|&byte| byte == b'\n').find_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            let is_named = line[..colon].eq_ignore_ascii_case(name.as_bytes());
            is_named.then(|| line[colon + 1..].trim_ascii().to_vec())
        })
    }
}

impl Extract for BodyReader {
    const STREAMS: bool = true;

    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        let flow = match call.take_stream() {
            Some(flow) => flow,
            None => Rc::new(RefCell::new(Inflow::whole(call.take_body()))),
        };
        Ok(Self { flow })
    }
}

impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyReader").field("content_len", &self.content_len()).finish()
    }
}
