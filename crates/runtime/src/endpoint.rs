//! Where a server listens, as it is said in a setting. Owns the notation; binds nothing.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// One place to listen at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// An address and port. With port 0 the kernel chooses one, which all workers then share.
    Tcp(SocketAddr),
    /// A Unix socket at this path.
    Unix(PathBuf),
    /// The listening sockets that systemd passed under this name (`FileDescriptorName=`), or all
    /// that it passed when the name is empty. See `sd_listen_fds`(3).
    Systemd(String),
}

impl Endpoint {
    /// Reads `unix:/path` and `systemd:name`. `None` for anything else: addresses and names of
    /// hosts, which may stand for several endpoints.
    #[must_use]
    pub fn parse_local(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Some(Self::Unix(PathBuf::from(path)));
        }
        text.strip_prefix("systemd:").map(|name| Self::Systemd(name.to_owned()))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Systemd(name) => write!(f, "systemd:{name}"),
        }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl From<&Path> for Endpoint {
    fn from(path: &Path) -> Self {
        Self::Unix(path.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_endpoints_are_read_as_they_are_shown() {
        for text in ["unix:/run/site.sock", "unix:relative", "systemd:", "systemd:web"] {
            assert_eq!(Endpoint::parse_local(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn addresses_and_names_are_not_local() {
        for text in ["127.0.0.1:80", "[::1]:80", "localhost:80", "unix", ""] {
            assert_eq!(Endpoint::parse_local(text), None);
        }
    }
}
