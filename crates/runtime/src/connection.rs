//! One open connection: its socket, its bytes under way and what it waits for.
//!
//! An idle connection is this struct in the slab and nothing else: no segment, no heap.

use std::time::Duration;

use waterwheel_reactor::{Instant, Readiness};
use waterwheel_ring::{Inbound, Runs};

use crate::config::WorkerConfig;
use crate::fs::Part;

#[derive(Debug)]
pub(crate) struct Connection<S, C> {
    pub(crate) socket: S,
    /// The protocol's own state.
    pub(crate) state: C,
    pub(crate) inbound: Inbound,
    /// Output that the socket did not take. While it is here, nothing is read: that is the
    /// backpressure.
    pub(crate) unsent: Option<Box<Unsent>>,
    pub(crate) phase: Phase,
    /// How far the run must reach for what the protocol awaits; see [`crate::Next::Read`].
    pub(crate) room: u32,
    /// When the protocol wants to hear of what did not come, or what replaces the protocol: a
    /// header that does not come, an end that is waited for.
    pub(crate) deadline: Instant,
    /// When a byte last moved in either direction.
    pub(crate) progressed: Instant,
    /// When the wheel will look at this connection: not later than the deadline in force, except
    /// while it is worked on.
    pub(crate) armed: Instant,
    pub(crate) flags: Flags,
}

/// Output that waits for its peer to read. Boxed: an idle connection should not pay for it.
#[derive(Debug)]
pub(crate) struct Unsent {
    pub(crate) runs: Runs,
    /// Behind them.
    pub(crate) part: Option<Part>,
    /// When the socket was full for the first time.
    pub(crate) since: Instant,
    /// How much it has taken, counted from the call that it cut short.
    pub(crate) taken_len: usize,
    /// How much of it was moved out of the ring. Not less while it goes out.
    pub(crate) parked_len: usize,
}

impl Unsent {
    fn park(&mut self) -> usize {
        let moved_len = self.runs.evacuate();
        self.parked_len += moved_len;
        moved_len
    }

    /// When a peer that reads no faster than this is given up.
    fn due(&self, progressed: Instant, config: &WorkerConfig) -> Instant {
        let rate = config.send_rate_min.max(1);
        let earned = Duration::from_secs(self.taken_len as u64 / rate);
        (progressed + config.send_timeout).min(self.since + config.send_grace + earned)
    }
}

/// What is known of the socket and the worker's queues. All false at first.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    /// Reading may give bytes: an edge came and no short read or `WouldBlock` since.
    pub(crate) readable: bool,
    /// An edge said that the peer sends no more; the end waits behind the bytes.
    pub(crate) read_closed: bool,
    /// The end was read.
    pub(crate) ended: bool,
    /// The protocol has work without new bytes.
    pub(crate) again: bool,
    /// Whether the protocol waits to be woken.
    pub(crate) waiting: Waiting,
    /// In the worker's ready queue.
    pub(crate) queued: bool,
    /// In the worker's queue of connections that hold segments.
    pub(crate) held: bool,
    /// Counted against the cap of its address.
    pub(crate) counted: bool,
}

impl Flags {
    /// Notes what an event tells.
    #[inline]
    pub(crate) fn note(&mut self, readiness: Readiness) {
        self.readable |= readiness.readable;
        self.read_closed |= readiness.read_closed;
    }
}

/// Whether a wake is meant for the protocol, and whether it would read meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Waiting {
    #[default]
    No,
    /// Nothing is read before the wake.
    ForWake,
    /// Bytes are as welcome.
    ForWakeOrBytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A proxy is to say first whom it speaks for.
    Introducing,
    /// The protocol runs.
    Serving,
    /// The last reply is on its way out; then half-close.
    Finishing,
    /// Half-closed: late bytes are dropped until the peer ends, too many came, or time is up.
    Lingering { dropped: u32 },
}

impl<S, C> Connection<S, C> {
    pub(crate) fn new(socket: S, state: C, now: Instant) -> Self {
        Self {
            socket,
            state,
            inbound: Inbound::default(),
            unsent: None,
            phase: Phase::Serving,
            room: 0,
            deadline: Instant::MAX,
            progressed: now,
            armed: Instant::MAX,
            flags: Flags { again: true, ..Flags::default() },
        }
    }

    /// Segments of the ring that hold received and unsent bytes of this connection.
    pub(crate) fn segment_count(&self) -> usize {
        self.inbound.segment_count()
            + self.unsent.as_ref().map_or(0, |unsent| unsent.runs.segment_count())
    }

    /// True when closing now would cut a request or a reply short.
    pub(crate) fn is_busy(&self) -> bool {
        self.unsent.is_some()
            || self.flags.waiting != Waiting::No
            || (self.phase == Phase::Serving && !self.inbound.is_empty())
    }

    /// True when another worker can go on with it as well: all that it has is bytes that were
    /// received, not too many of them.
    pub(crate) fn is_movable(&self) -> bool {
        self.phase == Phase::Serving
            && self.unsent.is_none()
            && !self.flags.ended
            && !self.flags.read_closed
            && self.inbound.len() <= MOVED_LEN_MAX
    }

    /// The deadline in force: of the send, the linger, or the protocol.
    #[inline]
    pub(crate) fn due(&self, config: &WorkerConfig) -> Instant {
        match &self.unsent {
            Some(unsent) => unsent.due(self.progressed, config),
            None => self.deadline,
        }
    }

    /// True when waiting certainly needs no further bookkeeping: nothing is kept in either
    /// direction and the wheel looks in time.
    #[inline]
    pub(crate) fn is_at_rest(&self) -> bool {
        self.unsent.is_none()
            && self.inbound.is_nowhere()
            && self.phase == Phase::Serving
            && self.armed <= self.deadline
    }

    /// Bytes that were moved out of the ring and are still here.
    #[inline]
    pub(crate) fn parked_len(&self) -> usize {
        let unsent = self.unsent.as_ref().map_or(0, |unsent| unsent.parked_len);
        self.inbound.parked_len() + unsent
    }

    /// Moves what is held in the ring out of it; returns how many bytes were moved.
    pub(crate) fn park(&mut self) -> usize {
        self.inbound.park() + self.unsent.as_mut().map_or(0, |unsent| unsent.park())
    }
}

/// Most received bytes with which a connection moves to another worker: copying them takes some
/// 30 µs.
const MOVED_LEN_MAX: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_connection_is_small() {
        let len = size_of::<Connection<i32, ()>>();
        assert!(len <= 104, "{len}");
    }
}
