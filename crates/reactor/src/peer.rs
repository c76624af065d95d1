//! Where a connection comes from, in few bytes: every open connection keeps one. Knows no name
//! service.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Where a connection comes from: an address and port, or this machine through a Unix socket.
///
/// 24 bytes instead of the 32 of a [`SocketAddr`]; an IPv6 flow label is not kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerAddress {
    ip: [u8; 16],
    scope: u32,
    port: u16,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Local,
    V4,
    V6,
}

impl PeerAddress {
    /// A process of this machine that came through a Unix socket.
    pub const LOCAL: Self = Self { ip: [0; 16], scope: 0, port: 0, kind: Kind::Local };

    /// Address and port; `None` for a peer that came through a Unix socket.
    #[must_use]
    pub fn socket_addr(self) -> Option<SocketAddr> {
        let [a, b, c, d, ..] = self.ip;
        match self.kind {
            Kind::Local => None,
            Kind::V4 => Some(SocketAddr::from((Ipv4Addr::new(a, b, c, d), self.port))),
            Kind::V6 => {
                let ip = Ipv6Addr::from(self.ip);
                Some(SocketAddr::V6(SocketAddrV6::new(ip, self.port, 0, self.scope)))
            }
        }
    }

    /// The address alone; `None` for a peer that came through a Unix socket.
    #[must_use]
    pub fn ip(self) -> Option<IpAddr> {
        self.socket_addr().map(|address| address.ip())
    }

    /// Whether the peer came through a Unix socket.
    #[must_use]
    pub const fn is_local(self) -> bool {
        matches!(self.kind, Kind::Local)
    }
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> Self {
        let port = address.port();
        match address {
            SocketAddr::V4(address) => {
                let mut ip = [0; 16];
                ip[..4].copy_from_slice(&address.ip().octets());
                Self { ip, scope: 0, port, kind: Kind::V4 }
            }
            SocketAddr::V6(address) => {
                let (ip, scope) = (address.ip().octets(), address.scope_id());
                Self { ip, scope, port, kind: Kind::V6 }
            }
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.socket_addr() {
            Some(address) => address.fmt(f),
            None => f.write_str("unix"),
        }
    }
}

impl fmt::Debug for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back_as_they_were() {
        for text in ["192.0.2.7:80", "0.0.0.0:0", "[2001:db8::7]:65535", "[fe80::1%3]:443"] {
            let address: SocketAddr = text.parse().unwrap();
            let peer = PeerAddress::from(address);
            assert_eq!((peer.socket_addr(), peer.is_local()), (Some(address), false));
            assert_eq!(peer.to_string(), text);
        }
    }

    #[test]
    fn local_peer_has_no_address() {
        assert_eq!((PeerAddress::LOCAL.socket_addr(), PeerAddress::LOCAL.ip()), (None, None));
        assert_eq!(PeerAddress::LOCAL.to_string(), "unix");
    }

    #[test]
    fn peer_takes_24_bytes() {
        assert_eq!(size_of::<PeerAddress>(), 24);
    }
}
