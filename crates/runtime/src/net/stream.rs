//! One outgoing connection: what it can do whatever it is connected to.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::mem;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use waterwheel_reactor::{Outgoing, Remote, SendFault, VECTORED_MAX};
use waterwheel_ring::Lease;

use super::{ReadHalf, WriteHalf};
use crate::task::{Place, sleep, timeout};

/// A connected stream of bytes in both directions; closed when dropped.
///
/// Of the futures that read from it at the same time only one is woken, and so with those that
/// write: let one read and one write.
#[derive(Debug)]
pub struct Stream {
    /// Before its place: the kernel forgets it first.
    socket: Box<dyn Outgoing>,
    place: Place,
}

impl Stream {
    /// How long [`connect`](Self::connect) waits for an answer.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Connects within [`CONNECT_TIMEOUT`](Self::CONNECT_TIMEOUT).
    ///
    /// # Errors
    /// As [`connect_timeout`](Self::connect_timeout).
    ///
    /// # Panics
    /// On a thread that runs no worker.
    pub async fn connect(remote: impl Into<Remote>) -> io::Result<Self> {
        Self::connect_timeout(remote, Self::CONNECT_TIMEOUT).await
    }

    /// Connects within `time`. At a Unix socket whose queue is full it tries again meanwhile.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] when nobody has answered in time; [`ErrorKind::ConnectionRefused`]
    /// when nobody listens; [`ErrorKind::QuotaExceeded`] at a million sources of one worker;
    /// otherwise the kernel's, such as `EMFILE` when no descriptor is left.
    ///
    /// # Panics
    /// On a thread that runs no worker.
    pub async fn connect_timeout(remote: impl Into<Remote>, time: Duration) -> io::Result<Self> {
        let remote = remote.into();
        match timeout(time, Self::connect_at_leisure(&remote)).await {
            Ok(connected) => connected,
            Err(_) => Err(ErrorKind::TimedOut.into()),
        }
    }

    async fn connect_at_leisure(remote: &Remote) -> io::Result<Self> {
        let (place, socket) = loop {
            match Place::connect(remote) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(FULL_RETRY).await,
                begun => break begun?,
            }
        };
        let stream = Self { socket, place };
        loop {
            poll_fn(|context| stream.place.poll_writable(context)).await;
            if stream.socket.is_connected()? {
                return Ok(stream);
            }
            stream.place.note_unwritable();
        }
    }

    /// Reads what is there into `room`, at least a byte; 0 at the end of the peer's bytes. Nothing
    /// is lost when the future is dropped.
    ///
    /// # Errors
    /// The connection's fault.
    pub async fn read(&self, room: &mut [u8]) -> io::Result<usize> {
        poll_fn(|context| self.poll_read(context, room)).await
    }

    /// As [`read`](Self::read), behind what `lease` holds already; 0 also when it has no tailroom.
    ///
    /// # Errors
    /// The connection's fault.
    pub async fn read_into(&self, lease: &mut Lease) -> io::Result<usize> {
        poll_fn(|context| self.poll_read_into(context, lease)).await
    }

    /// Writes the first bytes of `bytes` and returns how many, at least one unless it is empty.
    ///
    /// # Errors
    /// The connection's fault.
    pub async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        poll_fn(|context| self.poll_write(context, bytes)).await
    }

    /// Writes all of `bytes`. When the future is dropped, some of them may be written.
    ///
    /// # Errors
    /// The connection's fault.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = self.write(bytes).await?;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// Writes all of `runs` in order, [`VECTORED_MAX`] of them in one system call. When the future
    /// is dropped, some bytes may be written.
    ///
    /// # Errors
    /// The connection's fault.
    pub async fn write_vectored(&self, mut runs: &mut [IoSlice<'_>]) -> io::Result<()> {
        // Takes off empty ones, of which the kernel would say that it wrote nothing.
        IoSlice::advance_slices(&mut runs, 0);
        while !runs.is_empty() {
            let first = &runs[..runs.len().min(VECTORED_MAX)];
            let count = poll_fn(|context| self.poll_write_vectored(context, first)).await?;
            IoSlice::advance_slices(&mut runs, count);
        }
        Ok(())
    }

    /// Tells the peer that no more bytes follow; reading goes on.
    ///
    /// # Errors
    /// The connection's fault.
    pub fn shutdown_write(&self) -> io::Result<()> {
        self.socket.shutdown_write()
    }

    /// Two halves with an owner each. The stream is closed when both are gone.
    #[must_use]
    pub fn into_split(self) -> (ReadHalf, WriteHalf) {
        let stream = Rc::new(self);
        (ReadHalf::new(Rc::clone(&stream)), WriteHalf::new(stream))
    }

    /// Reads what is there without waiting, and without a system call when no event has told of
    /// anything.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] when nothing is there; otherwise the connection's fault.
    pub fn try_read(&self, room: &mut [u8]) -> io::Result<usize> {
        match self.read_ready(&mut Context::from_waker(Waker::noop()), room) {
            Poll::Ready(read) => read,
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }

    /// What [`read`](Self::read) does, for futures that are written by hand.
    ///
    /// # Errors
    /// The connection's fault.
    pub fn poll_read(&self, context: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        ready!(self.place.poll_budget_left(context));
        self.read_ready(context, room)
    }

    fn read_ready(&self, context: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        if room.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            ready!(self.place.poll_readable(context));
            match self.socket.recv(room) {
                Ok(count) => {
                    self.place.charge(count);
                    // The end says the same again to whoever reads once more.
                    if count > 0 && count < room.len() {
                        self.place.note_short_read();
                    }
                    return Poll::Ready(Ok(count));
                }
                Err(error) => match SendFault::of(&error) {
                    SendFault::WouldBlock => self.place.note_unreadable(),
                    SendFault::Interrupted => {}
                    SendFault::Pressure => return self.wait_for_memory(context),
                    _ => return Poll::Ready(Err(error)),
                },
            }
        }
    }

    /// What [`read_into`](Self::read_into) does, for futures that are written by hand.
    ///
    /// # Errors
    /// The connection's fault.
    pub fn poll_read_into(
        &self,
        context: &mut Context<'_>,
        lease: &mut Lease,
    ) -> Poll<io::Result<usize>> {
        let mut polled = Poll::Pending;
        // A read that must wait has written nothing.
        let appended = lease.append_with(|room| {
            polled = self.poll_read(context, room);
            match &mut polled {
                Poll::Ready(Ok(len)) => Ok(*len),
                Poll::Ready(Err(error)) => Err(mem::replace(error, ErrorKind::Other.into())),
                Poll::Pending => Ok(0),
            }
        });
        match appended {
            Ok(_) => polled,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// What [`write`](Self::write) does, for futures that are written by hand.
    ///
    /// # Errors
    /// The connection's fault.
    pub fn poll_write(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_send(context, bytes.is_empty(), |socket| socket.send(bytes))
    }

    /// As [`poll_write`](Self::poll_write), from up to [`VECTORED_MAX`] runs.
    ///
    /// # Errors
    /// The connection's fault.
    ///
    /// # Panics
    /// In tests, when there are more.
    pub fn poll_write_vectored(
        &self,
        context: &mut Context<'_>,
        runs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let is_empty = runs.iter().all(|run| run.is_empty());
        self.poll_send(context, is_empty, |socket| socket.send_vectored(runs))
    }

    fn poll_send(
        &self,
        context: &mut Context<'_>,
        is_empty: bool,
        send: impl Fn(&dyn Outgoing) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if is_empty {
            return Poll::Ready(Ok(0));
        }
        ready!(self.place.poll_budget_left(context));
        loop {
            ready!(self.place.poll_writable(context));
            match send(&*self.socket) {
                Ok(0) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Ok(count) => {
                    self.place.charge(count);
                    return Poll::Ready(Ok(count));
                }
                Err(error) => match SendFault::of(&error) {
                    SendFault::WouldBlock => self.place.note_unwritable(),
                    SendFault::Interrupted => {}
                    SendFault::Pressure => return self.wait_for_memory(context),
                    _ => return Poll::Ready(Err(error)),
                },
            }
        }
    }

    fn wait_for_memory<T>(&self, context: &Context<'_>) -> Poll<T> {
        self.place.retry_later(context);
        Poll::Pending
    }
}

/// How soon a Unix socket is tried again at which too many wait; no edge tells of room there.
const FULL_RETRY: Duration = Duration::from_millis(5);
