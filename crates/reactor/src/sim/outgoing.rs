//! Connections that workers make in a world: the contract of [`Sources`] over memory.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::BorrowedFd;
use std::rc::Rc;

use super::Fault;
use super::connection::{Connection, Making, Registration};
use super::state::{State, raw};
use super::trace::Step;
use crate::{Job, NameAnswer, Outgoing, Remote, Sources, Token, VECTORED_MAX};

/// See [`SimDriver`](super::SimDriver)'s `sources`.
pub(super) struct SimSources {
    state: Rc<RefCell<State>>,
    worker: usize,
}

impl SimSources {
    pub(super) const fn new(state: Rc<RefCell<State>>, worker: usize) -> Self {
        Self { state, worker }
    }
}

impl Sources for SimSources {
    fn connect(&self, remote: &Remote, token: Token) -> io::Result<Box<dyn Outgoing>> {
        let id = self.state.borrow_mut().connect_out(self.worker, remote, token)?;
        Ok(Box::new(SimOutgoing { state: Rc::clone(&self.state), id }))
    }

    fn watch(&self, _: BorrowedFd<'_>, _: Token) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn unwatch(&self, _: BorrowedFd<'_>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn look_up(&self, host: &str, answer: NameAnswer) -> io::Result<()> {
        let known = self.state.borrow().names.get(host).cloned();
        answer(known.ok_or_else(|| io::ErrorKind::NotFound.into()));
        Ok(())
    }

    /// At once: what takes time must not depend on the machine's.
    fn offload(&self, job: Job) -> io::Result<()> {
        job();
        Ok(())
    }
}

impl fmt::Debug for SimSources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SimSources").field("worker", &self.worker).finish_non_exhaustive()
    }
}

/// A worker's end of a connection that it has made.
struct SimOutgoing {
    state: Rc<RefCell<State>>,
    id: Token,
}

impl Outgoing for SimOutgoing {
    fn is_connected(&self) -> io::Result<bool> {
        self.state.borrow_mut().connection(self.id).is_connected()
    }

    fn recv(&self, room: &mut [u8]) -> io::Result<usize> {
        self.state.borrow_mut().recv(self.id, room)
    }

    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.state.borrow_mut().send(self.id, &[IoSlice::new(bytes)])
    }

    fn send_vectored(&self, runs: &[IoSlice<'_>]) -> io::Result<usize> {
        assert!(runs.len() <= VECTORED_MAX, "more runs than one call takes");
        self.state.borrow_mut().send(self.id, runs)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        self.state.borrow_mut().shutdown_write(self.id)
    }
}

impl Drop for SimOutgoing {
    fn drop(&mut self) {
        self.state.borrow_mut().close_socket(self.id);
    }
}

impl fmt::Debug for SimOutgoing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SimOutgoing").field("id", &self.id).finish_non_exhaustive()
    }
}

impl State {
    fn connect_out(&mut self, worker: usize, remote: &Remote, token: Token) -> io::Result<Token> {
        let result = self.try_connect_out(worker, remote, token);
        let traced = result.as_ref().map(|id| u64::from(id.index));
        self.trace.result(Step::ConnectOut, token, traced);
        result
    }

    fn try_connect_out(
        &mut self,
        worker: usize,
        remote: &Remote,
        token: Token,
    ) -> io::Result<Token> {
        if self.chance.strikes(Fault::RegisterRefused) {
            return Err(raw(self.chance.pick(&[libc::ENOMEM, libc::ENOSPC])));
        }
        let small = self.chance.strikes(Fault::SmallBuffers);
        let buffer_max =
            small.then(|| 1 + self.chance.below(self.chance.faults.small_buffer_max.max(1)));
        let address = match remote {
            Remote::Tcp(address) => *address,
            Remote::Unix(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        };
        let mut connection = Connection::new(address, buffer_max, self.places_max);
        connection.is_outgoing = true;
        connection.registration = Some(Registration { worker, token });
        connection.making = Making::UnderWay;
        let refusal = self.chance.strikes(Fault::ConnectRefused);
        let refusal = refusal.then(|| self.chance.pick(&CONNECT_BREAKS));
        let is_lost = refusal.is_none() && self.chance.strikes(Fault::ConnectLost);
        let backlog = self.backends.iter_mut().find(|backlog| backlog.remote == *remote);
        let id = self.connections.insert(connection);
        let connection = self.connections.get_mut(id).expect("inserted above");
        match backlog.filter(|_| refusal.is_none() && !is_lost) {
            Some(backlog) => backlog.waiting.push_back(id),
            None => {
                // Nobody will ever speak for the far end.
                connection.client_dropped = true;
                match is_lost {
                    true => connection.making = Making::Lost,
                    false => connection.break_off(Some(refusal.unwrap_or(libc::ECONNREFUSED))),
                }
            }
        }
        self.outgoing_sockets += 1;
        self.touch(id);
        Ok(id)
    }
}

/// What connect(2) ends in when there is nobody.
const CONNECT_BREAKS: [i32; 5] =
    [libc::ECONNREFUSED, libc::EHOSTUNREACH, libc::ENETUNREACH, libc::ETIMEDOUT, libc::ECONNRESET];
