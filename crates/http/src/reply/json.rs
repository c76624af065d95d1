//! JSON in and out.

use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use waterwheel_ring::Ring;
use waterwheel_stages::json::{self, WriteError};

use super::{Body, IntoReply, Reply};
use crate::encode::REPLY_HEAD_ROOM;
use crate::extract::Extract;
use crate::rejection::Rejection;
use crate::request::Call;

/// A value received or sent as JSON (RFC 8259).
///
/// Sent, it is serialised straight into a run of the ring, behind room for the reply's head.
/// Received, it is parsed from where it arrived; the value owns its data. What does not parse is
/// answered with 400, whatever the request's `Content-Type`.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use waterwheel_http::Json;
///
/// #[derive(Deserialize)]
/// struct Order {
///     quantity: u32,
///     price: u32,
/// }
///
/// #[derive(Serialize)]
/// struct Total {
///     total: u64,
/// }
///
/// fn total(Json(orders): Json<Vec<Order>>) -> Json<Total> {
///     let price = |order: &Order| u64::from(order.quantity) * u64::from(order.price);
///     Json(Total { total: orders.iter().map(price).sum() })
/// }
/// # let _ = waterwheel_http::IntoRoute::into_route(total);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Extract for Json<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        match json::read(call.body()) {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(Rejection::new(StatusCode::BAD_REQUEST, error.to_string())),
        }
    }
}

impl<T: Serialize> IntoReply for Json<T> {
    fn into_reply(self, ring: &Ring) -> Reply {
        let written = ring.reserve(1).map_err(WriteError::Full).and_then(|mut lease| {
            lease.set_headroom(REPLY_HEAD_ROOM.min(lease.capacity()));
            json::write(&self.0, &mut lease).map(|()| Body::Run(lease))
        });
        let written = match written {
            Ok(body) => Ok(body),
            Err(WriteError::Value(error)) => Err(error),
            // No room in the ring: the heap serves as well, only slower.
            Err(_) => serde_json::to_vec(&self.0).map(Body::Heap),
        };
        match written {
            Ok(body) => Reply::with_body(Some("application/json"), body),
            Err(error) => {
                let cause = format!("the reply cannot be written as json: {error}");
                Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, cause).into()
            }
        }
    }
}
