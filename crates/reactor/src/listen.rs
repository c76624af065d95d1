//! Listening sockets with the options that a server wants. Owns their options and what kind they
//! are; knows no worker.

use std::fs::Permissions;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

/// How [`bind`] and [`bind_unix`] set a listener up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenConfig {
    /// Most connections that wait to be accepted. The kernel cuts it to `net.core.somaxconn`.
    pub backlog: i32,
    /// `SO_REUSEPORT`: one listener per worker at the same address, the kernel spreads connections.
    pub reuse_port: bool,
    /// `TCP_USER_TIMEOUT` for accepted connections: a peer that acknowledges nothing of what was
    /// sent for so long is gone. `None` leaves the kernel's, about 15 minutes. Linux only.
    pub user_timeout: Option<Duration>,
    /// Permissions of a Unix socket's path: who may write to it may connect.
    pub unix_mode: u32,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            // What the kernel's own default for `net.core.somaxconn` has been since Linux 5.4.
            backlog: 4096,
            reuse_port: true,
            user_timeout: Some(Duration::from_secs(30)),
            // Owner and group: a proxy in front gets in by a common group, nobody else does.
            unix_mode: 0o660,
        }
    }
}

/// A socket that listens, for TCP or at a path of this machine.
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
    is_tcp: bool,
}

impl Listener {
    /// Takes over a listening stream socket from elsewhere, such as another process.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] when it is no listening stream socket for TCP or a Unix
    /// path; the kernel's.
    pub fn adopt(fd: OwnedFd) -> io::Result<Self> {
        let socket = SockRef::from(&fd);
        let address = socket.local_addr()?;
        let is_known = address.as_socket().is_some() || address.is_unix();
        #[cfg(not(target_vendor = "apple"))]
        let listens = rustix::net::sockopt::socket_acceptconn(&fd)?;
        // Apple's kernel does not tell; there the first accept does.
        #[cfg(target_vendor = "apple")]
        let listens = true;
        if !is_known || !listens || socket.r#type()? != Type::STREAM {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a listening socket"));
        }
        let is_tcp = address.as_socket().is_some();
        Ok(Self { fd, is_tcp })
    }

    /// A second descriptor of the same listener: both take from one queue of connections, which
    /// lives until both are closed.
    ///
    /// # Errors
    /// The kernel's, when descriptors are short.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { fd: self.fd.try_clone()?, is_tcp: self.is_tcp })
    }

    /// Sets what the kernel buffers for each connection that is accepted from now on, in bytes and
    /// in each direction (`SO_RCVBUF`, `SO_SNDBUF`). The kernel no longer adapts it then.
    ///
    /// # Errors
    /// The kernel's.
    pub fn set_buffer_len(&self, len: usize) -> io::Result<()> {
        let socket = SockRef::from(&self.fd);
        socket.set_recv_buffer_size(len)?;
        socket.set_send_buffer_size(len)
    }

    /// The address in use; `None` for a Unix socket.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        SockRef::from(&self.fd).local_addr().ok()?.as_socket()
    }

    /// Makes accepting return at once, and what is accepted send without delay.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        let socket = SockRef::from(&self.fd);
        socket.set_nonblocking(true)?;
        // Accepted sockets inherit it on Linux, which saves a call for each.
        if self.is_tcp { socket.set_tcp_nodelay(true) } else { Ok(()) }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) const fn is_tcp(&self) -> bool {
        self.is_tcp
    }
}

impl From<Listener> for OwnedFd {
    fn from(listener: Listener) -> Self {
        listener.fd
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self { fd: listener.into(), is_tcp: true }
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self { fd: listener.into(), is_tcp: false }
    }
}

/// Binds a non-blocking listener to `addr` and starts to listen. It is closed on exec.
///
/// `SO_REUSEADDR` is always set, so that a restart does not wait for old connections to be
/// forgotten. `TCP_NODELAY` too: replies are written in one piece, and waiting for more only adds
/// time. On Linux accepted connections inherit it, like the user timeout; elsewhere
/// [`MioDriver`](crate::MioDriver) sets it on each. Whether an IPv6 address takes IPv4 connections
/// too is left to the system.
///
/// # Errors
/// The kernel's: the address is taken, or not ours, or a privilege is missing.
pub fn bind(addr: SocketAddr, config: &ListenConfig) -> io::Result<TcpListener> {
    // Socket2 opens it with SOCK_CLOEXEC.
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(config.reuse_port)?;
    socket.set_tcp_nodelay(true)?;
    #[cfg(target_os = "linux")]
    if config.user_timeout.is_some() {
        socket.set_tcp_user_timeout(config.user_timeout)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(config.backlog)?;
    Ok(socket.into())
}

/// Makes sure that nobody listens at `addr`. With `SO_REUSEPORT` a second program of the same user
/// could [`bind`] there as well, and the kernel would give each a part of the connections.
///
/// # Errors
/// [`io::ErrorKind::AddrInUse`] when somebody listens there; otherwise the kernel's.
pub fn ensure_free(addr: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    // Bound, and closed before it listens: nobody can have connected.
    socket.bind(&addr.into())
}

/// Binds a non-blocking listener to the Unix socket `path`, creates it there with
/// [`unix_mode`](ListenConfig::unix_mode), and starts to listen. It is closed on exec.
///
/// The path stays when the listener is closed. Whether something else may be removed from it first
/// is for the caller to know: see [`remove_stale`].
///
/// # Errors
/// [`io::ErrorKind::AddrInUse`] when something is at that path already; otherwise the kernel's.
pub fn bind_unix(path: &Path, config: &ListenConfig) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    // Nobody can connect before it listens, so nobody slips in under the wrong permissions.
    std::fs::set_permissions(path, Permissions::from_mode(config.unix_mode))?;
    socket.listen(config.backlog)?;
    Ok(socket.into())
}

/// Removes the Unix socket at `path` if nobody listens there any more, as a process leaves it that
/// was killed. Does nothing where there is nothing.
///
/// # Errors
/// [`io::ErrorKind::AddrInUse`] when somebody listens, [`io::ErrorKind::AlreadyExists`] when what
/// is there is no socket; both stay. Otherwise the kernel's.
pub fn remove_stale(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A listener whose backlog is full would let a blocking call wait.
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            use std::os::unix::fs::FileTypeExt;
            if !std::fs::symlink_metadata(path)?.file_type().is_socket() {
                let fault = "something that is no socket is there";
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, fault));
            }
            std::fs::remove_file(path)
        }
        Ok(()) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(io::ErrorKind::AddrInUse.into())
        }
        Err(error) => Err(error),
    }
}
