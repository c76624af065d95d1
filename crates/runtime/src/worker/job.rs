//! Expensive requests: queued behind the cheap ones, then run one at a time with their connection
//! lent, so that the event loop can turn for all others meanwhile.

use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use waterwheel_reactor::{Driver, Instant, Readiness, Token};
use waterwheel_ring::{Ring, Runs};

use super::breathe::{SLICE, SLICE_NS};
use super::engine::{Outcome, Served};
use super::turn::EventLoop;
use crate::connection::{Connection, Waiting};
use crate::fs::Part;
use crate::task::Local;
use crate::{Io, Meter, Next, Pressure, Protocol, Waking};

/// A connection whose expensive request runs, with all that its protocol call needs.
pub(super) struct Job<D: Driver, P: Protocol> {
    token: Token,
    connection: Served<D, P>,
    pub(super) started: Instant,
    ring: Ring,
    outbound: Runs,
    /// A part of a file that the protocol queues behind `outbound`.
    part: Option<Part>,
    /// Whether the kernel sends files by itself here.
    sends_files: bool,
    draining: bool,
    pressure: Pressure,
    /// Bytes that were parked.
    parked_len: usize,
    meter: Arc<Meter>,
    local: Rc<Local>,
}

/// What became of a connection while it was lent.
#[derive(Debug)]
pub(super) struct Lent {
    token: Token,
    readiness: Readiness,
    woken: bool,
}

impl<D: Driver, P: Protocol> Job<D, P> {
    /// Lets the protocol run the request.
    pub(super) fn advance(&mut self, protocol: &mut P) -> Next {
        let connection = &mut self.connection;
        connection.flags.again = false;
        connection.flags.waiting = Waiting::No;
        let mut io = Io {
            file: if self.sends_files { Some(&mut self.part) } else { None },
            ring: &self.ring,
            inbound: &mut connection.inbound,
            ended: connection.flags.ended,
            closed: connection.flags.read_closed | connection.flags.ended,
            outbound: &mut self.outbound,
            now: self.started,
            draining: self.draining,
            pressure: self.pressure,
            meter: &self.meter,
            waking: Waking::new(&self.local, self.token),
            layer: None,
        };
        protocol.advance_expensive(&mut connection.state, &mut io)
    }
}

impl<D: Driver, P: Protocol> EventLoop<D, P> {
    /// Queues a connection whose next request is expensive.
    #[cold]
    pub(super) fn defer(&mut self, token: Token) {
        if let Some(connection) = self.connections.get_mut(token) {
            // Edges are only noted from now on: this queue is as good as the other.
            connection.flags.queued = true;
            // It waits with what it has received, not with the room for more.
            connection.inbound.trim();
            self.expensive.push_back((token, self.engine.now));
            self.engine.meter.deferred.add(1);
            self.set_lag();
            if self.lent.is_some() {
                // This worker is busy for a while.
                self.offer_from(0);
            }
        }
    }

    /// Takes out the connection whose expensive request has waited longest here.
    pub(super) fn next_own_job(&mut self) -> Option<Job<D, P>> {
        while let Some((token, _)) = self.expensive.pop_front() {
            // It may have been closed meanwhile.
            let job = self.lend_job(token);
            if job.is_some() {
                return job;
            }
        }
        None
    }

    /// Takes out a connection.
    pub(super) fn lend_job(&mut self, token: Token) -> Option<Job<D, P>> {
        let mut connection = self.connections.lend(token)?;
        connection.flags.queued = false;
        connection.armed = Instant::MAX;
        self.wheel.disarm(token);
        self.lent = Some(Lent { token, readiness: Readiness::default(), woken: false });
        let parked_len = connection.parked_len();
        let engine = &mut self.engine;
        engine.now = engine.driver.now();
        Some(Job {
            token,
            connection,
            started: engine.now,
            ring: engine.ring.clone(),
            outbound: mem::take(&mut engine.outbound),
            part: None,
            sends_files: engine.sends_files,
            draining: engine.draining,
            pressure: engine.strain.pressure,
            parked_len,
            meter: Arc::clone(&engine.meter),
            local: Rc::clone(&engine.local),
        })
    }

    /// Takes the connection back and does what the protocol asks for.
    pub(super) fn end_job(&mut self, job: Job<D, P>, next: Next) {
        let Job { token, mut connection, outbound, part, draining, parked_len, .. } = job;
        if let Some(Lent { readiness, woken, .. }) = self.lent.take() {
            connection.flags.note(readiness);
            connection.flags.again |= woken;
        }
        self.engine.now = self.engine.driver.now();
        self.engine.local.set_now(self.engine.now, self.engine.driver.ticks());
        (self.engine.outbound, self.engine.part) = (outbound, part);
        let concluded = self.engine.conclude(&mut connection, next);
        let parked_now = connection.parked_len();
        // Only more of it could be too much, and a request takes its bytes from there.
        self.engine.note_parked(parked_len, parked_now, Outcome::Wait);
        let has_missed_drain = self.engine.draining && !draining;
        self.connections.give_back(token, connection);
        let Some(connection) = self.connections.get_mut(token) else { return };
        if has_missed_drain {
            announce_drain(connection);
        }
        let outcome = match concluded {
            Ok(()) => Outcome::Requeue,
            // Woken while it was lent, or not told yet that the worker drains.
            Err(Outcome::Wait) if connection.flags.again => Outcome::Requeue,
            Err(outcome) => outcome,
        };
        self.settle(token, outcome);
    }

    /// One turn inside of a call, over as many connections as that call can wait for.
    pub(super) fn nested_turn(&mut self) {
        self.engine.meter.nested_turns.add(1);
        // A driver that cannot poll says so again in the turn that follows.
        drop(self.pass(Some(Duration::ZERO), NESTED_VISITS_MAX));
    }

    /// Notes what an event tells of a connection whose turn comes later.
    #[cold]
    pub(super) fn note_edge(&mut self, token: Token, readiness: Readiness) {
        match self.connections.get_mut(token) {
            Some(connection) => {
                connection.flags.note(readiness);
                self.enqueue(token);
            }
            None => self.note_edge_of_absent(token, readiness),
        }
    }

    /// Notes an edge of a connection that is lent or gone, or of a future's source.
    pub(super) fn note_edge_of_absent(&mut self, token: Token, readiness: Readiness) {
        match &mut self.lent {
            Some(lent) if lent.token == token => {
                lent.readiness.readable |= readiness.readable;
                lent.readiness.read_closed |= readiness.read_closed;
            }
            _ => {
                let is_source = self.engine.local.note_source(token, readiness);
                self.engine.meter.stale_events.add(u64::from(!is_source));
            }
        }
    }

    /// Notes that a connection was woken, if it is lent.
    #[cold]
    pub(super) fn note_wake_of_lent(&mut self, token: Token) {
        if let Some(lent) = &mut self.lent {
            lent.woken |= lent.token == token;
        }
    }

    /// True while the connection's expensive request runs.
    pub(super) fn is_lent(&self, token: Token) -> bool {
        self.lent.as_ref().is_some_and(|lent| lent.token == token)
    }

    /// Ends the work on a connection. Where it took long, the protocol hears of it: that is how it
    /// learns what is expensive.
    #[inline]
    pub(super) fn note_visit(&mut self) {
        let ticks = self.engine.driver.ticks();
        let visit_ticks = self.engine.local.end_visit(ticks);
        if visit_ticks > self.slice_ticks {
            self.note_long_visit(visit_ticks, ticks);
        }
    }

    #[cold]
    fn note_long_visit(&mut self, visit_ticks: u64, ticks: u64) {
        let time = self.engine.local.time_of(visit_ticks, ticks, self.engine.driver.now());
        if time < SLICE {
            // So many ticks are no slice, and need not be asked about again.
            self.slice_ticks = visit_ticks.min(SLICE_TICKS_MAX);
            return;
        }
        let what = self.engine.protocol.took(time, self.watchdog.is_slow(time));
        self.watchdog.note(what, time, self.engine.now, &self.engine.meter);
    }

    /// Notes a call of the twin.
    pub(super) fn watch(&mut self, what: Option<&str>, time: Duration) {
        self.watchdog.note(what, time, self.engine.now, &self.engine.meter);
    }

    pub(super) fn time_since(&self, started: Instant) -> Duration {
        self.engine.driver.now().saturating_since(started)
    }
}

/// Makes the protocol look once more, so that it can end what has no request.
pub(super) fn announce_drain<S, C>(connection: &mut Connection<S, C>) {
    connection.flags.again = true;
    // Of what has arrived since the last poll nothing is known yet.
    connection.flags.readable = true;
}

/// Most ready connections that a nested turn works on: at 5 µs each it takes three slices.
const NESTED_VISITS_MAX: usize = 64;

/// A tick is a nanosecond at most: this is less than a slice.
pub(super) const SLICE_TICKS_MIN: u64 = SLICE_NS - 1;
/// At 8 GHz. A count that jumps must not make every visit seem short.
const SLICE_TICKS_MAX: u64 = 8 * SLICE_NS;
