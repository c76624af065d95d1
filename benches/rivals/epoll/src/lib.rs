//! Owns the loop of both floors: one epoll, one listener and one list of connections per worker,
//! and no more. Knows nothing of HTTP.

mod worker;

use anyhow::Result;
use entry::Arguments;
use rustix::fd::OwnedFd;

/// One connection, driven by readiness.
pub trait Connection: Sized {
    /// What the connections of a worker share: buffers that none needs between two events.
    type Shared;

    /// What the connections of a worker share.
    fn shared(arguments: &Arguments) -> Self::Shared;

    /// A connection that was just accepted.
    fn new(stream: OwnedFd) -> Self;

    /// The socket.
    fn stream(&self) -> &OwnedFd;

    /// Does what the socket is ready for.
    ///
    /// # Errors
    /// When the connection is to be closed.
    fn serve(&mut self, shared: &mut Self::Shared) -> Result<Room, Closed>;
}

/// What a connection waits for from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// The same as before; a new connection waits for a request.
    Same,
    /// Room to write: the socket took less than is owed.
    Full,
    /// A request: all that was owed is written.
    Free,
}

/// The peer is gone, or has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

/// Serves with one thread per worker until SIGTERM.
///
/// # Errors
/// When the server cannot start, or a worker cannot go on.
///
/// # Panics
/// When a worker does.
pub fn run<C: Connection>(arguments: &Arguments) -> Result<()> {
    arguments.forbid_tls()?;
    arguments.pin_process()?;
    entry::exit_on_signal()?;
    let listeners = arguments.listeners()?;
    arguments.announce(listeners[0].local_addr()?);
    std::thread::scope(|scope| {
        let start = |(index, listener)| {
            scope.spawn(move || {
                arguments.pin_worker(index)?;
                worker::run::<C>(&listener, C::shared(arguments))
            })
        };
        let workers: Vec<_> = listeners.into_iter().enumerate().map(start).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
    })
}
