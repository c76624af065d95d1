//! The body as Rust types, where it was received, and the same bytes as the reply.

use std::fmt;
use std::ops::{Deref, DerefMut};

use http::StatusCode;
use waterwheel_ring::{Lease, Ring};
use waterwheel_stages::typed::{View, ViewError, Viewable};

use super::Extract;
use crate::encode::REPLY_HEAD_ROOM;
use crate::rejection::Rejection;
use crate::reply::{Body, IntoReply, Reply};
use crate::request::Call;

/// The request's body seen as a `T`, or as a slice `[T]`, without a copy.
///
/// It is a lease: owned, bound to its worker, free of lifetimes. Dropping it releases the segments;
/// returning it makes the same bytes the reply, encoded back through the route's chain.
///
/// `T` needs zerocopy's derives `FromBytes`, `IntoBytes`, `KnownLayout`, `Immutable` and
/// `Unaligned`: numbers are little-endian types like
/// `zerocopy::little_endian::U32`, because a body starts at any address.
///
/// ```
/// use waterwheel_http::InPlace;
///
/// /// Pixels of four bytes each, of which the last one is how much is seen.
/// fn fade(mut pixels: InPlace<[[u8; 4]]>) -> InPlace<[[u8; 4]]> {
///     pixels.iter_mut().for_each(|[_, _, _, alpha]| *alpha /= 2);
///     pixels
/// }
/// # let _ = waterwheel_http::IntoRoute::into_route(fade);
/// ```
pub struct InPlace<T: ?Sized + Viewable> {
    view: View<T>,
}

impl<T: ?Sized + Viewable> InPlace<T> {
    /// The lease underneath.
    pub fn into_lease(self) -> Lease {
        self.view.into_lease()
    }
}

impl<T: ?Sized + Viewable> Extract for InPlace<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        let body = match call.take_body() {
            Some(body) => body,
            None => call.ring().reserve(1).map_err(|full| {
                Rejection::new(StatusCode::SERVICE_UNAVAILABLE, full.to_string())
            })?,
        };
        let viewed = match View::new(body) {
            Err((ViewError::Alignment, body)) => View::new(aligned(body, call.ring())?),
            viewed => viewed,
        };
        match viewed {
            Ok(view) => Ok(Self { view }),
            Err((error, _)) => Err(refused(&error)),
        }
    }
}

#[cold]
fn refused(error: &ViewError) -> Rejection {
    Rejection::new(StatusCode::BAD_REQUEST, error.to_string())
}

/// The body in another run, at the start of a segment but for headroom: a body that fills its run
/// at the wrong address is not its sender's fault. The ring counts the copy.
#[cold]
fn aligned(mut body: Lease, ring: &Ring) -> Result<Lease, Rejection> {
    let mut target = ring
        .reserve_bytes(REPLY_HEAD_ROOM + body.len())
        .map_err(|full| Rejection::new(StatusCode::SERVICE_UNAVAILABLE, full.to_string()))?;
    target.set_headroom(REPLY_HEAD_ROOM);
    body.relocate(target).expect("the run was reserved for these bytes");
    Ok(body)
}

impl<T: ?Sized + Viewable> IntoReply for InPlace<T> {
    fn into_reply(self, _: &Ring) -> Reply {
        Reply::with_body(Some("application/octet-stream"), Body::Run(self.view.into_lease()))
    }
}

impl<T: ?Sized + Viewable> Deref for InPlace<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.view
    }
}

impl<T: ?Sized + Viewable> DerefMut for InPlace<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.view
    }
}

impl<T: ?Sized + Viewable + fmt::Debug> fmt::Debug for InPlace<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InPlace").field(&&**self).finish()
    }
}
