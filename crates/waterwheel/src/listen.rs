//! What a server can be told to listen on. Owns the ways to say it; binds nothing.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use waterwheel_runtime::Endpoint;

/// Something to listen on: an address, a host name with a port, `unix:/path` or `systemd:name`.
///
/// ```
/// use waterwheel::{App, Server};
///
/// let server = Server::new(App::new())
///     .listen("127.0.0.1:8080")
///     .listen(("localhost", 8081))
///     .listen("unix:/run/site.sock");
/// # drop(server);
/// ```
pub trait ToEndpoints {
    /// The endpoints that are meant. Names are looked up now.
    ///
    /// # Errors
    /// That of the name look-up, or [`io::ErrorKind::InvalidInput`] for what is no endpoint.
    fn to_endpoints(&self) -> io::Result<Vec<Endpoint>>;
}

impl ToEndpoints for str {
    fn to_endpoints(&self) -> io::Result<Vec<Endpoint>> {
        match Endpoint::parse_local(self) {
            Some(endpoint) => Ok(vec![endpoint]),
            None => look_up(self, self),
        }
    }
}

impl ToEndpoints for String {
    fn to_endpoints(&self) -> io::Result<Vec<Endpoint>> {
        self.as_str().to_endpoints()
    }
}

impl ToEndpoints for SocketAddr {
    fn to_endpoints(&self) -> io::Result<Vec<Endpoint>> {
        Ok(vec![Endpoint::Tcp(*self)])
    }
}

impl ToEndpoints for (IpAddr, u16) {
    fn to_endpoints(&self) -> io::Result<Vec<Endpoint>> {
        Ok(vec![Endpoint::Tcp((*self).into())])
    }
}

impl ToEndpoints for (&str, u16) {
    fn to_endpoints(&self) -> io::Result<Vec<Endpoint>> {
        look_up(self, &format!("{}:{}", self.0, self.1))
    }
}

/// The fault says what was looked up.
fn look_up(address: impl ToSocketAddrs, name: &str) -> io::Result<Vec<Endpoint>> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("`{name}`: {error}"));
    Ok(address.to_socket_addrs().map_err(named)?.map(Endpoint::Tcp).collect())
}

impl ToEndpoints for Endpoint {
    fn to_endpoints(&self) -> io::Result<Vec<Endpoint>> {
        Ok(vec![self.clone()])
    }
}

impl<T: ToEndpoints> ToEndpoints for [T] {
    fn to_endpoints(&self) -> io::Result<Vec<Endpoint>> {
        let each: io::Result<Vec<_>> = self.iter().map(ToEndpoints::to_endpoints).collect();
        Ok(each?.concat())
    }
}

impl<T: ToEndpoints + ?Sized> ToEndpoints for &T {
    fn to_endpoints(&self) -> io::Result<Vec<Endpoint>> {
        (**self).to_endpoints()
    }
}
