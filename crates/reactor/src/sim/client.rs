//! The other side of a worker's connection, for tests to speak through.

use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use super::End;
use super::connection::Connection;
use super::schedule::Action;
use super::state::State;
use super::trace::Step;
use crate::Token;

/// A client in a [`World`](super::World). Dropping it closes its connection, and what it had
/// scheduled does not happen.
///
/// What a client sends goes out at once; what ends a connection, ends it at once. What was sent
/// after an end is lost in silence, as harnesses send without looking.
pub struct Client {
    state: Rc<RefCell<State>>,
    id: Token,
}

impl Client {
    pub(super) const fn new(state: Rc<RefCell<State>>, id: Token) -> Self {
        Self { state, id }
    }

    /// Whether nobody listened, or too many waited already.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.with(|connection| connection.refused)
    }

    /// The address that the server sees.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.with(|connection| connection.peer)
    }

    /// Sends `bytes`. What the server has no buffer for arrives when it has read.
    pub fn send(&self, bytes: &[u8]) {
        self.state.borrow_mut().client_send(self.id, bytes);
    }

    /// Sends `bytes` at the world's time `time`, or at the next poll when that is past.
    pub fn send_at(&self, time: Duration, bytes: &[u8]) {
        self.plan(time, Action::ClientSend(self.id, bytes.to_vec()));
    }

    /// Ends what this client sends; it goes on reading.
    pub fn shutdown_write(&self) {
        self.state.borrow_mut().client_shutdown(self.id);
    }

    /// As [`shutdown_write`](Self::shutdown_write), later.
    pub fn shutdown_write_at(&self, time: Duration) {
        self.plan(time, Action::ClientShutdown(self.id));
    }

    /// Closes both directions: the server reads an end, and a reset once it has sent more. What was
    /// read can still be looked at.
    pub fn close(&self) {
        self.state.borrow_mut().client_close(self.id);
    }

    /// As [`close`](Self::close), later.
    pub fn close_at(&self, time: Duration) {
        self.plan(time, Action::ClientClose(self.id));
    }

    /// Breaks the connection: bytes on the way are lost, the server's next calls fail.
    pub fn reset(&self) {
        self.state.borrow_mut().client_reset(self.id);
    }

    /// As [`reset`](Self::reset), later.
    pub fn reset_at(&self, time: Duration) {
        self.plan(time, Action::ClientReset(self.id));
    }

    /// Whether this client reads what comes, as soon as it comes. It does, to begin with.
    pub fn set_auto_read(&self, auto_read: bool) {
        self.change(|connection| {
            // What came while it still read by itself, it has read.
            connection.received();
            connection.auto_read = auto_read;
            connection.received();
        });
    }

    /// How many bytes the server may have sent that this client has not read; then its socket is
    /// full. 256 KiB to begin with. Bytes that are on the way already stay.
    pub fn set_receive_window(&self, bytes: usize) {
        self.change(|connection| connection.set_send_buffer_max(bytes));
    }

    /// Takes up to `count` bytes, which makes room for the server to send more.
    pub fn read(&self, count: usize) -> Vec<u8> {
        let bytes = self.change(|connection| connection.client_read(count));
        self.state.borrow_mut().trace.step(Step::ClientRead, self.id, bytes.len() as u64);
        bytes
    }

    /// Takes what this client has read by itself.
    #[must_use]
    pub fn received(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.receive_into(&mut bytes);
        bytes
    }

    /// As [`received`](Self::received), appended to `bytes`: allocates only when those must grow.
    pub fn receive_into(&self, bytes: &mut Vec<u8>) {
        self.change(|connection| bytes.append(connection.received()));
    }

    /// How many bytes [`received`](Self::received) would give.
    #[must_use]
    pub fn received_len(&self) -> usize {
        self.change(|connection| connection.received().len())
    }

    /// How the connection has ended for this client; `None` while it has not. An end is seen only
    /// after everything before it has been read.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.change(Connection::end)
    }

    /// The last places in the worker's memory that this client's bytes were read into, oldest
    /// first: address and length of each. See
    /// [`World::set_places_max`](super::World::set_places_max).
    #[must_use]
    pub fn recv_places(&self) -> Vec<(usize, usize)> {
        self.with(|connection| connection.recv_places.list())
    }

    /// The last places in the worker's memory that bytes for this client were sent from. Each run
    /// of a vectored send is one place.
    #[must_use]
    pub fn sent_places(&self) -> Vec<(usize, usize)> {
        self.with(|connection| connection.sent_places.list())
    }

    fn plan(&self, time: Duration, action: Action) {
        self.state.borrow_mut().schedule.plan(time, action);
    }

    fn with<R>(&self, look: impl FnOnce(&Connection) -> R) -> R {
        look(self.state.borrow_mut().connection(self.id))
    }

    fn change<R>(&self, change: impl FnOnce(&mut Connection) -> R) -> R {
        let mut state = self.state.borrow_mut();
        let result = change(state.connection(self.id));
        state.touch(self.id);
        result
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut state = self.state.borrow_mut();
        state.client_close(self.id);
        state.connection(self.id).client_dropped = true;
        state.forget_if_over(self.id);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address();
        formatter.debug_struct("Client").field("address", &address).finish_non_exhaustive()
    }
}

/// What clients do, now or as scheduled. A connection that is gone by then is passed over.
impl State {
    pub(super) fn client_send(&mut self, id: Token, bytes: &[u8]) {
        self.trace.step(Step::ClientSend, id, bytes.len() as u64);
        self.trace.bytes(bytes);
        self.as_client(id, |connection| connection.client_send(bytes));
    }

    pub(super) fn client_shutdown(&mut self, id: Token) {
        self.trace.step(Step::ClientShutdown, id, 0);
        self.as_client(id, Connection::client_shutdown);
    }

    pub(super) fn client_close(&mut self, id: Token) {
        self.trace.step(Step::ClientClose, id, 0);
        self.as_client(id, Connection::client_close);
    }

    pub(super) fn client_reset(&mut self, id: Token) {
        self.trace.step(Step::ClientReset, id, 0);
        self.as_client(id, |connection| connection.break_off(Some(libc::ECONNRESET)));
    }

    fn as_client(&mut self, id: Token, act: impl FnOnce(&mut Connection)) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        act(connection);
        connection.settle();
        self.touch(id);
    }
}
