//! Parts of the request target, and the peer.

use std::fmt::Display;
use std::str::FromStr;

use http::StatusCode;
use serde::de::DeserializeOwned;

use super::Extract;
use crate::exchange::PeerAddress;
use crate::rejection::Rejection;
use crate::request::Call;

/// A path parameter, parsed. A handler's first argument of this kind is the path's first parameter,
/// its second the second, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path<T>(pub T);

/// The query, deserialised from `application/x-www-form-urlencoded`. At most [`QUERY_PAIRS_MAX`]
/// pairs.
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
        if query.bytes().filter(|&byte| byte == b'&').count() >= QUERY_PAIRS_MAX {
            return Err(bad(format!("the query has more than {QUERY_PAIRS_MAX} pairs")));
        }
        serde_urlencoded::from_str(query)
            .map(Self)
            .map_err(|error| bad(format!("the query is not as expected: {error}")))
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
            Err(error) => Err(bad(format!("path parameter `{name}`: {error}"))),
        }
    }
}

fn bad(cause: String) -> Rejection {
    Rejection::new(StatusCode::BAD_REQUEST, cause)
}

/// Most `name=value` pairs of a query: byte limits alone do not bound the work done per pair.
pub const QUERY_PAIRS_MAX: usize = 256;
