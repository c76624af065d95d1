//! The work on one connection: read, let the protocol advance, send what it queued.
//!
//! The [`Engine`] is what every connection of the worker uses while it is worked on. It knows
//! neither the slab nor the timers; [`Outcome`] tells the turn what to do with the connection.

use std::mem;
use std::rc::Rc;
use std::sync::Arc;

use waterwheel_reactor::{Driver, Instant, SendFault, Token, Wake};
use waterwheel_ring::{Inbound, Ring, Runs};

use super::pressure::Strain;
use super::send::{after_fault, send, send_unsent};
use crate::config::WorkerConfig;
use crate::connection::{Connection, Phase, Unsent, Waiting};
use crate::fs::Part;
use crate::metrics::Meter;
use crate::task::Local;
use crate::{Io, Next, Protocol, Waking};

/// What every connection of a worker uses while it is worked on.
#[derive(Debug)]
pub(super) struct Engine<D, P> {
    pub(super) driver: D,
    pub(super) protocol: P,
    pub(super) ring: Ring,
    pub(super) config: WorkerConfig,
    pub(super) meter: Arc<Meter>,
    /// Read once at the start of each turn.
    pub(super) now: Instant,
    pub(super) draining: bool,
    /// How short memory is.
    pub(super) strain: Strain,
    /// What the futures of this worker share with it.
    pub(super) local: Rc<Local>,
    /// A part of a file that the protocol queues behind `outbound`.
    pub(super) part: Option<Part>,
    /// Whether the kernel sends files by itself here.
    pub(super) sends_files: bool,
    /// What the protocol queues for the connection at hand; empty between connections, kept for
    /// its capacity and for one segment of room.
    pub(super) outbound: Runs,
    /// What connections receive into that have kept nothing; empty between them. Only what is left
    /// of it becomes a connection's own: so the same few segments stay hot however many take turns.
    pub(super) inbound: Inbound,
}

/// What the turn does with a connection that was worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Wait for an edge or the deadline.
    Wait,
    /// The same, and neither timer nor segments need a look.
    Rest,
    /// Come back in the next turn.
    Requeue,
    /// Its next request is expensive and has not begun.
    Defer,
    /// The ring or the kernel lacks memory: come back a little later.
    Starved,
    /// Close it.
    Close,
}

pub(super) type Served<D, P> = Connection<<D as Driver>::Socket, <P as Protocol>::Connection>;

impl<D: Driver, P: Protocol> Engine<D, P> {
    pub(super) fn new(
        driver: D,
        mut protocol: P,
        ring: Ring,
        config: WorkerConfig,
        meter: Arc<Meter>,
    ) -> Self {
        let disk = driver.disk();
        let sends_files = disk.sends_files();
        let now = driver.now();
        let wall = driver.wall_clock();
        protocol.set_wall(wall);
        let waker = driver.waker();
        let (clock, sources) = (driver.clock(), driver.sources());
        let local = Local::new(clock, sources, disk, ring.clone(), move || waker.wake());
        local.set_wall(wall);
        Self {
            driver,
            protocol,
            ring,
            config,
            meter,
            now,
            draining: false,
            strain: Strain::default(),
            local,
            outbound: Runs::new(),
            part: None,
            sends_files,
            inbound: Inbound::default(),
        }
    }

    /// Segments that the worker itself keeps ready, for no connection.
    pub(super) fn spare_segments(&self) -> usize {
        let own = self.outbound.segment_count() + self.inbound.segment_count();
        own + self.protocol.spare_segments()
    }

    /// Works on `connection` until it waits, its budget is spent, or it is over.
    // Called in one place, and compiled there: a second one would make calls of what is in it.
    #[inline(always)]
    pub(super) fn drive(&mut self, token: Token, connection: &mut Served<D, P>) -> Outcome {
        let parked_before = connection.parked_len();
        let outcome = self.work(token, connection);
        if outcome == Outcome::Wait
            && parked_before == 0
            && connection.is_at_rest()
            && self.kept(connection) == 0
        {
            self.inbound.recycle(self.config.read_len);
            return Outcome::Rest;
        }
        self.after_work(connection, parked_before, outcome)
    }

    /// Puts in order what is kept of a connection that is not at rest.
    #[inline(never)]
    fn after_work(
        &mut self,
        connection: &mut Served<D, P>,
        parked_before: usize,
        mut outcome: Outcome,
    ) -> Outcome {
        if !connection.inbound.is_nowhere() && connection.inbound.is_empty() {
            self.take_back(connection);
        }
        self.inbound.recycle(self.config.read_len);
        let parked_len = connection.parked_len();
        if parked_len != parked_before {
            outcome = self.note_parked(parked_before, parked_len, outcome);
        }
        match outcome {
            Outcome::Wait if connection.is_at_rest() && self.kept(connection) == 0 => Outcome::Rest,
            Outcome::Starved => {
                self.give_up_spares();
                Outcome::Starved
            }
            outcome => outcome,
        }
    }

    /// Takes the run back that the connection has emptied.
    #[cold]
    fn take_back(&mut self, connection: &mut Served<D, P>) {
        let emptied = mem::take(&mut connection.inbound);
        if self.inbound.is_nowhere() {
            self.inbound = emptied;
        }
    }

    /// Gives back what is kept ready for speed: it may be what stands between a connection and the
    /// contiguous run that it waits for.
    #[cold]
    fn give_up_spares(&mut self) {
        self.inbound = Inbound::default();
        self.outbound.clear();
    }

    #[inline(always)]
    fn work(&mut self, token: Token, connection: &mut Served<D, P>) -> Outcome {
        let mut budget = self.config.bytes_per_turn_max;
        if connection.unsent.is_some()
            && let Err(outcome) = self.send_rest(connection)
        {
            let is_woken = connection.flags.waiting != Waiting::No && connection.flags.again;
            return match outcome {
                Outcome::Wait if is_woken => self.answer_behind(token, connection),
                outcome => outcome,
            };
        }
        loop {
            let step = match connection.phase {
                Phase::Serving => self.serve(token, connection, &mut budget),
                Phase::Introducing => self.introduce(connection, &mut budget),
                Phase::Finishing => self.half_close(connection),
                Phase::Lingering { .. } => Err(self.linger(connection, budget)),
            };
            if let Err(outcome) = step {
                return outcome;
            }
        }
    }

    /// One read, unless the protocol has work without it, and what the protocol makes of it.
    #[inline(always)]
    fn serve(
        &mut self,
        token: Token,
        connection: &mut Served<D, P>,
        budget: &mut usize,
    ) -> Result<(), Outcome> {
        if connection.flags.waiting == Waiting::ForWake {
            // Nothing is read meanwhile: that is the backpressure. Of the peer's end the protocol
            // hears, because what it waits for may be for nobody.
            if !connection.flags.again && !connection.flags.read_closed {
                return Err(Outcome::Wait);
            }
        } else if !connection.flags.again {
            self.receive(connection, budget)?;
        } else if self.draining {
            self.receive_last(connection, budget)?;
        }
        // A closure, which is inlined; the function by its name would be a call where a program has
        // two kinds of workers.
        self.advance(token, connection, |protocol, state, io| protocol.advance(state, io))
    }

    /// While draining the protocol ends what has no request: one that has arrived must be seen
    /// first.
    #[cold]
    fn receive_last(
        &mut self,
        connection: &mut Served<D, P>,
        budget: &mut usize,
    ) -> Result<(), Outcome> {
        if !connection.flags.readable || !connection.inbound.is_empty() {
            return Ok(());
        }
        match self.receive(connection, budget) {
            Err(Outcome::Wait) => Ok(()),
            received => received,
        }
    }

    /// The protocol's deadline has passed: lets it speak, and sends what it says.
    pub(super) fn time_out(&mut self, token: Token, connection: &mut Served<D, P>) -> Outcome {
        match self.advance(token, connection, P::timed_out) {
            Ok(()) => Outcome::Requeue,
            Err(outcome) => outcome,
        }
    }

    /// Calls the protocol, sends what it queued, and notes what it waits for. `Ok` means that the
    /// connection can be worked on further in this turn.
    #[inline(always)]
    pub(super) fn advance(
        &mut self,
        token: Token,
        connection: &mut Served<D, P>,
        call: impl FnOnce(&mut P, &mut P::Connection, &mut Io<'_>) -> Next,
    ) -> Result<(), Outcome> {
        connection.flags.again = false;
        connection.flags.waiting = Waiting::No;
        let mut io = Io {
            ring: &self.ring,
            inbound: place_of(&mut connection.inbound, &mut self.inbound),
            ended: connection.flags.ended,
            closed: connection.flags.read_closed | connection.flags.ended,
            outbound: &mut self.outbound,
            file: if self.sends_files { Some(&mut self.part) } else { None },
            now: self.now,
            draining: self.draining,
            pressure: self.strain.pressure,
            meter: &self.meter,
            waking: Waking::new(&self.local, token),
            layer: None,
        };
        let next = call(&mut self.protocol, &mut connection.state, &mut io);
        if !self.inbound.is_empty() {
            connection.inbound = mem::take(&mut self.inbound);
        }
        self.conclude(connection, next)
    }

    /// Reads once, as far as the budget and the ring allow.
    #[inline(always)]
    pub(super) fn receive(
        &mut self,
        connection: &mut Served<D, P>,
        budget: &mut usize,
    ) -> Result<(), Outcome> {
        if !connection.flags.readable {
            if !connection.inbound.is_empty() {
                connection.inbound.trim();
            }
            return Err(Outcome::Wait);
        }
        if *budget == 0 {
            return Err(Outcome::Requeue);
        }
        let (driver, socket) = (&mut self.driver, &mut connection.socket);
        let inbound = place_of(&mut connection.inbound, &mut self.inbound);
        let room = connection.room as usize;
        let outcome = inbound
            .receive(&self.ring, room, self.config.read_len, |room| driver.recv(socket, room));
        let Ok((received, offered)) = outcome else {
            self.meter.ring_full.add(1);
            return Err(Outcome::Starved);
        };
        match received {
            Ok(0) => {
                connection.flags.readable = false;
                connection.flags.ended = true;
                Ok(())
            }
            Ok(count) => {
                // A short read drained the socket: the next bytes are a new edge. The end that came
                // with an earlier edge is not, so it must be read.
                connection.flags.readable = count == offered || connection.flags.read_closed;
                connection.progressed = self.now;
                self.meter.received_len.add(count as u64);
                *budget = budget.saturating_sub(count);
                Ok(())
            }
            Err(error) => {
                connection.flags.readable = SendFault::of(&error) != SendFault::WouldBlock;
                Err(after_fault(&error))
            }
        }
    }

    /// Sends what the protocol queued; what the socket does not take stays with the connection.
    #[inline(always)]
    pub(super) fn send_queued(&mut self, connection: &mut Served<D, P>) -> Result<(), Outcome> {
        if self.outbound.is_empty() {
            return Ok(());
        }
        let sent = send(&mut self.driver, &mut connection.socket, &mut self.outbound);
        self.meter.sent_len.add(sent.len as u64);
        if sent.stopped.is_err() {
            // From now on the peer's reading is what progress means.
            connection.progressed = self.now;
            let (runs, since, taken_len) = (mem::take(&mut self.outbound), self.now, sent.len);
            let (part, parked_len) = (None, 0);
            connection.unsent = Some(Box::new(Unsent { runs, part, since, taken_len, parked_len }));
        }
        sent.stopped
    }

    /// Begins to send what the protocol queued and the part of a file behind it.
    #[cold]
    pub(super) fn begin_file(&mut self, connection: &mut Served<D, P>) -> Result<(), Outcome> {
        connection.flags.again = true;
        connection.room = 0;
        connection.progressed = self.now;
        let (runs, part) = (mem::take(&mut self.outbound), self.part.take());
        let (since, taken_len, parked_len) = (self.now, 0, 0);
        connection.unsent = Some(Box::new(Unsent { runs, part, since, taken_len, parked_len }));
        self.send_rest(connection)
    }

    /// Goes on sending what the socket did not take before.
    #[cold]
    fn send_rest(&mut self, connection: &mut Served<D, P>) -> Result<(), Outcome> {
        let Some(unsent) = connection.unsent.as_mut() else { return Ok(()) };
        let sent = send_unsent(&mut self.driver, &mut connection.socket, unsent);
        unsent.taken_len += sent.len;
        self.meter.sent_len.add(sent.len as u64);
        if sent.len > 0 {
            connection.progressed = self.now;
        }
        if sent.stopped.is_ok() {
            connection.unsent = None;
        }
        sent.stopped
    }
}

/// Where the bytes of a connection are: its own place, or that of all that have kept none.
#[inline]
pub(super) fn place_of<'a>(own: &'a mut Inbound, shared: &'a mut Inbound) -> &'a mut Inbound {
    if own.is_nowhere() { shared } else { own }
}
