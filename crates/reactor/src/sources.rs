//! The seam between the futures of a worker and its world: connections that they make themselves,
//! and descriptors of others that they wait for. Object-safe, so that no future is generic over its
//! driver. Knows no future, waker or worker.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use crate::{Job, Token};

/// What futures ask of their worker's world; from [`Driver::sources`](crate::Driver::sources).
///
/// What it makes is reported by the same poll as the driver's own sockets, as
/// [`Event::Socket`](crate::Event::Socket) under the token given here: the caller keeps these
/// tokens apart from those of [`Driver::register`](crate::Driver::register). Edges are edges here
/// too, and may be stale, late or spurious.
pub trait Sources: fmt::Debug {
    /// Begins to connect to `remote` and reports both directions under `token` from now on. The
    /// connection is there, or has failed, when an event says that it is writable: then ask
    /// [`Outgoing::is_connected`].
    ///
    /// # Errors
    /// The kernel's: no descriptor left, no route, a path that does not exist.
    /// [`io::ErrorKind::WouldBlock`] when too many wait at a Unix socket already.
    fn connect(&self, remote: &Remote, token: Token) -> io::Result<Box<dyn Outgoing>>;

    /// Reports under `token` when `descriptor` becomes readable. A descriptor that is readable
    /// already is reported once.
    ///
    /// # Errors
    /// The kernel's, such as `EPERM` for files of a disk; [`io::ErrorKind::Unsupported`] in a
    /// simulation, where nothing has descriptors.
    fn watch(&self, descriptor: BorrowedFd<'_>, token: Token) -> io::Result<()>;

    /// Ends what [`watch`](Self::watch) began. Events that are under way may still come.
    ///
    /// # Errors
    /// The kernel's, when nothing was begun.
    fn unwatch(&self, descriptor: BorrowedFd<'_>) -> io::Result<()>;

    /// Asks for the addresses of `host`, and calls `answer` with them: on another thread, or on
    /// this one before it returns.
    ///
    /// # Errors
    /// [`io::ErrorKind::ResourceBusy`] when too many names wait already; the kernel's when no
    /// thread can be started. `answer` is not called then.
    fn look_up(&self, host: &str, answer: NameAnswer) -> io::Result<()>;

    /// Runs `job`, which may block: on another thread, or in a simulation at once. Jobs begin in
    /// order and may end in any.
    ///
    /// # Errors
    /// As [`look_up`](Self::look_up). `job` is dropped then.
    fn offload(&self, job: Job) -> io::Result<()>;
}

/// Takes what a name stands for: at least one address, or why there is none.
pub type NameAnswer = Box<dyn FnOnce(io::Result<Vec<IpAddr>>) + Send>;

/// A connection that a future has made; from [`Sources::connect`]. Closed when dropped.
///
/// Every call returns at once. Reading and writing follow the rules of
/// [`Driver::recv`](crate::Driver::recv) and [`Driver::send`](crate::Driver::send).
pub trait Outgoing: fmt::Debug {
    /// Whether the connection is there; `false` while it is being made.
    ///
    /// # Errors
    /// Why it could not be made.
    fn is_connected(&self) -> io::Result<bool>;

    /// As [`Driver::recv`](crate::Driver::recv).
    ///
    /// # Errors
    /// As there.
    fn recv(&self, room: &mut [u8]) -> io::Result<usize>;

    /// As [`Driver::send`](crate::Driver::send).
    ///
    /// # Errors
    /// As there.
    fn send(&self, bytes: &[u8]) -> io::Result<usize>;

    /// As [`Driver::send_vectored`](crate::Driver::send_vectored).
    ///
    /// # Errors
    /// As there.
    fn send_vectored(&self, runs: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Tells the peer that no more bytes follow; reading goes on.
    ///
    /// # Errors
    /// The connection's fault.
    fn shutdown_write(&self) -> io::Result<()>;
}

/// Whom to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remote {
    /// A TCP address.
    Tcp(SocketAddr),
    /// The path of a Unix stream socket.
    Unix(PathBuf),
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

impl From<SocketAddr> for Remote {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}
