//! JSON in and out.

use std::io;

use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use waterwheel_ring::{Full, Lease, Ring};

use super::{Body, IntoReply, Reply};
use crate::encode::REPLY_HEAD_ROOM;
use crate::extract::Extract;
use crate::rejection::Rejection;
use crate::request::Call;

/// A value received or sent as JSON (RFC 8259).
///
/// Sent, it is serialised straight into a run of the ring, behind room for the reply's head.
/// Received, it is parsed from where it arrived; the value owns its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Extract for Json<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        match serde_json::from_slice(call.body()) {
            Ok(value) => Ok(Self(value)),
            Err(error) => {
                let cause = format!("the body is not the expected json: {error}");
                Err(Rejection::new(StatusCode::BAD_REQUEST, cause))
            }
        }
    }
}

impl<T: Serialize> IntoReply for Json<T> {
    fn into_reply(self, ring: &Ring) -> Reply {
        let body = match write(ring, &self.0) {
            Ok(Ok(run)) => Body::Run(run),
            // No room in the ring: the heap serves as well, only slower.
            Ok(Err(Full { .. })) => match serde_json::to_vec(&self.0) {
                Ok(bytes) => Body::Heap(bytes),
                Err(error) => return refused(&error),
            },
            Err(error) => return refused(&error),
        };
        Reply::with_body(Some("application/json"), body)
    }
}

fn refused(error: &serde_json::Error) -> Reply {
    let cause = format!("the reply cannot be written as json: {error}");
    Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, cause).into()
}

fn write<T: Serialize>(ring: &Ring, value: &T) -> Result<Result<Lease, Full>, serde_json::Error> {
    let mut lease = match ring.reserve(1) {
        Ok(lease) => lease,
        Err(full) => return Ok(Err(full)),
    };
    lease.set_headroom(REPLY_HEAD_ROOM.min(lease.capacity()));
    let mut writer = RunWriter { ring, lease, full: None };
    match serde_json::to_writer(&mut writer, value) {
        Ok(()) => Ok(Ok(writer.lease)),
        Err(error) => writer.full.map_or(Err(error), |full| Ok(Err(full))),
    }
}

/// Appends to a lease, which grows by segments: in place when its neighbours are free.
struct RunWriter<'a> {
    ring: &'a Ring,
    lease: Lease,
    /// Why the last write failed.
    full: Option<Full>,
}

impl RunWriter<'_> {
    #[cold]
    fn grow(&mut self, len: usize) -> Result<(), Full> {
        let missing = (len - self.lease.tailroom()).div_ceil(self.ring.segment_len());
        if self.lease.extend(missing).is_ok() {
            return Ok(());
        }
        let doubled = (self.lease.capacity() + len) * 2;
        let mut target = self.ring.reserve_bytes(doubled)?;
        target.set_headroom(self.lease.headroom());
        self.lease.relocate(target).expect("the new run is longer than the old one");
        Ok(())
    }
}

impl io::Write for RunWriter<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.lease.append(bytes).is_ok() {
            return Ok(bytes.len());
        }
        if let Err(full) = self.grow(bytes.len()) {
            self.full = Some(full);
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.lease.append(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
