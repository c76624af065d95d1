//! Taking connections from the listeners: bounded per turn, calm when descriptors run out.

use std::io;
use std::time::Duration;

use waterwheel_reactor::{AcceptFault, Driver, Instant};

use super::introduce::await_header;
use super::turn::EventLoop;
use crate::Protocol;
use crate::connection::Connection;
use crate::handover::Fresh;

/// What is known of the listeners.
#[derive(Debug)]
pub(super) struct AcceptState {
    /// Per listener: connections may wait. Edges are not repeated, so this is kept until
    /// `WouldBlock` was seen.
    waiting: Vec<bool>,
    /// Per listener: the endpoint that it belongs to.
    endpoints: Vec<usize>,
    /// How many of them: asked in every turn, changed rarely.
    waiting_count: usize,
    /// The listener that is asked first in the next turn.
    first: usize,
    /// No accept before this instant: descriptors or memory had run out.
    paused_until: Instant,
    /// The length of the next pause.
    pause: Duration,
}

impl AcceptState {
    pub(super) fn new(listener_count: usize) -> Self {
        // Connections may have queued before the worker began to listen for edges.
        let waiting = vec![true; listener_count];
        let (paused_until, pause) = (Instant::ZERO, PAUSE_MIN);
        let endpoints = (0..listener_count).collect();
        Self { waiting, endpoints, waiting_count: listener_count, first: 0, paused_until, pause }
    }

    /// Names the endpoint of each listener; without this each is one of its own.
    pub(super) fn assign(&mut self, endpoints: Vec<usize>) {
        assert_eq!(endpoints.len(), self.waiting.len(), "each listener has an endpoint");
        self.endpoints = endpoints;
    }

    pub(super) fn edge(&mut self, listener: usize) {
        if let Some(waiting) = self.waiting.get_mut(listener) {
            self.waiting_count += usize::from(!*waiting);
            *waiting = true;
        }
    }

    /// Nothing waits at this listener until its next edge.
    fn ran_dry(&mut self, listener: usize) {
        self.waiting_count -= usize::from(self.waiting[listener]);
        self.waiting[listener] = false;
    }

    /// Asks every listener once more, edge or not.
    pub(super) fn ask_all(&mut self) {
        self.waiting.fill(true);
        self.waiting_count = self.waiting.len();
    }

    /// The listeners in the order of this turn. Each is first in its turn, so that a crowd at one
    /// keeps nobody from another.
    fn in_turn(&mut self) -> impl Iterator<Item = usize> + use<> {
        let (first, count) = (self.first, self.waiting.len());
        self.first = if first + 1 < count { first + 1 } else { 0 };
        (first..count).chain(0..first.min(count))
    }

    pub(super) fn close(&mut self) {
        self.waiting.clear();
        self.waiting_count = 0;
        self.paused_until = Instant::ZERO;
    }

    /// When the next accept is due: at once, after a pause, or only after an edge, which is never.
    #[inline]
    pub(super) fn due(&self) -> Instant {
        if self.waiting_count > 0 { self.paused_until } else { Instant::MAX }
    }

    fn pause(&mut self, now: Instant) {
        self.paused_until = now + self.pause;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    fn resume(&mut self) {
        self.paused_until = Instant::ZERO;
        self.pause = PAUSE_MIN;
    }
}

impl<D: Driver, P: Protocol> EventLoop<D, P> {
    /// Accepts from all listeners, at most `max` connections. Returns how many were taken.
    pub(super) fn accept(&mut self, max: usize) -> usize {
        let now = self.engine.now;
        if now < self.accept.paused_until {
            return 0;
        }
        if self.engine.strain.pressure.memory() >= NOBODY_AT && !self.engine.draining {
            self.accept.paused_until = now + PRESSURE_PAUSE;
            return 0;
        }
        let mut taken = 0;
        for listener in self.accept.in_turn() {
            // Failed calls count as well: a storm of aborted handshakes must not hold the turn.
            let left = max.saturating_sub(taken);
            for _ in 0..left {
                if !self.accept.waiting[listener] || self.is_full() {
                    break;
                }
                taken += usize::from(self.accept_one(listener));
                if now < self.accept.paused_until {
                    return taken;
                }
            }
        }
        taken
    }

    /// True when no further connection may be opened. The backlog waits in the kernel.
    pub(super) fn is_full(&self) -> bool {
        self.connections.len() >= self.connections_max
    }

    fn accept_one(&mut self, listener: usize) -> bool {
        match self.engine.driver.accept(listener) {
            Ok((socket, peer)) => {
                self.accept.resume();
                let endpoint = self.accept.endpoints[listener];
                match self.deal(Fresh { socket, peer, endpoint }) {
                    Some(fresh) => self.admit(fresh),
                    None => true,
                }
            }
            Err(error) => {
                self.accept_failed(listener, &error);
                false
            }
        }
    }

    /// Begins with a connection that was accepted here or by another worker. False when it was
    /// closed at once.
    pub(super) fn admit(&mut self, fresh: Fresh<D::Socket>) -> bool {
        let Fresh { socket, peer, endpoint } = fresh;
        let now = self.engine.now;
        let state = self.engine.protocol.open(endpoint, peer, now);
        let mut connection = Connection::new(socket, state, now);
        if self.engine.is_proxy(peer) {
            // Its client is who counts.
            await_header(&mut connection, now);
        } else if !self.engine.enter_address(peer, &mut connection.flags) {
            return false;
        }
        self.open(connection)
    }

    #[cold]
    fn accept_failed(&mut self, listener: usize, error: &io::Error) {
        match AcceptFault::of(error) {
            AcceptFault::Nothing => self.accept.ran_dry(listener),
            AcceptFault::Exhausted => {
                self.engine.meter.accept_starved.add(1);
                self.accept.pause(self.engine.now);
            }
            AcceptFault::Listener => {
                // Nothing will ever come from it again; asking it in a loop would help nobody.
                self.accept.ran_dry(listener);
                self.engine.meter.accept_failed.add(1);
            }
            _ => self.engine.meter.accept_failed.add(1),
        }
    }

    fn open(&mut self, connection: Connection<D::Socket, P::Connection>) -> bool {
        let Some(token) = self.connections.insert_with(|_| connection) else { return false };
        let Some(connection) = self.connections.get_mut(token) else { return false };
        self.engine.meter.accepted.add(1);
        self.engine.meter.open.add(1);
        if self.engine.driver.register(&mut connection.socket, token).is_err() {
            self.close(token);
            return false;
        }
        self.enqueue(token);
        true
    }
}

/// At this pressure, 98 % of the memory, nobody is accepted.
const NOBODY_AT: u8 = 4;
/// Memory comes back with the next reply that is sent, so the wait is short.
const PRESSURE_PAUSE: Duration = Duration::from_millis(10);

/// First pause after descriptors ran out, doubled up to [`PAUSE_MAX`] while they stay out. A loop
/// without a pause would burn the core; nginx waits 500 ms, Go 5 ms doubling to 1 s.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listener_is_first_in_its_turn() {
        let mut state = AcceptState::new(3);
        let mut turn = || state.in_turn().collect::<Vec<_>>();
        assert_eq!([turn(), turn(), turn()], [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
        assert_eq!(turn(), [0, 1, 2]);
    }

    #[test]
    fn closed_listeners_are_not_asked() {
        let mut state = AcceptState::new(2);
        assert_eq!(state.in_turn().count(), 2);
        state.close();
        assert_eq!(state.in_turn().count(), 0);
        assert_eq!(state.in_turn().count(), 0);
    }
}
