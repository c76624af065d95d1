//! A worker's side of the hand-over: which connections it offers, and how it goes on with those of
//! others.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use waterwheel_reactor::{Driver, Instant, Token};

use super::engine::Outcome;
use super::job::Job;
use super::turn::EventLoop;
use crate::Protocol;
use crate::connection::Connection;
use crate::handover::{Fresh, Handover, Parcel, Seat};

/// A worker's place among those that hand connections to each other.
pub(super) struct Sharing<S, C> {
    handover: Arc<Handover<S, C>>,
    seat: Seat,
    /// How many connections may still be dealt until `deals_until`.
    deals_left: u32,
    deals_until: Instant,
}

impl<S, C> Sharing<S, C> {
    pub(super) fn new(handover: Arc<Handover<S, C>>, seat: Seat) -> Self {
        Self { handover, seat, deals_left: 0, deals_until: Instant::ZERO }
    }
}

impl<S, C> Drop for Sharing<S, C> {
    fn drop(&mut self) {
        self.handover.leave(self.seat);
    }
}

impl<S, C> fmt::Debug for Sharing<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharing").field("seat", &self.seat).finish_non_exhaustive()
    }
}

impl<D: Driver, P: Protocol> EventLoop<D, P> {
    /// The expensive request that has waited longest, of this worker's and of those that others
    /// offer. Whatever else waits here is offered to others.
    pub(super) fn next_job(&mut self) -> Option<Job<D, P>> {
        self.is_called = false;
        let Some(sharing) = &self.sharing else { return self.next_own_job() };
        let own = self.expensive.front().map(|(_, since)| *since);
        let taken = sharing.handover.begin(sharing.seat, own, !self.connections.is_full());
        // Before the request runs, so that others can begin with theirs at once.
        self.offer_from(usize::from(taken.is_none()));
        let adopted = taken.and_then(|parcel| self.adopt(parcel));
        match adopted {
            Some(token) => self.lend_job(token),
            None => self.next_own_job(),
        }
    }

    /// The worker has no expensive request under way: sees whether one is offered.
    pub(super) fn end_jobs(&mut self) {
        if let Some(sharing) = &self.sharing {
            self.is_called = sharing.handover.end(sharing.seat);
        }
        // Also when others took what waited here.
        self.set_lag();
    }

    /// Expensive requests that wait for this worker: its own, and a part of those on offer.
    pub(super) fn expensive_count(&self) -> usize {
        let offered = self.sharing.as_ref().map_or(0, |sharing| sharing.handover.share());
        self.expensive.len() + offered
    }

    /// Whether connections wait that this worker has to take, or any.
    pub(super) fn has_offers(&self) -> bool {
        self.sharing.as_ref().is_some_and(|sharing| sharing.handover.waits_for(sharing.seat))
    }

    /// Gives a connection that was just accepted to a worker that has fewer, if there is one, and
    /// if not many were dealt a moment ago. Returns it otherwise.
    pub(super) fn deal(&mut self, fresh: Fresh<D::Socket>) -> Option<Fresh<D::Socket>> {
        let count = self.connections.len();
        let Some(sharing) = &mut self.sharing else { return Some(fresh) };
        if count >= DEALT_BELOW || self.engine.draining {
            return Some(fresh);
        }
        if sharing.deals_until <= self.engine.now {
            sharing.deals_until = self.engine.now + DEALS_INTERVAL;
            sharing.deals_left = DEALS_MAX;
        }
        if sharing.deals_left == 0 {
            return Some(fresh);
        }
        let kept = sharing.handover.deal(sharing.seat, count, fresh);
        let is_dealt = kept.is_none();
        sharing.deals_left -= u32::from(is_dealt);
        self.engine.meter.dealt.add(u64::from(is_dealt));
        kept
    }

    /// Begins with the connections that other workers have accepted for this one.
    pub(super) fn take_dealt(&mut self) {
        while let Some(sharing) = &self.sharing
            && let Some(fresh) = sharing.handover.take_dealt(sharing.seat)
        {
            self.admit(fresh);
        }
    }

    /// Offers what waits here, the first `kept` left out, as far as it can be moved and there is
    /// room for it.
    pub(super) fn offer_from(&mut self, kept: usize) {
        for _ in kept..self.expensive.len() {
            let Some((token, since)) = self.expensive.remove(kept) else { return };
            if !self.offer(token, since) {
                self.expensive.push_back((token, since));
            }
        }
    }

    fn offer(&mut self, token: Token, since: Instant) -> bool {
        let Some(sharing) = &self.sharing else { return false };
        let (handover, seat) = (Arc::clone(&sharing.handover), sharing.seat);
        handover.offer(seat, || self.pack(token, since))
    }

    /// Takes out a connection that stands between two requests.
    fn pack(&mut self, token: Token, since: Instant) -> Option<Parcel<D::Socket, P::Parcel>> {
        let connection = self.connections.get_mut(token)?;
        if !connection.is_movable() {
            return None;
        }
        let engine = &mut self.engine;
        let state = engine.protocol.pack(&mut connection.state)?;
        if engine.driver.deregister(&mut connection.socket).is_err() {
            connection.state = engine.protocol.unpack(state);
            return None;
        }
        self.wheel.disarm(token);
        engine.meter.open.subtract(1);
        engine.meter.handed_over.add(1);
        let connection = self.connections.remove(token)?;
        engine.forget_parked(&connection);
        let Connection { socket, inbound, progressed, flags, .. } = connection;
        let (received, counted) = (inbound.into_parked(), flags.counted);
        Some(Parcel { socket, state, received, progressed, counted, deferred: since })
    }

    /// Goes on with a connection of another worker's.
    fn adopt(&mut self, parcel: Parcel<D::Socket, P::Parcel>) -> Option<Token> {
        let Parcel { socket, state, received, progressed, counted, .. } = parcel;
        let state = self.engine.protocol.unpack(state);
        let mut connection = Connection::new(socket, state, progressed);
        connection.inbound = received.into();
        connection.flags.counted = counted;
        // It is about to be consumed, whatever else is parked.
        self.engine.note_parked(0, connection.parked_len(), Outcome::Wait);
        let token = self.connections.insert_with(|_| connection)?;
        let connection = self.connections.get_mut(token)?;
        self.engine.meter.open.add(1);
        self.engine.meter.taken_over.add(1);
        if self.engine.driver.register(&mut connection.socket, token).is_err() {
            self.close(token);
            return None;
        }
        Some(token)
    }
}

/// With so many connections the kernel's choice, by a hash of the addresses, is off by some percent
/// only, and a lock for each of them would cost more.
const DEALT_BELOW: usize = 256;

/// Most connections that are dealt in [`DEALS_INTERVAL`]: more than it takes to make 256 even that
/// a hash has spread. Those of one request each would be dealt by the thousand, each for a wake-up,
/// and be gone before it matters where they were.
const DEALS_MAX: u32 = 64;
const DEALS_INTERVAL: Duration = Duration::from_millis(250);
