//! Connecting from one of several addresses. A server tells clients apart by them, and each has
//! some 28,000 ports towards one address of the server.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, ensure};
use mio::net::TcpStream;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// Addresses in a row to connect from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sources {
    pub(crate) first: Ipv4Addr,
    pub(crate) count: u32,
}

impl Sources {
    /// An address for others than good clients, who are at 127.0.0.1.
    pub(crate) fn nth(index: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(FIRST.to_bits().wrapping_add(index))
    }

    /// The address for the connection of this index: all of them in turn.
    pub(super) fn at(self, index: usize) -> IpAddr {
        let step = u32::try_from(index % self.count.max(1) as usize).unwrap_or(0);
        Ipv4Addr::from_bits(self.first.to_bits().wrapping_add(step)).into()
    }

    /// Whether the kernel lets us connect from each of them: all of 127.0.0.0/8 is the loopback's.
    pub(crate) fn check(self) -> Result<()> {
        let last = self.first.to_bits().checked_add(self.count.saturating_sub(1));
        let is_loopback = last.is_some_and(|last| Ipv4Addr::from_bits(last).is_loopback());
        ensure!(self.first.is_loopback() && is_loopback, "sources are addresses of the loopback");
        Ok(())
    }
}

/// Begins to connect, without waiting; what fails shows when it is used.
///
/// # Errors
/// When the system has no socket, or the address no port left.
pub(crate) fn dial(
    address: SocketAddr,
    sources: Option<Sources>,
    index: usize,
) -> Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))
        .context("no socket is left")?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(sources) = sources {
        let source = SocketAddr::new(sources.at(index), 0);
        socket.bind(&source.into()).with_context(|| format!("no port is left on {source}"))?;
    }
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() == Some(EINPROGRESS) => {}
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
            return Err(error).context("no port is left; the kernel keeps used ones for a minute");
        }
        connected => connected.context("the server refuses")?,
    }
    Ok(TcpStream::from_std(socket.into()))
}

/// Ends a connection with a reset when it is dropped, instead of an orderly end.
pub(crate) fn reset_when_dropped(stream: &TcpStream) {
    // Where it is refused the connection is broken already.
    let _ = SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO));
}

const FIRST: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 1);
const EINPROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn sources_take_turns() {
        let sources = Sources { first: Ipv4Addr::new(127, 0, 0, 255), count: 2 };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let _streams: Vec<_> = (0..2)
            .map(|index| dial(listener.local_addr().unwrap(), Some(sources), index).unwrap())
            .collect();
        let peers: Vec<_> = (0..2).map(|_| listener.accept().unwrap().1.ip().to_string()).collect();
        assert_eq!(peers, ["127.0.0.255", "127.0.1.0"]);
    }

    #[test]
    fn foreign_sources_are_refused() {
        let check = |first: [u8; 4], count| Sources { first: first.into(), count }.check();
        assert!(check([127, 0, 0, 2], 100).is_ok());
        assert!(check([10, 0, 0, 2], 1).is_err());
        assert!(check([127, 255, 255, 255], 2).is_err());
    }
}
