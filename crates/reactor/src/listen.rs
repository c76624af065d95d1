//! Listening sockets with the options that a server wants. Owns their options; knows no worker.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

/// How [`bind`] sets a listener up.
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
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            // What the kernel's own default for `net.core.somaxconn` has been since Linux 5.4.
            backlog: 4096,
            reuse_port: true,
            user_timeout: Some(Duration::from_secs(30)),
        }
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
