//! The content of an HTML form.

use http::StatusCode;
use serde::de::DeserializeOwned;

use super::{Extract, QUERY_PAIRS_MAX};
use crate::rejection::Rejection;
use crate::request::Call;

/// A body deserialised from `application/x-www-form-urlencoded`, as browsers send a form by POST.
/// At most [`QUERY_PAIRS_MAX`] pairs. What does not fit is answered with 400, whatever the
/// request's `Content-Type`.
///
/// ```
/// use serde::Deserialize;
/// use waterwheel_http::Form;
///
/// #[derive(Deserialize)]
/// struct SignIn {
///     name: String,
///     #[serde(default)]
///     remember: bool,
/// }
///
/// // `name=river&remember=true`
/// fn sign_in(Form(form): Form<SignIn>) -> String {
///     format!("welcome, {}{}\n", form.name, if form.remember { ", for long" } else { "" })
/// }
/// # let _ = waterwheel_http::IntoRoute::into_route(sign_in);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> Extract for Form<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        pairs(call.body(), "form").map(Self)
    }
}

/// Reads pairs, and says in a refusal `what` they are.
pub(super) fn pairs<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, Rejection> {
    let bad = |cause| Rejection::new(StatusCode::BAD_REQUEST, cause);
    if bytes.iter().filter(|&&byte| byte == b'&').count() >= QUERY_PAIRS_MAX {
        return Err(bad(format!("the {what} has more than {QUERY_PAIRS_MAX} pairs")));
    }
    serde_urlencoded::from_bytes(bytes)
        .map_err(|error| bad(format!("the {what} is not as expected: {error}")))
}
