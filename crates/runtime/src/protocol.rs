//! What a worker asks of the protocol that it serves, and what it lends for the answer.
//!
//! A protocol does no I/O and reads no clock: bytes and instants come in with [`Io`], bytes go out
//! through [`Io::outbound`], and [`Next`] says what the connection waits for. This file knows
//! nothing of HTTP.

use std::any::Any;
use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use waterwheel_ring::{Inbound, Ring, Runs};

use crate::fs::Part;
use crate::{Instant, Meter, PeerAddress, Pressure, Waking};

/// A protocol as one worker runs it. Each worker has its own value, so nothing here needs `Send`.
pub trait Protocol: 'static {
    /// What the protocol keeps for one connection. It lives in the worker's connection slab for as
    /// long as the connection is open: every byte here is paid by every idle connection.
    type Connection: Debug;
    /// A connection on its way to another worker of the runtime, between two requests.
    type Parcel: Debug + Send;

    /// A connection was accepted, at the endpoint with this index. Nothing has been read yet.
    fn open(&mut self, endpoint: usize, peer: PeerAddress, now: Instant) -> Self::Connection;

    /// The peer that the connection was opened for is a proxy, which has said that it speaks for
    /// `client`. Called before anything is read, if at all. Ignored unless a protocol wants it.
    fn introduce(&mut self, _connection: &mut Self::Connection, _client: PeerAddress) {}

    /// Where the connection comes from, as [`open`](Self::open) or [`introduce`](Self::introduce)
    /// told. Connections are counted by it where they are capped; a local one is not.
    fn peer(&self, _connection: &Self::Connection) -> PeerAddress {
        PeerAddress::LOCAL
    }

    /// Bytes arrived, the peer ended, the drain began, an earlier [`Next::Yield`] asked for another
    /// call, or the connection was woken. Handles as much of [`Io::inbound`] as it can.
    fn advance(&mut self, connection: &mut Self::Connection, io: &mut Io<'_>) -> Next;

    /// The deadline of the last [`Next`] has passed.
    fn timed_out(&mut self, connection: &mut Self::Connection, io: &mut Io<'_>) -> Next;

    /// After [`Next::Defer`], when its turn has come: runs the one request that waits, whatever it
    /// costs. Called on the [twin](Self::twin).
    fn advance_expensive(&mut self, connection: &mut Self::Connection, io: &mut Io<'_>) -> Next {
        self.advance(connection, io)
    }

    /// A second instance for the same worker, which shares with this one what the worker's
    /// connections share. It runs the expensive requests, one at a time, while this one may be
    /// called for other connections. A protocol without one must not answer [`Next::Defer`].
    fn twin(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }

    /// The last call has taken so long: told after every
    /// [`advance_expensive`](Self::advance_expensive), and after other calls only when it was at
    /// least [`SLICE`](crate::SLICE). It is slow when the [watchdog](crate::Watchdog) hears of it.
    /// Returns what it was that ran, if anything did, for a log.
    fn took(&mut self, _time: Duration, _is_slow: bool) -> Option<&str> {
        None
    }

    /// Takes out of a connection what another worker needs to go on with it, or leaves it as it is
    /// where something of a request has begun: then it cannot be moved. Only asked for connections
    /// that wait after [`Next::Defer`]; the bytes received are moved by the worker.
    fn pack(&mut self, _connection: &mut Self::Connection) -> Option<Self::Parcel> {
        None
    }

    /// Goes on with a connection that another worker has packed.
    fn unpack(&mut self, parcel: Self::Parcel) -> Self::Connection;

    /// Civil time was read: before anything else, and again about four times a second while there
    /// is work. For dates only, because it may jump. Ignored unless a protocol wants it.
    fn set_wall(&mut self, _wall: SystemTime) {}

    /// Segments of the ring that the connection's state keeps while it waits. What was received and
    /// not consumed, and what is unsent, the worker counts itself.
    #[inline]
    fn segment_count(&self, _connection: &Self::Connection) -> usize {
        0
    }

    /// Moves what the connection's state keeps in the ring out of it, because nothing has happened
    /// for a while. Returns how many bytes were moved.
    fn park(&mut self, _connection: &mut Self::Connection) -> usize {
        0
    }

    /// Whether closing the connection now would cut something short that only its state knows of.
    fn is_busy(&self, _connection: &Self::Connection) -> bool {
        false
    }

    /// Segments that the protocol keeps ready, for no connection.
    fn spare_segments(&self) -> usize {
        0
    }
}

/// One connection's view of its worker while the protocol runs.
#[derive(Debug)]
pub struct Io<'w> {
    /// The worker's ring, for replies that need a run of their own.
    pub ring: &'w Ring,
    /// Bytes received and not consumed yet.
    pub inbound: &'w mut Inbound,
    /// True once the peer has sent its last byte and all that it sent is in `inbound`.
    pub ended: bool,
    /// True once the peer has closed its side or the whole connection, though bytes that it sent
    /// before may still wait to be read.
    pub closed: bool,
    /// Bytes to send, in order. Flushed with one vectored write when the call returns.
    pub outbound: &'w mut Runs,
    /// Where to put a part of a file that is to be sent behind `outbound`, before
    /// [`Next::SendFile`]. `None` where files cannot be sent so: by a system that has no such call,
    /// or where what is sent is sealed first.
    pub file: Option<&'w mut Option<Part>>,
    /// The worker's clock, read once per turn.
    pub now: Instant,
    /// True once the worker drains: finish what was begun, promise nothing new.
    pub draining: bool,
    /// What the worker is short of, memory or time, and so what to let go of or to refuse.
    pub pressure: Pressure,
    /// What this worker has counted so far.
    pub meter: &'w Meter,
    /// Where to get a waker that brings the protocol back to this connection.
    pub waking: Waking<'w>,
    /// What lies between the socket and this protocol, if something does: a TLS session, for
    /// example.
    pub layer: Option<&'w dyn Any>,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// More bytes from the peer.
    Read {
        /// How many bytes, counted from the first one in [`Io::inbound`], the whole of what is
        /// awaited can take. The worker makes the run at least this long before it reads on; 0 when
        /// nothing has begun.
        room: usize,
        /// When to call [`Protocol::timed_out`]; [`Instant::MAX`] for never.
        deadline: Instant,
    },
    /// Another call in a later turn, without new bytes: this turn's budget is spent.
    Yield,
    /// Another call when the ring has room again, or a little later.
    Starve,
    /// A call of [`Protocol::advance_expensive`], in its turn: the request that is next will take
    /// long. Cheap requests of other connections go first, and go on meanwhile if it
    /// [breathes](crate::breathe). Nothing of it may have begun: its bytes are still in
    /// [`Io::inbound`], or a future of the protocol's waits to be polled.
    Defer,
    /// Another call when a waker of [`Io::waking`] was woken or the peer closed. Until then nothing
    /// is read.
    Wake {
        /// When to call [`Protocol::timed_out`]; [`Instant::MAX`] for never.
        deadline: Instant,
    },
    /// As [`Read`](Self::Read), and another call as well when a waker of [`Io::waking`] was woken.
    ReadOrWake {
        /// As in [`Read`](Self::Read).
        room: usize,
        /// When to call [`Protocol::timed_out`]; [`Instant::MAX`] for never.
        deadline: Instant,
    },
    /// Everything that is queued sent, and then what is in [`Io::file`]; then another call. A file
    /// that ends before its part does ends the connection.
    SendFile,
    /// Everything that is queued sent, then the connection closed so that the peer can read it all:
    /// half-close, then a bounded wait for the peer's end (RFC 9112 §9.6).
    Finish,
    /// The connection closed at once; what is queued is lost.
    Abort,
}
