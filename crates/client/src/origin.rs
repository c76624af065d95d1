//! Where a request goes: host and port, or a Unix socket.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use waterwheel_runtime::net::{Remote, Stream, TcpStream};

use crate::RequestError;

/// A server to connect to, and how requests name it in `Host`. Requests to equal origins share
/// connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    place: Place,
    /// The value of `Host`.
    authority: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    Host { host: String, port: u16 },
    Remote(Remote),
}

impl Origin {
    /// The origin in `http://host:port`; 80 without a port. A host is a name, an IPv4 address, or an
    /// IPv6 address in brackets.
    ///
    /// # Errors
    /// [`RequestError::Scheme`] and [`RequestError::Authority`]; [`RequestError::Target`] when more
    /// than a slash follows.
    pub fn parse(url: &str) -> Result<Self, RequestError> {
        match Self::split(url)? {
            (origin, "" | "/") => Ok(origin),
            _ => Err(RequestError::Target),
        }
    }

    /// The Unix socket at `path`, to requests for `host`.
    ///
    /// # Errors
    /// [`RequestError::Authority`] when `host` is no host.
    pub fn unix(path: impl Into<PathBuf>, host: &str) -> Result<Self, RequestError> {
        split_authority(host)?;
        let place = Place::Remote(Remote::Unix(path.into()));
        Ok(Self { place, authority: host.to_owned() })
    }

    /// The origin at the start of `url`, and what follows it.
    pub(crate) fn split(url: &str) -> Result<(Self, &str), RequestError> {
        let has_scheme =
            url.get(..SCHEME.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME));
        let rest = url.get(SCHEME.len()..).filter(|_| has_scheme).ok_or(RequestError::Scheme)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = split_authority(authority)?;
        let host = host.to_ascii_lowercase();
        let place = Place::Host { host, port: port.unwrap_or(80) };
        Ok((Self { place, authority: authority.to_owned() }, target))
    }

    /// What stands in `Host`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    pub(crate) async fn connect(&self, time: Duration) -> io::Result<Stream> {
        match &self.place {
            Place::Host { host, port } => {
                TcpStream::connect_host(host, *port, time).await.map(Stream::from)
            }
            Place::Remote(remote) => Stream::connect_timeout(remote.clone(), time).await,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Host { .. } => write!(f, "http://{}", self.authority),
            Place::Remote(remote) => write!(f, "http://{} at {remote}", self.authority),
        }
    }
}

/// Host and port (RFC 3986 §3.2), strictly: no user, no escapes.
fn split_authority(authority: &str) -> Result<(&str, Option<u16>), RequestError> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or(RequestError::Authority)?;
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(RequestError::Authority);
            }
            (address, port)
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (host, port) = authority.split_at(end);
            let is_name =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            if host.is_empty() || !host.bytes().all(is_name) {
                return Err(RequestError::Authority);
            }
            (host, port)
        }
    };
    let digits = match port.strip_prefix(':') {
        None if port.is_empty() => return Ok((host, None)),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits,
        _ => return Err(RequestError::Authority),
    };
    let port = digits.parse().map_err(|_| RequestError::Authority)?;
    if port == 0 { Err(RequestError::Authority) } else { Ok((host, Some(port))) }
}

const SCHEME: &str = "http://";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (url, host, port, authority, rest) in [
            ("http://example.org", "example.org", 80, "example.org", ""),
            ("HTTP://Example.org:81/a?b", "example.org", 81, "Example.org:81", "/a?b"),
            ("http://[::1]:8080?q", "::1", 8080, "[::1]:8080", "?q"),
            ("http://127.0.0.1/", "127.0.0.1", 80, "127.0.0.1", "/"),
        ] {
            let (origin, target) = Origin::split(url).unwrap();
            assert_eq!(origin.place, Place::Host { host: host.to_owned(), port }, "{url}");
            assert_eq!((origin.authority(), target), (authority, rest), "{url}");
        }
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for url in ["https://a", "a", "//a", "http:/a", ""] {
            assert_eq!(Origin::parse(url), Err(RequestError::Scheme), "{url}");
        }
        for authority in [
            "", ":80", "a:b", "a:0", "a:65536", "a:+1", "u@a", "a b", "[::1", "[a]", "[::1]x",
            "a%41", "a:", "[]",
        ] {
            let found = Origin::parse(&format!("http://{authority}"));
            assert_eq!(found, Err(RequestError::Authority), "{authority}");
        }
        assert_eq!(Origin::parse("http://a/b"), Err(RequestError::Target));
    }
}
