//! Streams to TCP addresses.

use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::time::Duration;

use super::Stream;

/// A TCP connection, sent without delay (`TCP_NODELAY`). What it can do is [`Stream`]'s.
#[derive(Debug)]
pub struct TcpStream(Stream);

impl TcpStream {
    /// Connects within [`Stream::CONNECT_TIMEOUT`].
    ///
    /// # Errors
    /// As [`Stream::connect_timeout`].
    ///
    /// # Panics
    /// On a thread that runs no worker.
    pub async fn connect(address: impl Into<SocketAddr>) -> io::Result<Self> {
        Self::connect_timeout(address, Stream::CONNECT_TIMEOUT).await
    }

    /// Connects within `time`.
    ///
    /// # Errors
    /// As [`Stream::connect_timeout`].
    ///
    /// # Panics
    /// On a thread that runs no worker.
    pub async fn connect_timeout(
        address: impl Into<SocketAddr>,
        time: Duration,
    ) -> io::Result<Self> {
        Stream::connect_timeout(address.into(), time).await.map(Self)
    }
}

impl Deref for TcpStream {
    type Target = Stream;

    fn deref(&self) -> &Stream {
        &self.0
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        stream.0
    }
}
