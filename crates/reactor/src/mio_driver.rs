//! The driver for production: the kernel's sockets and clocks, readiness by mio. Owns the poll, the
//! listeners and the spare descriptor; refuses to know what a connection is for.

use std::fs::File;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, SocketAddrAny};
use rustix::time::{ClockId, clock_gettime};

use crate::disk::{self, Disk, DiskConfig, KernelDisk};
use crate::driver::{Clock, Driver, Event, Readiness, Wake};
use crate::listen::Listener;
use crate::mio_sources::MioSources;
#[cfg(target_arch = "x86_64")]
use crate::ticks::ticks;
use crate::{Helpers, Instant, PeerAddress, Sources, Token, VECTORED_MAX};

/// Sockets of the kernel, ready by epoll or kqueue, both edge-triggered.
///
/// One per worker; nothing in it is shared but its [`Waker`].
#[derive(Debug)]
pub struct MioDriver {
    poll: Poll,
    ready: Events,
    listeners: Vec<Listener>,
    waker: Waker,
    sources: Rc<MioSources>,
    /// Held so that it can be let go: see [`end_one_waiting`](Self::end_one_waiting).
    spare: Option<File>,
    /// As [`STARTED`].
    started: i64,
    rng: fastrand::Rng,
    disk: Rc<KernelDisk>,
}

impl MioDriver {
    /// Makes a driver that accepts from `listeners`, in this order. They are made non-blocking, and
    /// what TCP listeners accept is sent without delay (`TCP_NODELAY`), however they were bound.
    ///
    /// # Errors
    /// The kernel's, when descriptors or memory are short.
    ///
    /// # Panics
    /// When `listeners` holds 2³² − 2 or more.
    pub fn new(listeners: Vec<Listener>) -> io::Result<Self> {
        Self::over(WakePoll::new()?, listeners, Helpers::default())
    }

    /// As [`new`](Self::new), over a poll that exists already, and with helper threads that other
    /// workers may use too.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn over(poll: WakePoll, listeners: Vec<Listener>, helpers: Helpers) -> io::Result<Self> {
        assert!(listeners.len() < DISK.index as usize, "a listener's index must fit its token");
        let WakePoll { poll, waker } = poll;
        let mut registered = Vec::with_capacity(listeners.len());
        for (listener, index) in listeners.into_iter().zip(0..) {
            listener.prepare()?;
            let token = Token { index, generation: Token::RESERVED };
            let token = mio::Token(token.to_usize());
            let fd = listener.as_fd().as_raw_fd();
            poll.registry().register(&mut SourceFd(&fd), token, Interest::READABLE)?;
            registered.push(listener);
        }
        let sources = Rc::new(MioSources::new(poll.registry().try_clone()?, helpers));
        let disk_token = mio::Token(DISK.to_usize());
        let disk = KernelDisk::new(waker.clone(), poll.registry().try_clone()?, disk_token);
        Ok(Self {
            poll,
            ready: Events::with_capacity(EVENTS_MAX),
            listeners: registered,
            waker,
            sources,
            spare: Some(open_spare()?),
            started: *STARTED.get_or_init(|| clock_gettime(ClockId::Monotonic).tv_sec),
            rng: fastrand::Rng::new(),
            disk: Rc::new(disk),
        })
    }

    /// With other settings for the [disk](Driver::disk).
    #[must_use]
    pub fn with_disk(self, config: DiskConfig) -> Self {
        self.disk.configure(config);
        self
    }

    /// Lets the spare descriptor go, accepts one connection with it and closes that at once, so
    /// that its peer sees an end now instead of a silence until its own timeout.
    #[cold]
    fn end_one_waiting(&mut self, listener: usize) {
        drop(self.spare.take());
        // An error here means that another thread took the descriptor first: nothing is lost.
        drop(accept(&self.listeners[listener]));
        // When this fails too, the next call finds nothing to let go, and tries to open it again.
        self.spare = open_spare().ok();
    }
}

impl Driver for MioDriver {
    type Socket = Stream;
    type Waker = Waker;

    /// With `EMFILE` and `ENFILE`, one waiting connection was ended on the way, so that at least
    /// its peer knows.
    #[inline]
    fn accept(&mut self, listener: usize) -> io::Result<(Stream, PeerAddress)> {
        let Some(source) = self.listeners.get(listener) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let accepted = accept(source);
        if let Err(error) = &accepted
            && matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
        {
            self.end_one_waiting(listener);
        }
        accepted
    }

    #[inline]
    fn listener_count(&self) -> usize {
        self.listeners.len()
    }

    fn close_listeners(&mut self) {
        for listener in self.listeners.drain(..) {
            // Closing ours is not enough when another process holds the same listener: the kernel
            // forgets a registration with the last descriptor only. It fails for none but a
            // descriptor that is not registered, which is what we want.
            let fd = listener.as_fd().as_raw_fd();
            drop(self.poll.registry().deregister(&mut SourceFd(&fd)));
        }
    }

    #[inline]
    fn register(&mut self, socket: &mut Stream, token: Token) -> io::Result<()> {
        debug_assert_ne!(token.generation, Token::RESERVED, "reserved tokens are the driver's");
        let both = Interest::READABLE | Interest::WRITABLE;
        let fd = socket.0.as_raw_fd();
        self.poll.registry().register(&mut SourceFd(&fd), mio::Token(token.to_usize()), both)
    }

    fn deregister(&mut self, socket: &mut Stream) -> io::Result<()> {
        let fd = socket.0.as_raw_fd();
        self.poll.registry().deregister(&mut SourceFd(&fd))
    }

    /// By rustix rather than the C library, whose wrappers spend 30 instructions a call on points
    /// of thread cancellation that Rust programs have no use for.
    #[inline]
    fn recv(&mut self, socket: &mut Stream, room: &mut [u8]) -> io::Result<usize> {
        let (count, _) = rustix::net::recv(socket.0.as_fd(), room, RecvFlags::empty())?;
        Ok(count)
    }

    #[inline]
    fn send(&mut self, socket: &mut Stream, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(socket.0.as_fd(), bytes, NO_SIGNAL)?)
    }

    #[inline]
    fn send_vectored(&mut self, socket: &mut Stream, runs: &[IoSlice<'_>]) -> io::Result<usize> {
        debug_assert!(runs.len() <= VECTORED_MAX, "more runs than one call takes");
        // Not `write_vectored`: writev(2) takes no flags, and raises `SIGPIPE`.
        let mut control = SendAncillaryBuffer::default();
        Ok(rustix::net::sendmsg(socket.0.as_fd(), runs, &mut control, NO_SIGNAL)?)
    }

    fn send_file(
        &mut self,
        socket: &mut Stream,
        file: &disk::File,
        at: u64,
        len: usize,
    ) -> io::Result<usize> {
        disk::send_file(socket.0.as_fd(), file, at, len)
    }

    fn disk(&self) -> Rc<dyn Disk> {
        Rc::<KernelDisk>::clone(&self.disk)
    }

    fn shutdown_write(&mut self, socket: &mut Stream) -> io::Result<()> {
        Ok(rustix::net::shutdown(&socket.0, Shutdown::Write)?)
    }

    #[inline]
    fn close(&mut self, socket: Stream) {
        // The socket's descriptor is never duplicated, so this is its last close, and with the last
        // close the kernel drops the registration: a call saved per connection.
        drop(socket);
    }

    // Always, for two kinds of workers in a program call it, which would make a call of it.
    #[inline(always)]
    fn poll(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        self.poll.poll(&mut self.ready, timeout)?;
        for event in &self.ready {
            events.push(translate(event));
        }
        Ok(())
    }

    #[inline]
    fn now(&self) -> Instant {
        since(self.started)
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn ticks(&self) -> u64 {
        ticks()
    }

    fn clock(&self) -> Clock {
        let started = self.started;
        let clock = Clock::new(move || since(started));
        #[cfg(target_arch = "x86_64")]
        let clock = clock.with_ticks(ticks);
        clock
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::now()
    }

    #[inline]
    fn random(&mut self) -> u64 {
        self.rng.u64(..)
    }

    fn waker(&self) -> Waker {
        self.waker.clone()
    }

    fn sources(&self) -> Rc<dyn Sources> {
        Rc::<MioSources>::clone(&self.sources)
    }
}

/// A poll, and what ends a wait in it: the part of a [`MioDriver`] that other threads know.
///
/// They know it by the numbers of its descriptors. Where the driver's thread is to have a table of
/// open files of its own, this must be made before it has.
#[derive(Debug)]
pub struct WakePoll {
    poll: Poll,
    waker: Waker,
}

impl WakePoll {
    /// Opens both.
    ///
    /// # Errors
    /// The kernel's, when descriptors or memory are short.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = mio::Waker::new(poll.registry(), mio::Token(WAKER.to_usize()))?;
        Ok(Self { poll, waker: Waker(Arc::new(waker)) })
    }
}

/// A connected stream of the kernel, by TCP or a Unix socket; from [`MioDriver`]'s accept. Closed
/// when dropped.
#[derive(Debug)]
pub struct Stream(OwnedFd);

impl AsFd for Stream {
    /// For socket options. Duplicating the descriptor would keep its events coming after the close.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Ends the wait of the [`MioDriver`] that it came from.
#[derive(Clone, Debug)]
pub struct Waker(Arc<mio::Waker>);

impl Wake for Waker {
    fn wake(&self) {
        let woken = self.0.wake();
        // It writes to a descriptor that lives as long as `self`; a full counter is mio's to empty.
        debug_assert!(woken.is_ok(), "a waker's write cannot fail: {woken:?}");
    }
}

/// The second of the monotonic clock in which the first driver was made: what [`Driver::now`]
/// counts from. One for all, so that instants stay right when a connection changes its driver.
/// Whole seconds, so that taking them off takes one subtraction.
static STARTED: OnceLock<i64> = OnceLock::new();

/// Most events per poll: 12 KiB of epoll's records. What is more stays with the kernel for the
/// next.
const EVENTS_MAX: usize = 1024;

/// The waker's token. Listener `n` has index `n` in the same, reserved generation.
const WAKER: Token = Token { index: u32::MAX, generation: Token::RESERVED };

/// The token of work that its disk has finished.
const DISK: Token = Token { index: u32::MAX - 1, generation: Token::RESERVED };

#[cfg(not(target_vendor = "apple"))]
pub(crate) const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;
/// Apple has no such flag; there accepted sockets get the option `SO_NOSIGPIPE`.
#[cfg(target_vendor = "apple")]
pub(crate) const NO_SIGNAL: SendFlags = SendFlags::empty();

/// Accepts one connection, non-blocking and closed on exec. Descriptors are ours rather than mio's,
/// so that one type holds sockets of both kinds.
#[cfg(not(target_vendor = "apple"))]
#[inline]
fn accept(listener: &Listener) -> io::Result<(Stream, PeerAddress)> {
    use rustix::net::SocketFlags;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (fd, peer) = rustix::net::acceptfrom_with(listener, flags)?;
    #[cfg(not(target_os = "linux"))]
    if listener.is_tcp() {
        rustix::net::sockopt::set_tcp_nodelay(&fd, true)?;
    }
    Ok((Stream(fd), peer_address(peer)))
}

/// Apple's accept takes no flags.
#[cfg(target_vendor = "apple")]
fn accept(listener: &Listener) -> io::Result<(Stream, PeerAddress)> {
    let (fd, peer) = rustix::net::acceptfrom(listener)?;
    let socket = socket2::SockRef::from(&fd);
    socket.set_cloexec(true)?;
    socket.set_nonblocking(true)?;
    socket.set_nosigpipe(true)?;
    if listener.is_tcp() {
        socket.set_tcp_nodelay(true)?;
    }
    Ok((Stream(fd), peer_address(peer)))
}

#[inline]
fn peer_address(peer: Option<SocketAddrAny>) -> PeerAddress {
    let address = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
    address.map_or(PeerAddress::LOCAL, PeerAddress::from)
}

/// A file of its own, not a duplicate: it must hold an entry of the system's table too, or letting
/// it go would not help against `ENFILE`.
fn open_spare() -> io::Result<File> {
    File::open("/dev/null")
}

/// Time since that second of the monotonic clock began.
#[inline]
fn since(second: i64) -> Instant {
    let time = clock_gettime(ClockId::Monotonic);
    let nanoseconds = time.tv_sec.abs_diff(second) * 1_000_000_000;
    Instant::from_nanos(nanoseconds + time.tv_nsec.unsigned_abs())
}

#[inline]
fn translate(event: &mio::event::Event) -> Event {
    let token = Token::from_usize(event.token().0);
    if token.generation == Token::RESERVED {
        return match token.index {
            index if index >= DISK.index => Event::Wake,
            index => Event::Listener(index as usize),
        };
    }
    let error = event.is_error();
    let read_closed = event.is_read_closed();
    let readiness = Readiness {
        readable: event.is_readable() | read_closed | error,
        // A socket that is closed for writing is reported as writable too: the write tells of it.
        writable: event.is_writable() | error,
        read_closed: read_closed | error,
    };
    Event::Socket { token, readiness }
}
