//! One connection's TLS between its calls: the session, and what is on one side of it only.

use waterwheel_reactor::Instant;
use waterwheel_ring::{Inbound, Runs};
use waterwheel_tls::{Fault, PLAIN_HTTP_REPLY, Session};

use super::gate::Seat;
use crate::{Io, Next};

/// The state of a connection whose protocol runs over TLS, or in the clear on a listener without.
#[derive(Debug)]
pub struct SecuredConnection<C> {
    pub(super) state: C,
    pub(super) channel: Option<Box<Channel>>,
}

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) session: Session,
    /// Opened and not consumed.
    pub(super) plain: Inbound,
    /// Queued by the protocol and not sealed: the ring was full, or enough was sealed ahead.
    pub(super) unsealed: Option<Box<Runs>>,
    /// How far the plaintext should reach for what the protocol awaits, and the received bytes for
    /// the next record; see [`Next::Read`].
    pub(super) room: usize,
    pub(super) record_room: usize,
    /// The protocol's own deadline. The worker's may be the earlier one at which the session rests.
    pub(super) deadline: Instant,
    /// A wake ends the waiting as well.
    pub(super) wakes: bool,
    /// The worker waits for bytes. Otherwise it calls again by itself, and goes on with that.
    pub(super) is_waiting: bool,
    /// While the handshake is under way.
    pub(super) seat: Option<Seat>,
    /// The protocol is done: what it queued is still to be sealed, and the end to be said.
    pub(super) is_finishing: bool,
    /// The protocol was called before the handshake was done, and said how long it waits.
    pub(super) is_greeted: bool,
}

impl Channel {
    pub(super) fn new(session: Session) -> Self {
        Self {
            session,
            plain: Inbound::default(),
            unsealed: None,
            room: 0,
            record_room: 0,
            deadline: Instant::MAX,
            wakes: false,
            is_waiting: false,
            seat: None,
            is_finishing: false,
            is_greeted: false,
        }
    }

    pub(super) fn segment_count(&self) -> usize {
        let unsealed = self.unsealed.as_ref().map_or(0, |runs| runs.segment_count());
        self.plain.segment_count() + unsealed
    }

    pub(super) fn park(&mut self) -> usize {
        self.plain.park() + self.unsealed.as_mut().map_or(0, |runs| runs.evacuate())
    }

    /// Whether something queued waits for room to be sealed in.
    pub(super) fn has_unsealed(&self) -> bool {
        self.unsealed.is_some() && !self.session.is_handshaking()
    }

    pub(super) fn is_busy(&self) -> bool {
        self.seat.is_some() || self.unsealed.is_some() || !self.plain.is_empty()
    }

    /// Seals `queued`, which is the protocol's queue, behind what is to be sent. What cannot be
    /// sealed now is kept. Returns what the worker must do for that.
    #[inline]
    pub(super) fn seal(&mut self, queued: &mut Runs, io: &mut Io<'_>) -> Result<(), Next> {
        match self.session.send(io.ring, queued, io.outbound) {
            Ok(_) if queued.is_empty() => Ok(()),
            Ok(_) => {
                self.unsealed = Some(Box::new(std::mem::take(queued)));
                Err(later(io))
            }
            Err(_) => Err(Next::Abort),
        }
    }

    /// Goes on with what could not be sealed before.
    #[cold]
    pub(super) fn seal_rest(&mut self, io: &mut Io<'_>) -> Result<(), Next> {
        let Some(runs) = &mut self.unsealed else { return Ok(()) };
        match self.session.send(io.ring, runs, io.outbound) {
            Ok(_) if runs.is_empty() => {
                self.unsealed = None;
                Ok(())
            }
            Ok(_) => Err(later(io)),
            Err(_) => Err(Next::Abort),
        }
    }

    /// Gives the run back that the protocol has emptied, for the next read.
    #[inline]
    pub(super) fn give_back(&mut self, io: &mut Io<'_>) {
        if self.plain.is_empty() && !self.plain.is_nowhere() {
            let emptied = std::mem::take(&mut self.plain);
            if io.inbound.is_nowhere() {
                *io.inbound = emptied;
            }
        }
    }

    /// The protocol is done and everything it queued is sealed: says the end (RFC 8446 §6.1).
    #[cold]
    pub(super) fn finish(&mut self, io: &mut Io<'_>) -> Next {
        self.session.close(io.ring, io.outbound);
        self.plain = Inbound::default();
        Next::Finish
    }

    /// The session is over by a fault. Its alert is queued; who spoke plain HTTP would not
    /// understand one.
    #[cold]
    pub(super) fn refuse(&mut self, fault: &Fault, io: &mut Io<'_>) -> Next {
        if *fault == Fault::PlainHttp {
            io.outbound.push_static(PLAIN_HTTP_REPLY);
        }
        self.seat = None;
        self.plain = Inbound::default();
        Next::Finish
    }

    /// Drops what the session can make again.
    #[cold]
    pub(super) fn rest(&mut self) -> Next {
        self.session.rest();
        self.awaited(self.deadline)
    }

    /// Notes what is awaited: plaintext, and records for it.
    #[inline]
    pub(super) fn note(&mut self, room: usize, record_room: usize, deadline: Instant, wakes: bool) {
        (self.room, self.record_room) = (room, record_room);
        (self.deadline, self.wakes, self.is_waiting) = (deadline, wakes, true);
    }

    /// What the worker shall wait for, until `deadline`.
    #[inline]
    pub(super) fn awaited(&self, deadline: Instant) -> Next {
        let room = self.record_room;
        if self.wakes { Next::ReadOrWake { room, deadline } } else { Next::Read { room, deadline } }
    }
}

/// Sealed bytes go out first, and make room; without any, room must come from elsewhere.
fn later(io: &Io<'_>) -> Next {
    if io.outbound.is_empty() { Next::Starve } else { Next::Yield }
}
