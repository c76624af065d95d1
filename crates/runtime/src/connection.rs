//! One open connection: its socket, its bytes under way and what it waits for.
//!
//! An idle connection is this struct in the slab and nothing else: no segment, no heap.

use std::time::Duration;

use waterwheel_reactor::Instant;
use waterwheel_ring::{Inbound, Runs};

#[derive(Debug)]
pub(crate) struct Connection<S, C> {
    pub(crate) socket: S,
    /// The protocol's own state.
    pub(crate) state: C,
    pub(crate) inbound: Inbound,
    /// Output that the socket did not take. While it is here, nothing is read: that is the
    /// backpressure.
    pub(crate) unsent: Option<Box<Runs>>,
    pub(crate) phase: Phase,
    /// How far the run must reach for what the protocol awaits; see [`crate::Next::Read`].
    pub(crate) room: usize,
    /// When the protocol wants to hear of what did not come.
    pub(crate) deadline: Instant,
    /// When a byte last moved in either direction.
    pub(crate) progressed: Instant,
    /// When the wheel will look at this connection: not later than the deadline in force, except
    /// while it is worked on.
    pub(crate) armed: Instant,
    pub(crate) flags: Flags,
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
    Lingering { dropped: usize, until: Instant },
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
        self.inbound.segment_count() + self.unsent.as_ref().map_or(0, |runs| runs.segment_count())
    }

    /// True when closing now would cut a request or a reply short.
    pub(crate) fn is_busy(&self) -> bool {
        self.unsent.is_some()
            || self.flags.waiting != Waiting::No
            || (self.phase == Phase::Serving && !self.inbound.is_empty())
    }

    /// The deadline in force: of the send, the linger, or the protocol.
    #[inline]
    pub(crate) fn due(&self, send_timeout: Duration) -> Instant {
        if self.unsent.is_some() {
            return self.progressed + send_timeout;
        }
        match self.phase {
            Phase::Introducing | Phase::Serving | Phase::Finishing => self.deadline,
            Phase::Lingering { until, .. } => until,
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

    /// Moves what is held in the ring out of it; returns how many bytes were moved.
    pub(crate) fn park(&mut self) -> usize {
        self.inbound.park() + self.unsent.as_mut().map_or(0, |runs| runs.evacuate())
    }
}
