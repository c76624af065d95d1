//! The world behind its handles: connections, and what a worker's calls do to them.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use super::backend::Backlog;
use super::chance::Chance;
use super::connection::{Connection, Registration};
use super::port::Port;
use super::schedule::Schedule;
use super::trace::{Step, Trace};
use super::{Fault, Faults};
use crate::{Readiness, Slab, Token};

pub(super) struct State {
    pub(super) now: Duration,
    /// By how much civil time is wrong, and in which direction.
    pub(super) wall_error: (Duration, bool),
    /// Polls for which the clock stands still.
    pub(super) frozen_polls: u32,
    pub(super) chance: Chance,
    pub(super) trace: Trace,
    pub(super) schedule: Schedule,
    pub(super) connections: Slab<Connection>,
    pub(super) ports: Vec<Port>,
    pub(super) backends: Vec<Backlog>,
    /// What names stand for; never without an address.
    pub(super) names: BTreeMap<String, Vec<IpAddr>>,
    /// Connections on which something is under way.
    pub(super) restless: Vec<Token>,
    /// Empty, kept for its memory: changes places with `restless`.
    pub(super) settling: Vec<Token>,
    pub(super) open_sockets: usize,
    /// Of connections that workers have made.
    pub(super) outgoing_sockets: usize,
    pub(super) clients_made: u32,
    pub(super) places_max: usize,
}

impl State {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        Self {
            now: Duration::ZERO,
            wall_error: (Duration::ZERO, false),
            frozen_polls: 0,
            chance: Chance::new(seed, faults),
            trace: Trace::new(),
            schedule: Schedule::default(),
            connections: Slab::new(CONNECTIONS_MAX),
            ports: Vec::new(),
            backends: Vec::new(),
            names: BTreeMap::new(),
            restless: Vec::new(),
            settling: Vec::new(),
            open_sockets: 0,
            outgoing_sockets: 0,
            clients_made: 0,
            places_max: PLACES_MAX,
        }
    }

    pub(super) fn wall_clock(&self) -> SystemTime {
        let true_time = WALL_START.saturating_add(self.now);
        let (error, is_late) = self.wall_error;
        let time =
            if is_late { true_time.saturating_sub(error) } else { true_time.saturating_add(error) };
        // At the end of time, and only there, it stands still.
        SystemTime::UNIX_EPOCH.checked_add(time).unwrap_or(SystemTime::UNIX_EPOCH + WALL_START)
    }

    /// Follows up on whatever was done to a connection: what is under way will be settled, what is
    /// news will be reported.
    pub(super) fn touch(&mut self, id: Token) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.is_unsettled() && !connection.restless {
            connection.restless = true;
            self.restless.push(id);
        }
        if connection.news == Readiness::default() || connection.queued {
            return;
        }
        if let Some(registration) = connection.registration {
            connection.queued = true;
            self.ports[registration.worker].ready.push_back(id);
        }
    }

    /// Drops a connection that nobody can reach any more.
    pub(super) fn forget_if_over(&mut self, id: Token) {
        if self.connections.get(id).is_some_and(|one| one.server_gone && one.client_dropped) {
            self.connections.remove(id);
        }
    }

    pub(super) fn accept(&mut self, worker: usize) -> io::Result<(Token, SocketAddr)> {
        let result = self.try_accept(worker);
        let traced = result.as_ref().map(|(id, _)| u64::from(id.index));
        self.trace.result(Step::Accept, worker_id(worker), traced);
        result
    }

    fn try_accept(&mut self, worker: usize) -> io::Result<(Token, SocketAddr)> {
        if self.chance.strikes(Fault::InterruptedCall) {
            return Err(raw(libc::EINTR));
        }
        if self.ports[worker].backlog.is_empty() {
            return Err(raw(libc::EAGAIN));
        }
        if self.chance.strikes(Fault::RefusedAccept) {
            self.ports[worker].listener_news = true;
            return Err(raw(libc::EAGAIN));
        }
        if self.chance.strikes(Fault::AcceptExhausted) {
            let number = self.chance.pick(&ACCEPT_EXHAUSTED);
            if matches!(number, libc::EMFILE | libc::ENFILE) && self.chance.coin() {
                self.end_one_waiting(worker, Connection::close_server);
            }
            return Err(raw(number));
        }
        if self.chance.strikes(Fault::AcceptConnection) {
            self.end_one_waiting(worker, |connection| {
                connection.break_off(None);
                connection.server_gone = true;
            });
            return Err(raw(self.chance.pick(&ACCEPT_CONNECTION)));
        }
        let id = self.ports[worker].backlog.pop_front().ok_or_else(|| raw(libc::EAGAIN))?;
        self.open_sockets += 1;
        Ok((id, self.connection(id).peer))
    }

    fn end_one_waiting(&mut self, worker: usize, end: impl FnOnce(&mut Connection)) {
        if let Some(id) = self.ports[worker].backlog.pop_front() {
            end(self.connection(id));
            self.touch(id);
            self.forget_if_over(id);
        }
    }

    pub(super) fn close_listener(&mut self, worker: usize) {
        self.trace.step(Step::CloseListener, worker_id(worker), 0);
        let port = &mut self.ports[worker];
        port.listening = false;
        let backlog: VecDeque<Token> = std::mem::take(&mut port.backlog);
        for id in backlog {
            let connection = self.connection(id);
            connection.break_off(None);
            connection.server_gone = true;
            self.forget_if_over(id);
        }
    }

    pub(super) fn register(&mut self, id: Token, worker: usize, token: Token) -> io::Result<()> {
        let refused = self.chance.strikes(Fault::RegisterRefused);
        self.trace.step(Step::Register, id, u64::from(refused));
        if refused {
            return Err(raw(self.chance.pick(&[libc::ENOMEM, libc::ENOSPC])));
        }
        let connection = self.connection(id);
        assert!(connection.registration.is_none(), "a socket is registered once");
        connection.registration = Some(Registration { worker, token });
        connection.news = connection.level();
        self.touch(id);
        Ok(())
    }

    pub(super) fn deregister(&mut self, id: Token) {
        self.trace.step(Step::Deregister, id, 0);
        let Some(registration) = self.connection(id).registration.take() else { return };
        let port = &mut self.ports[registration.worker];
        let ready_count = port.ready.len();
        port.ready.retain(|ready| *ready != id);
        // News that a fault delays stays under way, to whoever registers next.
        if port.ready.len() < ready_count {
            self.connection(id).queued = false;
        }
    }

    pub(super) fn recv(&mut self, id: Token, room: &mut [u8]) -> io::Result<usize> {
        let result = self.try_recv(id, room);
        self.trace.result(Step::Recv, id, result.as_ref().map(|count| *count as u64));
        if let Ok(count) = &result {
            self.trace.bytes(&room[..*count]);
        }
        self.touch(id);
        result
    }

    fn try_recv(&mut self, id: Token, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        if self.chance.strikes(Fault::InterruptedCall) {
            return Err(raw(libc::EINTR));
        }
        if self.chance.strikes(Fault::PeerReset) {
            let number = self.chance.pick(&RECV_BREAKS);
            self.connection(id).break_off(Some(number));
        }
        let connection = self.connections.get_mut(id).expect(SOCKET_LIVES);
        // After a reset nothing more arrives, so nothing may be held back then.
        let may_hide = connection.level().readable && !connection.is_broken();
        if may_hide && self.chance.strikes(Fault::RefusedRead) {
            connection.hide_arrived();
            return Err(raw(libc::EAGAIN));
        }
        let available = connection.readable_len(room.len());
        if available == 0 {
            return connection.recv_nothing();
        }
        if may_hide && available > 1 && self.chance.strikes(Fault::ShortRead) {
            let count = self.chance.fewer_than(available);
            connection.recv(&mut room[..count]);
            connection.hide_arrived();
            return Ok(count);
        }
        connection.recv(&mut room[..available]);
        Ok(available)
    }

    pub(super) fn send(&mut self, id: Token, runs: &[IoSlice<'_>]) -> io::Result<usize> {
        let result = self.try_send(id, runs);
        self.trace.result(Step::Send, id, result.as_ref().map(|count| *count as u64));
        if let Ok(count) = &result {
            let mut left = *count;
            for run in runs {
                let sent = &run[..left.min(run.len())];
                self.trace.bytes(sent);
                left -= sent.len();
            }
        }
        self.touch(id);
        result
    }

    fn try_send(&mut self, id: Token, runs: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.chance.strikes(Fault::InterruptedCall) {
            return Err(raw(libc::EINTR));
        }
        if self.chance.strikes(Fault::SendPressure) {
            return Err(raw(self.chance.pick(&[libc::ENOBUFS, libc::ENOMEM])));
        }
        if self.chance.strikes(Fault::PeerReset) {
            let number = self.chance.pick(&SEND_BREAKS);
            self.connection(id).break_off(Some(number));
        }
        let connection = self.connections.get_mut(id).expect(SOCKET_LIVES);
        let total = runs.iter().map(|run| run.len()).sum();
        let mut count = connection.sendable_len(total)?;
        if count > 0 && self.chance.strikes(Fault::RefusedWrite) {
            connection.hide_room();
            return Err(raw(libc::EAGAIN));
        }
        if count > 1 && self.chance.strikes(Fault::ShortWrite) {
            count = self.chance.fewer_than(count);
            connection.hide_room();
        }
        let mut left = count;
        for run in runs {
            let taken = &run[..left.min(run.len())];
            if taken.is_empty() {
                continue;
            }
            connection.send(taken);
            left -= taken.len();
        }
        Ok(count)
    }

    pub(super) fn shutdown_write(&mut self, id: Token) -> io::Result<()> {
        self.trace.step(Step::ShutdownWrite, id, 0);
        let connection = self.connection(id);
        if connection.is_broken() {
            return Err(raw(libc::ENOTCONN));
        }
        connection.end_server();
        Ok(())
    }

    pub(super) fn close_socket(&mut self, id: Token) {
        self.trace.step(Step::CloseSocket, id, 0);
        let connection = self.connection(id);
        let registration = connection.registration;
        let is_outgoing = connection.is_outgoing;
        connection.close_server();
        match is_outgoing {
            true => self.outgoing_sockets -= 1,
            false => self.open_sockets -= 1,
        }
        if let Some(Registration { worker, token }) = registration {
            self.ports[worker].remember_closed(token);
        }
        self.touch(id);
        self.forget_if_over(id);
    }

    pub(super) fn connection(&mut self, id: Token) -> &mut Connection {
        self.connections.get_mut(id).expect(SOCKET_LIVES)
    }
}

/// Stands for a worker in the trace, where connections have tokens.
pub(super) fn worker_id(worker: usize) -> Token {
    let index = u32::try_from(worker).expect("a world has few workers");
    Token { index, generation: Token::RESERVED }
}

pub(super) fn raw(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

const SOCKET_LIVES: &str = "a connection lives while its socket, its client or a backlog holds it";

/// More clients than any test has use for.
const CONNECTIONS_MAX: usize = 1 << 20;

/// Reads and writes remembered per connection, until [`World::set_places_max`] says otherwise.
///
/// [`World::set_places_max`]: super::World::set_places_max
const PLACES_MAX: usize = 64;

/// Civil time at the start of every world: 2026-01-01 00:00:00 UTC.
const WALL_START: Duration = Duration::from_secs(1_767_225_600);

const ACCEPT_EXHAUSTED: [i32; 4] = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];

/// What accept(2) says of a connection that died before it was accepted.
const ACCEPT_CONNECTION: [i32; 6] = [
    libc::ECONNABORTED,
    libc::EPROTO,
    libc::EPERM,
    libc::ENETDOWN,
    libc::EHOSTUNREACH,
    libc::ENETUNREACH,
];

const RECV_BREAKS: [i32; 2] = [libc::ECONNRESET, libc::ETIMEDOUT];

/// A connection broken while it was half closed says `EPIPE` at once.
const SEND_BREAKS: [i32; 3] = [libc::EPIPE, libc::ECONNRESET, libc::ETIMEDOUT];
