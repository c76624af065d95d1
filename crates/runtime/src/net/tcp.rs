//! Streams to TCP addresses.

use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::time::Duration;

use super::{Stream, lookup};
use crate::task::{Local, timeout};

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

    /// Connects to `port` of `host`, a name or an address, within `time`, which includes looking
    /// the name up. Of several addresses each gets an equal share of the time that is left, in the
    /// resolver's order, until one answers.
    ///
    /// # Errors
    /// As [`lookup`] and [`Stream::connect_timeout`]: that of the last address.
    ///
    /// # Panics
    /// On a thread that runs no worker.
    pub async fn connect_host(host: &str, port: u16, time: Duration) -> io::Result<Self> {
        let local = Local::current();
        let end = local.now() + time;
        let found = match timeout(time, lookup(host)).await {
            Ok(found) => found?,
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        };
        let mut outcome = Err(io::ErrorKind::TimedOut.into());
        for (&address, left) in found.iter().zip((1..=found.len()).rev()) {
            let share = end.saturating_since(local.now()) / u32::try_from(left).unwrap_or(u32::MAX);
            outcome = Self::connect_timeout((address, port), share).await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome
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
