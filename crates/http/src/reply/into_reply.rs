//! What handlers may return.

use http::StatusCode;
use waterwheel_ring::Ring;

use super::{Body, Reply};
use crate::rejection::Rejection;

/// A value that a handler may return.
///
/// ```
/// use waterwheel_http::reply::{IntoReply, Reply};
/// use waterwheel_ring::Ring;
///
/// /// Lines of numbers.
/// struct Csv(Vec<[f64; 3]>);
///
/// impl IntoReply for Csv {
///     fn into_reply(self, _: &Ring) -> Reply {
///         let line = |[x, y, z]: &[f64; 3]| format!("{x},{y},{z}\n");
///         let text: String = self.0.iter().map(line).collect();
///         Reply::bytes(text).with_content_type("text/csv")
///     }
/// }
///
/// fn points() -> Csv {
///     Csv(vec![[0.0, 0.5, 1.0]])
/// }
/// # let _ = waterwheel_http::IntoRoute::into_route(points);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a reply",
    note = "text, bytes, `Json<T>`, `InPlace<T>`, `StatusCode`, `Reply` and results of them are"
)]
pub trait IntoReply {
    /// Turns into a reply, whose content may be written into a run of `ring`.
    fn into_reply(self, ring: &Ring) -> Reply;
}

impl IntoReply for Reply {
    #[inline]
    fn into_reply(self, _: &Ring) -> Reply {
        self
    }
}

/// 200 without content.
impl IntoReply for () {
    fn into_reply(self, _: &Ring) -> Reply {
        Reply::new(StatusCode::OK)
    }
}

impl IntoReply for StatusCode {
    fn into_reply(self, _: &Ring) -> Reply {
        Reply::new(self)
    }
}

impl IntoReply for &'static str {
    #[inline]
    fn into_reply(self, _: &Ring) -> Reply {
        Reply::text(self)
    }
}

impl IntoReply for String {
    fn into_reply(self, _: &Ring) -> Reply {
        Reply::owned_text(self)
    }
}

impl IntoReply for &'static [u8] {
    fn into_reply(self, _: &Ring) -> Reply {
        Reply::with_body(Some("application/octet-stream"), Body::Static(self))
    }
}

impl IntoReply for Vec<u8> {
    fn into_reply(self, _: &Ring) -> Reply {
        Reply::bytes(self)
    }
}

impl<R: IntoReply> IntoReply for (StatusCode, R) {
    fn into_reply(self, ring: &Ring) -> Reply {
        self.1.into_reply(ring).with_status(self.0)
    }
}

impl<R: IntoReply, E: IntoReply> IntoReply for Result<R, E> {
    fn into_reply(self, ring: &Ring) -> Reply {
        match self {
            Ok(reply) => reply.into_reply(ring),
            Err(error) => Reply { bypasses_chain: true, ..error.into_reply(ring) },
        }
    }
}

/// The refusal's status, and its cause as text that bypasses the route's chain.
impl IntoReply for Rejection {
    fn into_reply(self, _: &Ring) -> Reply {
        self.into()
    }
}

impl From<Rejection> for Reply {
    fn from(rejection: Rejection) -> Self {
        let text = rejection.text().concat();
        let mut reply = Self::owned_text(text).with_status(rejection.status());
        reply.bypasses_chain = true;
        for (name, value) in rejection.fields() {
            reply.fields.push(name.clone(), value.clone());
        }
        reply
    }
}
