//! The harness's handle on a world.

use std::cell::RefCell;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use super::connection::Connection;
use super::port::Port;
use super::schedule::Action;
use super::state::State;
use super::trace::Step;
use super::{Backend, Client, Fault, FaultCounts, Faults, SimDriver};
use crate::{Event, Remote, Token};

/// A simulated network with its clock. Clones are handles on the same one.
#[derive(Clone)]
pub struct World {
    state: Rc<RefCell<State>>,
}

impl World {
    /// Makes a world without workers and clients, at time zero. Everything that is left to chance
    /// in it, faults included, follows from `seed`.
    #[must_use]
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self { state: Rc::new(RefCell::new(State::new(seed, faults))) }
    }

    /// Adds a worker with one listener. Workers are counted from 0 in the order of their making.
    ///
    /// With several workers in one world, time passes only when all of them wait: run them in
    /// turns.
    #[must_use]
    pub fn driver(&self) -> SimDriver {
        let mut state = self.state.borrow_mut();
        let worker = state.ports.len();
        state.ports.push(Port::new());
        let rng = state.chance.fork();
        SimDriver::new(Rc::clone(&self.state), worker, state.now, rng)
    }

    /// Connects a client from an address of its own to a worker that listens, by lot when several
    /// do.
    #[must_use]
    pub fn connect(&self) -> Client {
        let number = self.state.borrow().clients_made;
        let [_, b, c, d] = number.to_be_bytes();
        self.connect_from(SocketAddr::from((Ipv4Addr::new(10, b, c, d), CLIENT_PORT)))
    }

    /// As [`connect`](Self::connect), from this address.
    #[must_use]
    pub fn connect_from(&self, peer: SocketAddr) -> Client {
        let mut state = self.state.borrow_mut();
        let listening = state.ports.iter().filter(|port| port.listening).count();
        let chosen = if listening > 1 { state.chance.below(listening) } else { 0 };
        let worker =
            (0..state.ports.len()).filter(|worker| state.ports[*worker].listening).nth(chosen);
        let id = state.connect(worker, peer);
        Client::new(Rc::clone(&self.state), id)
    }

    /// As [`connect_from`](Self::connect_from), to the worker with this number.
    #[must_use]
    pub fn connect_to(&self, worker: usize, peer: SocketAddr) -> Client {
        let mut state = self.state.borrow_mut();
        let worker = Some(worker)
            .filter(|worker| state.ports.get(*worker).is_some_and(|port| port.listening));
        let id = state.connect(worker, peer);
        Client::new(Rc::clone(&self.state), id)
    }

    /// Listens at `remote` for connections that workers make. Without a backend, and once it is
    /// dropped, they are refused.
    ///
    /// # Panics
    /// When one listens there already.
    #[must_use]
    pub fn backend(&self, remote: impl Into<Remote>) -> Backend {
        Backend::new(Rc::clone(&self.state), remote.into())
    }

    /// Makes `host` stand for `addresses`, in this order; for nothing when there are none. Other
    /// names are not found.
    pub fn name(&self, host: &str, addresses: &[IpAddr]) {
        let names = &mut self.state.borrow_mut().names;
        match addresses {
            [] => names.remove(host),
            _ => names.insert(host.to_owned(), addresses.to_vec()),
        };
    }

    /// Time since the world was made.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.state.borrow().now
    }

    /// Moves the clock on, with all that is scheduled on the way; also while a worker is at work,
    /// as if that work had taken so long.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state.borrow_mut();
        let target = state.now.saturating_add(by);
        state.advance_to(target);
    }

    /// Ends a poll of the worker with this number at the world's time `time`, with
    /// [`Event::Wake`]: a harness that wants to look at that moment is not carried past it.
    pub fn wake_at(&self, worker: usize, time: Duration) {
        self.state.borrow_mut().schedule.plan(time, Action::Repeat(worker, Event::Wake));
    }

    /// Whether the world has come to rest: every worker polled without a timeout, nothing was there
    /// to report, and nothing is scheduled.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.state.borrow().is_idle()
    }

    /// From here on no fault strikes, and a clock that stands still goes again. What was delayed
    /// still arrives late, small buffers stay small. Every honest client must get its answer now.
    pub fn stop_faults(&self) {
        let mut state = self.state.borrow_mut();
        state.chance.active = false;
        state.frozen_polls = 0;
    }

    /// Puts other faults in place, from here on: a test can make one strike at a moment of its
    /// choice.
    pub fn set_faults(&self, faults: Faults) {
        let mut state = self.state.borrow_mut();
        state.chance.faults = faults;
        state.chance.active = true;
    }

    /// How often each fault has struck.
    #[must_use]
    pub fn fault_counts(&self) -> FaultCounts {
        self.state.borrow().chance.counts
    }

    /// A hash over everything that has happened. The same seed and the same harness give the same.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        self.state.borrow().trace.hash()
    }

    /// How many sockets of accepted connections workers hold open, registered or not.
    #[must_use]
    pub fn open_sockets(&self) -> usize {
        self.state.borrow().open_sockets
    }

    /// How many sockets workers hold open for connections that they have made.
    #[must_use]
    pub fn outgoing_sockets(&self) -> usize {
        self.state.borrow().outgoing_sockets
    }

    /// How many reads and writes each connection made from here on remembers the places of: see
    /// [`Client::recv_places`]. 64 to begin with; 0 switches it off.
    pub fn set_places_max(&self, places_max: usize) {
        self.state.borrow_mut().places_max = places_max;
    }
}

impl fmt::Debug for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.borrow();
        formatter
            .debug_struct("World")
            .field("now", &state.now)
            .field("workers", &state.ports.len())
            .field("connections", &state.connections.len())
            .field("open_sockets", &state.open_sockets)
            .finish_non_exhaustive()
    }
}

impl State {
    fn connect(&mut self, worker: Option<usize>, peer: SocketAddr) -> Token {
        let small = self.chance.strikes(Fault::SmallBuffers);
        let buffer_max =
            small.then(|| 1 + self.chance.below(self.chance.faults.small_buffer_max.max(1)));
        let connection = Connection::new(peer, buffer_max, self.places_max);
        let id = self.connections.insert(connection);
        self.clients_made += 1;
        self.trace.step(Step::Connect, id, worker.map_or(u64::MAX, |worker| worker as u64));
        let port = worker.map(|worker| &mut self.ports[worker]);
        match port.filter(|port| port.backlog.len() < BACKLOG_MAX) {
            Some(port) => {
                port.backlog.push_back(id);
                port.listener_news = true;
            }
            None => {
                let connection = self.connection(id);
                connection.break_off(None);
                connection.refused = true;
                connection.server_gone = true;
            }
        }
        id
    }
}

/// As [`ListenConfig`](crate::listen::ListenConfig)'s.
const BACKLOG_MAX: usize = 4096;

const CLIENT_PORT: u16 = 40_000;
