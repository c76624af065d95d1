//! Extractors: what handlers may ask for as arguments.

mod body;
mod form;
mod in_place;
mod local;
mod target;

use crate::rejection::Rejection;
use crate::request::Call;

pub use form::Form;
pub use in_place::InPlace;
pub use local::Local;
pub use target::{Path, Peer, QUERY_PAIRS_MAX, Query};

/// An argument of a handler, taken from the request before the handler runs.
///
/// ```
/// use waterwheel_http::{Call, Extract, Rejection, StatusCode};
///
/// /// Who asks, by a token that only we know.
/// struct Known(u32);
///
/// impl Extract for Known {
///     fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
///         match call.request().header("authorization") {
///             Some(b"Bearer open sesame") => Ok(Self(40)),
///             _ => Err(Rejection::new(StatusCode::UNAUTHORIZED, "no token that is known")),
///         }
///     }
/// }
///
/// fn greet(Known(number): Known) -> String {
///     format!("welcome, {number}\n")
/// }
/// # let _ = waterwheel_http::IntoRoute::into_route(greet);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be extracted from a request",
    note = "`InPlace<T>`, `Json<T>`, `Form<T>`, `Path<T>`, `Query<T>`, `Local<T>`, `BodyReader`, \
            `Peer`, `Gauges`, `Traffic`, `String` and `Vec<u8>` can, and `Result<_, Rejection>` of each; \
            `&Request<'_>` may stand first"
)]
pub trait Extract: Sized {
    /// Whether the handler wants its body while it comes, as [`BodyReader`](crate::BodyReader)
    /// does. It is then called when the head is there, and other extractors find no body. A type
    /// that takes one that streams says so too.
    const STREAMS: bool = false;

    /// Takes the value.
    ///
    /// # Errors
    /// The reply that the peer gets instead of the handler's.
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection>;
}

/// The value, or why there is none: for handlers that answer in words of their own, or do without.
///
/// ```
/// use waterwheel_http::{Json, Rejection, StatusCode};
///
/// type Refused = (StatusCode, Json<String>);
///
/// fn sum(numbers: Result<Json<Vec<u32>>, Rejection>) -> Result<String, Refused> {
///     match numbers {
///         Ok(Json(numbers)) => Ok(numbers.iter().sum::<u32>().to_string()),
///         Err(refusal) => Err((refusal.status(), Json(refusal.cause().to_owned()))),
///     }
/// }
/// # let _ = waterwheel_http::IntoRoute::into_route(sum);
/// ```
impl<T: Extract> Extract for Result<T, Rejection> {
    const STREAMS: bool = T::STREAMS;

    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Ok(T::extract(call))
    }
}
