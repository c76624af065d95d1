//! What a connection is lent while it advances, and what it asks for in the end.
//!
//! The mirror of what a runtime offers: the HTTP core runs over anything that has a ring, received
//! bytes and a queue of bytes to send. Of the runtime this file takes [`Instant`],
//! [`PeerAddress`] and [`Pressure`], so that there is one of each for the whole server; beside
//! `serve.rs` it is the only file that names it.

use std::any::Any;
use std::fmt;
use std::task::Waker;

use waterwheel_ring::{Inbound, Ring, Runs};

pub use waterwheel_runtime::fs::Part;
pub use waterwheel_runtime::{Instant, Lag, PeerAddress, Pressure};

/// One connection's bytes and circumstances during one call.
pub struct Exchange<'a> {
    /// The worker's ring.
    pub ring: &'a Ring,
    /// Bytes received and not consumed yet.
    pub inbound: &'a mut Inbound,
    /// Bytes to send.
    pub outbound: &'a mut Runs,
    /// Where to put a part of a file to be sent behind `outbound`, before [`Need::SendFile`];
    /// `None` where that cannot be.
    pub file: Option<&'a mut Option<Part>>,
    /// The peer has sent its last byte, and it was received.
    pub ended: bool,
    /// The peer has closed its side, or the connection.
    pub closed: bool,
    /// No further request is wanted.
    pub draining: bool,
    /// What the worker is short of, memory or time.
    pub pressure: Pressure,
    /// The worker's clock.
    pub now: Instant,
    /// Connections open on this worker.
    pub connections: usize,
    /// What lies between the socket and HTTP, if something does.
    pub layer: Option<&'a dyn Any>,
    /// Makes a waker after whose wake the connection is called again.
    pub waker: &'a dyn Fn() -> Waker,
}

impl fmt::Debug for Exchange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("inbound", &self.inbound)
            .field("outbound", &self.outbound)
            .finish_non_exhaustive()
    }
}

/// What a connection needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// More bytes, with room for `room` from the first unconsumed one on, before `deadline`.
    Bytes {
        /// Length of everything awaited, as far as it is known.
        room: usize,
        /// When [`timed_out`](crate::Connection::timed_out) is due.
        deadline: Instant,
    },
    /// Another call in a later turn, once what is queued has gone out.
    Turn,
    /// Another call when the ring has room again.
    Room,
    /// A call of [`advance_expensive`](crate::Connection::advance_expensive): the route of the
    /// request that is next has been found to take long, or was declared to.
    Defer,
    /// Another call when a waker of [`Exchange::waker`] was woken, or the peer closed. Until then
    /// nothing need be read.
    Wake {
        /// When [`timed_out`](crate::Connection::timed_out) is due.
        deadline: Instant,
    },
    /// As [`Bytes`](Self::Bytes), and another call as well when a waker was woken.
    BytesOrWake {
        /// Length of everything awaited, as far as it is known.
        room: usize,
        /// When [`timed_out`](crate::Connection::timed_out) is due.
        deadline: Instant,
    },
    /// The queue sent, and behind it the part of a file in [`Exchange::file`]; then another call.
    SendFile,
    /// The queue sent and the connection closed in good order.
    Finish,
    /// The connection closed at once.
    Abort,
}
