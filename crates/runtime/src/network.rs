//! Sets of addresses, as settings name them. Owns the notation; resolves no names.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use waterwheel_reactor::PeerAddress;

/// The addresses that share a prefix (`10.0.0.0/8`, `2001:db8::/32`), one address (`192.0.2.7`), or
/// the processes of this machine that come through a Unix socket (`unix`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Local,
    /// As 128 bits, IPv4 mapped into them (RFC 4291 §2.5.5.2), so that a listener for both takes an
    /// IPv4 peer for what it is.
    Prefix {
        bits: u128,
        len: u8,
    },
}

impl Network {
    /// Whether the peer belongs to it.
    #[must_use]
    pub fn contains(&self, peer: PeerAddress) -> bool {
        match (self.place, peer.ip()) {
            (Place::Local, None) => true,
            (Place::Prefix { bits, len }, Some(ip)) => first_bits(wide(ip), len) == bits,
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        if text == "unix" {
            return Ok(Self { place: Place::Local });
        }
        let (address, len) = match text.split_once('/') {
            Some((address, len)) => (address, Some(len)),
            None => (text, None),
        };
        let ip: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let width = if ip.is_ipv4() { 32 } else { 128 };
        let is_number = |len: &&str| len.bytes().all(|byte| byte.is_ascii_digit());
        let len = match len {
            Some(len) => Some(len).filter(is_number).and_then(|len| len.parse().ok()),
            None => Some(width),
        };
        let len = len.filter(|&len| len <= width).ok_or(NetworkError::Prefix)?;
        let (bits, len) = (wide(ip), 128 - width + len);
        // Most likely a typing error, and too dear to guess at: it is about whom to trust.
        if first_bits(bits, len) != bits {
            return Err(NetworkError::HostBits);
        }
        Ok(Self { place: Place::Prefix { bits, len } })
    }
}

fn wide(ip: IpAddr) -> u128 {
    let ip = match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    Ipv6Addr::to_bits(ip)
}

/// The first `len` of 128 bits, the others zero.
fn first_bits(bits: u128, len: u8) -> u128 {
    bits & u128::MAX.checked_shl(128 - u32::from(len)).unwrap_or(0)
}

/// Why a text names no [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkError {
    /// What stands before the slash is no address.
    Address,
    /// The length of the prefix is no number, or more than the address has bits.
    Prefix,
    /// The address has bits behind the prefix.
    HostBits,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => {
                "not an address such as 192.0.2.7, a network such as 10.0.0.0/8, or unix"
            }
            Self::Prefix => "the length of the prefix is not a number of the address's bits",
            Self::HostBits => "the address has bits behind its prefix",
        })
    }
}

impl Error for NetworkError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, peer: &str) -> bool {
        let peer: IpAddr = peer.parse().unwrap();
        let network: Network = network.parse().unwrap();
        network.contains(PeerAddress::from(std::net::SocketAddr::from((peer, 80))))
    }

    #[test]
    fn prefix_holds_its_first_and_last_address_and_no_other() {
        for (first, last, before, behind) in [
            ("10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"),
            ("::ffff:10.0.0.0", "::ffff:10.255.255.255", "::ffff:9.255.255.255", "::10.0.0.0"),
        ] {
            assert!(contains("10.0.0.0/8", first) && contains("10.0.0.0/8", last));
            assert!(!contains("10.0.0.0/8", before) && !contains("10.0.0.0/8", behind));
        }
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!contains("2001:db8::/32", "2001:db9::1"));
        assert!(contains("0.0.0.0/0", "203.0.113.9") && !contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("::/0", "203.0.113.9"));
    }

    #[test]
    fn one_address_is_a_network() {
        assert!(contains("192.0.2.7", "192.0.2.7") && !contains("192.0.2.7", "192.0.2.8"));
        assert!(contains("::1", "::1") && !contains("::1", "::2"));
    }

    #[test]
    fn local_peers_belong_to_unix_alone() {
        assert!("unix".parse::<Network>().unwrap().contains(PeerAddress::LOCAL));
        assert!(!"::/0".parse::<Network>().unwrap().contains(PeerAddress::LOCAL));
        assert!(!contains("unix", "127.0.0.1"));
    }

    #[test]
    fn each_mistake_is_named() {
        for (text, error) in [
            ("", NetworkError::Address),
            ("localhost", NetworkError::Address),
            ("10.0.0.0.0/8", NetworkError::Address),
            ("10.0.0.0/33", NetworkError::Prefix),
            ("::/129", NetworkError::Prefix),
            ("10.0.0.0/", NetworkError::Prefix),
            ("10.0.0.0/+8", NetworkError::Prefix),
            ("10.0.0.1/8", NetworkError::HostBits),
        ] {
            assert_eq!(text.parse::<Network>(), Err(error), "{text}");
        }
    }
}
