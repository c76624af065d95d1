//! Parts of the request target, and the peer.

use std::fmt::Display;
use std::str::FromStr;

use http::StatusCode;
use serde::de::DeserializeOwned;

use super::Extract;
use super::form::pairs;
use crate::exchange::PeerAddress;
use crate::rejection::Rejection;
use crate::request::Call;

/// A path parameter, parsed. A handler's first argument of this kind is the path's first parameter,
/// its second the second, and so on. What does not parse is answered with 400.
///
/// ```
/// use waterwheel_http::Path;
///
/// // At `/users/{user}/orders/{order}`.
/// fn order(Path(user): Path<String>, Path(order): Path<u64>) -> String {
///     format!("order {order} of {user}\n")
/// }
/// # let _ = waterwheel_http::IntoRoute::into_route(order);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path<T>(pub T);

/// The query, deserialised from `application/x-www-form-urlencoded`. At most [`QUERY_PAIRS_MAX`]
/// pairs. What does not fit is answered with 400.
///
/// ```
/// use serde::Deserialize;
/// use waterwheel_http::Query;
///
/// #[derive(Deserialize)]
/// struct Page {
///     #[serde(default)]
///     first: u64,
///     count: Option<u16>,
/// }
///
/// // `?first=20&count=10`, or nothing at all.
/// fn list(Query(page): Query<Page>) -> String {
///     format!("{} from {} on\n", page.count.unwrap_or(10), page.first)
/// }
/// # let _ = waterwheel_http::IntoRoute::into_route(list);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<T>(pub T);

/// The address that the connection came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub PeerAddress);

impl Extract for Peer {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Ok(Self(call.request().peer()))
    }
}

impl<T: DeserializeOwned> Extract for Query<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        let query = call.request().query().unwrap_or_default();
        pairs(query.as_bytes(), "query").map(Self)
    }
}

impl<T> Extract for Path<T>
where
    T: FromStr,
    T::Err: Display,
{
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        let Some((name, value)) = call.next_param() else {
            let cause = "the route has fewer parameters than its handler asks for";
            return Err(Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, cause));
        };
        match value.parse() {
            Ok(value) => Ok(Self(value)),
            Err(error) => {
                let cause = format!("path parameter `{name}`: {error}");
                Err(Rejection::new(StatusCode::BAD_REQUEST, cause))
            }
        }
    }
}

/// Most `name=value` pairs of a query or a form: byte limits alone do not bound the work done per
/// pair.
pub const QUERY_PAIRS_MAX: usize = 256;
