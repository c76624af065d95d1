//! The seam between a worker and its world: sockets, readiness, clocks and randomness.
//!
//! A worker is generic over [`Driver`]. Production uses [`MioDriver`](crate::MioDriver); tests use
//! [`SimDriver`](crate::sim::SimDriver), whose clock is virtual and whose faults come from a seed.
//! The same worker code runs in both, so nothing above this file may ask the operating system for
//! bytes, time or chance by another way. This file knows no ring and no protocol.

use std::fmt::{self, Debug};
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use crate::disk::{Disk, File};
use crate::{Instant, PeerAddress, Sources, Token};

/// What a worker asks of its world. Every call returns at once; only [`poll`](Self::poll) may wait.
///
/// Readiness is **edge-triggered**: an edge is reported once, when bytes, room or an end arrive. A
/// worker that stops reading or writing before it saw [`io::ErrorKind::WouldBlock`] (or a short
/// read) gets no second edge for what is left, and must remember to come back by itself.
pub trait Driver: 'static {
    /// A connected stream. Dropping it without [`close`](Self::close) is allowed and closes it too.
    type Socket: Debug;
    /// Ends a [`poll`](Self::poll) from another thread.
    type Waker: Wake;

    /// Takes one waiting connection from listener `listener` (an index below
    /// [`listener_count`](Self::listener_count)). The socket is not registered yet.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when none waits, also at a listener that is closed by now.
    /// Other errors follow accept(2): transient ones concern one connection, `EMFILE`, `ENFILE`,
    /// `ENOBUFS` and `ENOMEM` concern the process. [`AcceptFault`](crate::AcceptFault) sorts them.
    fn accept(&mut self, listener: usize) -> io::Result<(Self::Socket, PeerAddress)>;

    /// How many listeners this worker accepts from; 0 after
    /// [`close_listeners`](Self::close_listeners).
    fn listener_count(&self) -> usize;

    /// Closes every listener: from here on new connections are refused by the kernel.
    fn close_listeners(&mut self);

    /// Reports both directions of `socket` under `token` from now on. Called once per socket; what
    /// is ready already at that moment counts as an edge. The generation of `token` is not
    /// [`Token::RESERVED`].
    ///
    /// # Errors
    /// The kernel's, when it has no room for another registration.
    fn register(&mut self, socket: &mut Self::Socket, token: Token) -> io::Result<()>;

    /// Reports nothing of `socket` any more, so that another driver of the process can
    /// [`register`](Self::register) it. Events that are under way keep their old token.
    ///
    /// # Errors
    /// The kernel's; the socket is as it was then.
    fn deregister(&mut self, socket: &mut Self::Socket) -> io::Result<()>;

    /// Reads into `room`. `Ok(0)` is the end of the peer's bytes. Fewer bytes than fit mean that
    /// the socket is drained: the next bytes will be a new edge. Only an end that was reported
    /// before may still wait behind them: see [`Readiness::read_closed`].
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when nothing waits, [`io::ErrorKind::Interrupted`] without an
    /// edge to follow; otherwise the connection's fault. [`SendFault`](crate::SendFault) sorts
    /// them.
    fn recv(&mut self, socket: &mut Self::Socket, room: &mut [u8]) -> io::Result<usize>;

    /// Writes from `bytes`; the count may be short, and room for the rest will be a new edge. Never
    /// raises `SIGPIPE`.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when the socket is full, and room will be a new edge;
    /// `ENOBUFS` and `ENOMEM` when the machine is short, and no edge will come; otherwise as
    /// [`recv`](Self::recv).
    fn send(&mut self, socket: &mut Self::Socket, bytes: &[u8]) -> io::Result<usize>;

    /// Writes from several runs in one system call, in order. At most [`VECTORED_MAX`] runs.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    fn send_vectored(
        &mut self,
        socket: &mut Self::Socket,
        runs: &[IoSlice<'_>],
    ) -> io::Result<usize>;

    /// Writes up to `len` bytes of `file` from byte `at` on, without their passing through the
    /// process; the count may be short. What is not in memory is waited for, so look first.
    /// `Ok(0)` means that the file ends there.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`io::ErrorKind::Unsupported`] where there is no such call:
    /// see [`Disk::sends_files`].
    fn send_file(
        &mut self,
        socket: &mut Self::Socket,
        file: &File,
        at: u64,
        len: usize,
    ) -> io::Result<usize>;

    /// The disk whose work ends this driver's polls; the same each time.
    fn disk(&self) -> Rc<dyn Disk>;

    /// Tells the peer that no more bytes follow; reading goes on.
    ///
    /// # Errors
    /// The connection's fault; the caller closes it then.
    fn shutdown_write(&mut self, socket: &mut Self::Socket) -> io::Result<()>;

    /// Deregisters and closes. Events of this socket that are under way keep their old token.
    fn close(&mut self, socket: Self::Socket);

    /// Waits until something is ready, `timeout` has passed, or a [`Wake`] came, and appends what
    /// happened to `events`. `None` waits without limit, zero only looks.
    ///
    /// # Errors
    /// [`io::ErrorKind::Interrupted`] is possible at any time and means: no news. Others are fatal
    /// for the worker.
    fn poll(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()>;

    /// Where the monotonic clock stands, counted from the same moment by all drivers of a process
    /// or a simulated world. Costs one clock read: ask once per turn.
    fn now(&self) -> Instant;

    /// A count for telling whether something may have taken long, at less cost than
    /// [`now`](Self::now): it grows by one in a nanosecond or faster, steadily between two polls.
    /// It wraps around, and jumps when the thread changes its core on old machines: who sees
    /// many go by asks the clock.
    #[inline]
    fn ticks(&self) -> u64 {
        self.now().as_nanos()
    }

    /// The clock of [`now`](Self::now), for those on this thread who cannot ask the driver.
    fn clock(&self) -> Clock;

    /// Civil time, for dates only. It may jump.
    fn wall_clock(&self) -> SystemTime;

    /// Unpredictable in production, from the seed in a simulation.
    fn random(&mut self) -> u64;

    /// A handle with which other threads end a [`poll`](Self::poll).
    fn waker(&self) -> Self::Waker;

    /// What the futures of this worker connect and wait by; the same each time.
    fn sources(&self) -> Rc<dyn Sources>;
}

/// A way to ask what [`Driver::now`] and [`Driver::ticks`] would say.
#[derive(Clone)]
pub struct Clock {
    now: Rc<dyn Fn() -> Instant>,
    ticks: Option<fn() -> u64>,
}

impl Clock {
    /// A clock that asks `now`. Its ticks are nanoseconds.
    #[must_use]
    pub fn new(now: impl Fn() -> Instant + 'static) -> Self {
        Self { now: Rc::new(now), ticks: None }
    }

    /// With other ticks.
    #[must_use]
    pub fn with_ticks(self, ticks: fn() -> u64) -> Self {
        Self { ticks: Some(ticks), ..self }
    }

    /// Where the clock stands.
    #[must_use]
    pub fn now(&self) -> Instant {
        (self.now)()
    }

    /// Where the count of [`Driver::ticks`] stands.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.ticks.map_or_else(|| self.now().as_nanos(), |ticks| ticks())
    }
}

impl Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// Ends the wait of the worker that it came from; waking one that does not wait is remembered.
pub trait Wake: Clone + Debug + Send + Sync + 'static {
    /// Makes the current or the next poll return. Never blocks.
    fn wake(&self);
}

/// What a poll reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Connections wait at the listener with this index.
    Listener(usize),
    /// Another thread called [`Wake::wake`], or work on a [disk](crate::disk) is done.
    Wake,
    /// Something changed for a socket. The token may be stale: look it up, ignore what is gone.
    Socket {
        /// As given to [`Driver::register`].
        token: Token,
        /// What changed.
        readiness: Readiness,
    },
}

/// What a socket became ready for. Spurious readiness is legal; the call then says `WouldBlock`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Bytes, an end, or an error wait to be read.
    pub readable: bool,
    /// There is room to write, or an error to be seen by writing.
    pub writable: bool,
    /// The peer sends no more: after the bytes that wait, `recv` answers `Ok(0)` or an error.
    /// Reported with the edge that it came with, so that a short read is not taken for "drained".
    pub read_closed: bool,
}

/// Most runs in one [`Driver::send_vectored`]. Far below Linux's `IOV_MAX` of 1,024: past 16 pieces
/// the call gets dearer per byte, and 64 pieces of 4 KiB fill a default socket buffer.
pub const VECTORED_MAX: usize = 64;
