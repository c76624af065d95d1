//! The worker's side of a world: the driver contract over connections in memory.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::disk::SimDisk;
use super::outgoing::SimSources;
use super::state::State;
use crate::disk::{Disk, File};
use crate::{Clock, Driver, Event, Instant, PeerAddress, Sources, Token, VECTORED_MAX, Wake};

/// A [`Driver`] in a [`World`](super::World), with one listener, number 0; from
/// [`World::driver`](super::World::driver).
///
/// Its poll never waits: it moves the virtual clock instead, and returns empty-handed when time
/// alone brings nothing. Once buffers have grown to their widest, no call of it allocates.
pub struct SimDriver {
    state: Rc<RefCell<State>>,
    worker: usize,
    started: Duration,
    rng: fastrand::Rng,
}

impl SimDriver {
    pub(super) const fn new(
        state: Rc<RefCell<State>>,
        worker: usize,
        started: Duration,
        rng: fastrand::Rng,
    ) -> Self {
        Self { state, worker, started, rng }
    }
}

impl Driver for SimDriver {
    type Socket = SimSocket;
    type Waker = SimWaker;

    fn accept(&mut self, listener: usize) -> io::Result<(SimSocket, PeerAddress)> {
        if listener >= self.listener_count() {
            return Err(io::Error::from_raw_os_error(libc::EAGAIN));
        }
        let (id, peer) = self.state.borrow_mut().accept(self.worker)?;
        Ok((SimSocket { state: Rc::clone(&self.state), id }, peer.into()))
    }

    fn listener_count(&self) -> usize {
        usize::from(self.state.borrow().ports[self.worker].listening)
    }

    fn close_listeners(&mut self) {
        self.state.borrow_mut().close_listener(self.worker);
    }

    fn register(&mut self, socket: &mut SimSocket, token: Token) -> io::Result<()> {
        self.state.borrow_mut().register(socket.id, self.worker, token)
    }

    fn deregister(&mut self, socket: &mut SimSocket) -> io::Result<()> {
        self.state.borrow_mut().deregister(socket.id);
        Ok(())
    }

    fn recv(&mut self, socket: &mut SimSocket, room: &mut [u8]) -> io::Result<usize> {
        self.state.borrow_mut().recv(socket.id, room)
    }

    fn send(&mut self, socket: &mut SimSocket, bytes: &[u8]) -> io::Result<usize> {
        self.state.borrow_mut().send(socket.id, &[IoSlice::new(bytes)])
    }

    fn send_vectored(&mut self, socket: &mut SimSocket, runs: &[IoSlice<'_>]) -> io::Result<usize> {
        assert!(runs.len() <= VECTORED_MAX, "more runs than one call takes");
        self.state.borrow_mut().send(socket.id, runs)
    }

    fn send_file(
        &mut self,
        socket: &mut SimSocket,
        file: &File,
        at: u64,
        len: usize,
    ) -> io::Result<usize> {
        self.state.borrow_mut().send_file(socket.id, file, at, len)
    }

    fn disk(&self) -> Rc<dyn Disk> {
        Rc::new(SimDisk::new(Rc::clone(&self.state), self.worker))
    }

    fn shutdown_write(&mut self, socket: &mut SimSocket) -> io::Result<()> {
        self.state.borrow_mut().shutdown_write(socket.id)
    }

    fn close(&mut self, socket: SimSocket) {
        drop(socket);
    }

    fn poll(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        self.state.borrow_mut().poll(self.worker, timeout, events)
    }

    fn now(&self) -> Instant {
        self.state.borrow().now.saturating_sub(self.started).into()
    }

    fn clock(&self) -> Clock {
        let (state, started) = (Rc::clone(&self.state), self.started);
        Clock::new(move || state.borrow().now.saturating_sub(started).into())
    }

    fn wall_clock(&self) -> SystemTime {
        self.state.borrow().wall_clock()
    }

    fn random(&mut self) -> u64 {
        self.rng.u64(..)
    }

    fn waker(&self) -> SimWaker {
        self.state.borrow().ports[self.worker].waker.clone()
    }

    fn sources(&self) -> Rc<dyn Sources> {
        Rc::new(SimSources::new(Rc::clone(&self.state), self.worker))
    }
}

impl Drop for SimDriver {
    fn drop(&mut self) {
        let mut state = self.state.borrow_mut();
        state.close_listener(self.worker);
        state.ports[self.worker].gone = true;
    }
}

impl fmt::Debug for SimDriver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SimDriver").field("worker", &self.worker).finish_non_exhaustive()
    }
}

/// A worker's end of a connection; from [`SimDriver`]'s accept. Closed when dropped.
pub struct SimSocket {
    state: Rc<RefCell<State>>,
    id: Token,
}

impl Drop for SimSocket {
    fn drop(&mut self) {
        self.state.borrow_mut().close_socket(self.id);
    }
}

impl fmt::Debug for SimSocket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SimSocket").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Makes the next poll of the [`SimDriver`] that it came from report [`Event::Wake`].
#[derive(Clone, Debug, Default)]
pub struct SimWaker(Arc<AtomicBool>);

impl SimWaker {
    pub(super) fn is_set(&self) -> bool {
        // ORDERING: only whether to look closer; `take` is what pairs with `wake`.
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn take(&self) -> bool {
        // ORDERING: pairs with the store in `wake`: what the waking thread did before is seen by
        // whoever learns of the wake.
        self.0.swap(false, Ordering::Acquire)
    }
}

impl Wake for SimWaker {
    fn wake(&self) {
        // ORDERING: pairs with the swap in `take`.
        self.0.store(true, Ordering::Release);
    }
}
