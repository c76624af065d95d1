//! The turn: one pass of a worker over everything that is due.
//!
//! Poll → control → connections, each fully before the next → accept → deadlines → holds.
//! Connections that have more to do than their budget come back in the next turn, behind those that
//! became ready meanwhile. Requests that the protocol knows to be expensive only queue up here:
//! they are run between two turns, one at a time.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use waterwheel_reactor::{Driver, Event, Instant, Slab, Token, Wheel};
use waterwheel_ring::{Ring, prefetch_value};

use super::accept::AcceptState;
use super::drain::Report;
use super::engine::{Engine, Outcome};
use super::handover::Sharing;
use super::job::{Lent, SLICE_TICKS_MIN};
use super::lag::Lateness;
use crate::Protocol;
use crate::config::WorkerConfig;
use crate::connection::{Connection, Waiting};
use crate::control::{Control, Pulse};
use crate::handover::OFFERED_MAX;
use crate::watchdog::Watch;

/// All that a worker turns: the engine, the connections, and what says which of them are due.
#[derive(Debug)]
pub(super) struct EventLoop<D: Driver, P: Protocol> {
    pub(super) engine: Engine<D, P>,
    pub(super) connections: Slab<Connection<D::Socket, P::Connection>>,
    pub(super) connections_max: usize,
    pub(super) wheel: Wheel,
    pub(super) accept: AcceptState,
    pub(super) control: Arc<Control>,
    pub(super) pulse: Arc<Pulse>,
    /// Connections to work on in the next turn, oldest first.
    ready: VecDeque<Token>,
    /// Connections whose next request is expensive and has not begun, oldest first.
    /// With the instant since when each waits.
    pub(super) expensive: VecDeque<(Token, Instant)>,
    /// The connection that is lent while its request runs, and what became of it meanwhile.
    pub(super) lent: Option<Lent>,
    /// How expensive requests are shared with other workers, if they are.
    pub(super) sharing: Option<Sharing<D::Socket, P::Parcel>>,
    /// Connections may be offered by other workers.
    pub(super) is_called: bool,
    /// Connections that wait for memory of the ring or the kernel.
    starved: Vec<Token>,
    /// Connections whose wakers were called; empty between turns, kept for its capacity.
    woken: Vec<Token>,
    /// Connections that hold segments while they wait, by the time at which to look at them.
    pub(super) holders: VecDeque<(Token, Instant)>,
    /// When a drain cuts what is left; never, unless one has begun.
    pub(super) drain_deadline: Instant,
    pub(super) report: Report,
    pub(super) watchdog: Watch,
    pub(super) lateness: Lateness,
    /// Visits of so many of the driver's ticks are known to be shorter than a slice.
    pub(super) slice_ticks: u64,
    /// What the wall clock said last.
    pub(super) wall: SystemTime,
    /// When the wall clock is read again.
    wall_due: Instant,
    pub(super) events: Vec<Event>,
    /// Connections whose deadline may have come, to look at a few in a turn.
    pub(super) expired: Vec<Token>,
}

/// What one turn did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// Events that the driver reported.
    pub events: usize,
    /// Connections accepted.
    pub accepted: usize,
    /// Connections worked on.
    pub worked: usize,
    /// Timers that came up, holds included.
    pub expired: usize,
}

impl<D: Driver, P: Protocol> EventLoop<D, P> {
    pub(super) fn new(
        index: usize,
        driver: D,
        protocol: P,
        ring: Ring,
        config: &WorkerConfig,
        control: Arc<Control>,
    ) -> Self {
        let connections_max = config.connections_max.unwrap_or(usize::MAX).min(CONNECTIONS_LIMIT);
        let accept = AcceptState::new(driver.listener_count());
        let pulse = control.enlist(index);
        let meter = Arc::clone(&pulse.meter);
        let engine = Engine::new(driver, protocol, ring, config.clone(), meter);
        Self {
            wall: SystemTime::UNIX_EPOCH,
            wall_due: engine.now + WALL_INTERVAL,
            engine,
            // Those that other workers offer must find a place even where none may be accepted.
            connections: Slab::new(connections_max + OFFERED_MAX),
            connections_max,
            wheel: Wheel::new(WHEEL_TICK, WHEEL_SLOTS),
            accept,
            pulse,
            control,
            ready: VecDeque::new(),
            expensive: VecDeque::new(),
            lent: None,
            sharing: None,
            is_called: false,
            starved: Vec::new(),
            woken: Vec::new(),
            holders: VecDeque::new(),
            drain_deadline: Instant::MAX,
            report: Report::default(),
            watchdog: Watch::new(config.watchdog.clone()),
            lateness: Lateness::default(),
            slice_ticks: SLICE_TICKS_MIN,
            events: Vec::new(),
            expired: Vec::new(),
        }
    }

    /// One pass over everything that is due. Parks in the driver when nothing is.
    ///
    /// # Errors
    /// The driver's, when it can no longer poll.
    pub(super) fn turn(&mut self) -> io::Result<Turn> {
        self.engine.meter.turns.add(1);
        self.pass(self.park_time(), usize::MAX)
    }

    /// What [`turn`](Self::turn) does, over at most `visits_max` of the connections that the poll
    /// reports; the others come first in the next turn.
    pub(super) fn pass(
        &mut self,
        timeout: Option<Duration>,
        visits_max: usize,
    ) -> io::Result<Turn> {
        let mut turn = Turn::default();
        self.engine.local.enter();
        self.poll(timeout)?;
        self.engine.measure_pressure();
        if self.lateness.is_due(self.events.len()) {
            self.watch_ready();
        }
        self.follow_control();
        self.engine.local.fire_timers();
        if self.engine.local.files().outstanding() > 0 {
            self.engine.local.files().turn();
        }
        if self.engine.local.has_woken() {
            self.requeue_woken();
        }
        if !self.starved.is_empty() {
            self.requeue_starved();
        }
        let requeued = self.ready.len().min(visits_max);
        turn.events = self.events.len();
        turn.worked = self.visit_all(requeued, visits_max);
        if self.accept.due() <= self.engine.now {
            turn.accepted = self.accept(self.engine.config.accepts_per_turn_max);
        }
        turn.expired = self.expire() + self.park_holders();
        if self.engine.local.files().is_due() {
            self.engine.local.files().turn();
        }
        self.pulse.beat();
        Ok(turn)
    }

    /// Waits for events, and reads the clocks for this turn.
    fn poll(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let polled = self.engine.driver.poll(timeout, &mut self.events);
        if self.connections.len() >= PREFETCHED_AMONG_MIN {
            self.prefetch_from(0);
        }
        self.pulse.beat();
        match polled {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        self.engine.now = self.engine.driver.now();
        self.engine.local.set_now(self.engine.now, self.engine.driver.ticks());
        if self.engine.now >= self.wall_due {
            self.wall = self.engine.driver.wall_clock();
            self.engine.protocol.set_wall(self.wall);
            self.engine.local.set_wall(self.wall);
            self.wall_due = self.engine.now + WALL_INTERVAL;
        }
        Ok(())
    }

    /// How long the driver may wait: not at all when something is due already.
    #[inline]
    fn park_time(&self) -> Option<Duration> {
        let local = &self.engine.local;
        let has_own = !self.ready.is_empty() || !self.expensive.is_empty() || self.is_called;
        if has_own || !self.expired.is_empty() || local.has_woken() || local.files().is_due() {
            return Some(Duration::ZERO);
        }
        let now = self.engine.now;
        let mut due = self.wheel.next_due().unwrap_or(Instant::MAX).min(self.drain_deadline);
        due = due.min(self.engine.local.next_timer());
        if let Some(&(_, hold)) = self.holders.front() {
            due = due.min(hold);
        }
        if !self.starved.is_empty() {
            due = due.min(now + STARVED_RETRY);
        }
        if !self.is_full() {
            due = due.min(self.accept.due());
        }
        (due != Instant::MAX).then(|| due.saturating_since(now))
    }

    /// Works on the connections that the poll has reported, up to `visits_max` of them, and on so
    /// many that queue, or fewer if what those may do in a turn is spent. Returns how many.
    // One loop for both, so that the work is compiled where it is called.
    #[inline(always)]
    fn visit_all(&mut self, requeued: usize, visits_max: usize) -> usize {
        let reported = self.events.len();
        let mut worked = reported + requeued;
        for index in 0..reported + requeued {
            if index % PREFETCHED_AT_ONCE == PREFETCHED_AT_ONCE - 1
                && self.connections.len() >= PREFETCHED_AMONG_MIN
            {
                self.prefetch_from(index + 1);
            }
            let (token, connection) = match self.events.get(index) {
                Some(&Event::Socket { token, readiness }) if index < visits_max => {
                    let Some(connection) = self.connections.get_mut(token) else {
                        self.note_edge_of_absent(token, readiness);
                        continue;
                    };
                    connection.flags.note(readiness);
                    if connection.flags.queued {
                        continue;
                    }
                    (token, connection)
                }
                Some(&event) => {
                    self.note_event(event);
                    continue;
                }
                None => {
                    let Some(token) = self.ready.pop_front() else { break };
                    let Some(connection) = self.connections.get_mut(token) else { continue };
                    connection.flags.queued = false;
                    (token, connection)
                }
            };
            let outcome = self.engine.drive(token, connection);
            self.note_visit();
            if outcome != Outcome::Rest {
                self.settle(token, outcome);
            }
            if index >= reported && self.engine.local.budget().take_spent() {
                worked = index + 1;
                break;
            }
        }
        self.events.clear();
        worked
    }

    /// Has the next connections that the poll reports fetched from memory, several at a time, while
    /// others are worked on: where many take turns, each has left the caches meanwhile.
    #[inline(never)]
    fn prefetch_from(&self, first: usize) {
        for event in self.events.iter().skip(first).take(PREFETCHED_AT_ONCE) {
            if let Event::Socket { token, .. } = *event
                && let Some(slot) = self.connections.slot(token)
            {
                prefetch_value(slot);
            }
        }
    }

    /// Notes an event that is not worked on at once.
    #[inline(never)]
    fn note_event(&mut self, event: Event) {
        match event {
            Event::Socket { token, readiness } => self.note_edge(token, readiness),
            Event::Listener(listener) => self.accept.edge(listener),
            Event::Wake => self.is_called = true,
            _ => {}
        }
    }

    #[cold]
    fn requeue_starved(&mut self) {
        for token in self.starved.drain(..) {
            enqueue(&mut self.connections, &mut self.ready, token);
        }
    }

    /// Runs the tasks that were woken, and queues the connections that were.
    #[cold]
    fn requeue_woken(&mut self) {
        let mut woken = std::mem::take(&mut self.woken);
        self.engine.local.run_woken(&mut woken);
        for token in woken.drain(..) {
            let Some(connection) = self.connections.get_mut(token) else {
                self.note_wake_of_lent(token);
                continue;
            };
            if connection.flags.waiting != Waiting::No {
                connection.flags.again = true;
                self.enqueue(token);
            }
        }
        self.woken = woken;
    }

    /// Queues a connection for the next pass, once.
    pub(super) fn enqueue(&mut self, token: Token) {
        enqueue(&mut self.connections, &mut self.ready, token);
    }

    /// Does with a connection what its work ended in.
    #[inline]
    pub(super) fn settle(&mut self, token: Token, outcome: Outcome) {
        match outcome {
            Outcome::Rest => return,
            Outcome::Wait => {}
            Outcome::Requeue => self.enqueue(token),
            Outcome::Defer => self.defer(token),
            Outcome::Starved => self.starved.push(token),
            Outcome::Close => return self.close(token),
        }
        self.arm(token);
        self.hold(token);
    }

    /// Ends a connection: its segments, its timer and its descriptor go.
    pub(super) fn close(&mut self, token: Token) {
        let Some(connection) = self.connections.remove(token) else { return };
        self.wheel.disarm(token);
        self.engine.meter.closed.add(1);
        self.engine.meter.open.subtract(1);
        if self.engine.draining {
            match self.engine.is_busy(&connection) {
                true => self.report.cut += 1,
                false => self.report.finished += 1,
            }
        }
        self.engine.forget_parked(&connection);
        self.engine.leave_address(&connection);
        self.engine.driver.close(connection.socket);
    }
}

impl<D: Driver, P: Protocol> Drop for EventLoop<D, P> {
    /// Futures are dropped first, while the worker that they belong to can still be found.
    fn drop(&mut self) {
        self.engine.local.enter();
        for token in self.connections.tokens().collect::<Vec<_>>() {
            self.connections.remove(token);
        }
        self.engine.local.end_tasks();
        self.engine.local.leave();
    }
}

fn enqueue<S, C>(
    connections: &mut Slab<Connection<S, C>>,
    ready: &mut VecDeque<Token>,
    token: Token,
) {
    if let Some(connection) = connections.get_mut(token)
        && !connection.flags.queued
    {
        connection.flags.queued = true;
        ready.push_back(token);
    }
}

/// Wheel resolution: deadlines here are whole seconds, so 16 ms late is early enough.
const WHEEL_TICK: Duration = Duration::from_millis(16);
/// 4,096 ticks are 65 s, about one keep-alive timeout per lap, for 16 KiB of slots.
const WHEEL_SLOTS: usize = 4096;
/// The Date header has a resolution of one second.
const WALL_INTERVAL: Duration = Duration::from_millis(250);
/// How soon a connection without room in the ring or the kernel tries again.
const STARVED_RETRY: Duration = Duration::from_millis(1);
/// Fetched together, they are waited for together. Their lines, some 64, leave the first cache to
/// what else a request needs.
const PREFETCHED_AT_ONCE: usize = 16;
/// Fewer connections stay in the second cache, and would only pay for the hint.
const PREFETCHED_AMONG_MIN: usize = 256;
/// Bound of the slab when the descriptor limit is unlimited.
const CONNECTIONS_LIMIT: usize = 1 << 24;
