//! Streams to Unix sockets.

use std::io;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use super::{Remote, Stream};

/// A connection to a Unix stream socket. What it can do is [`Stream`]'s.
#[derive(Debug)]
pub struct UnixStream(Stream);

impl UnixStream {
    /// Connects to the socket at `path` within [`Stream::CONNECT_TIMEOUT`].
    ///
    /// # Errors
    /// As [`Stream::connect_timeout`]; [`io::ErrorKind::NotFound`] when there is no such path.
    ///
    /// # Panics
    /// On a thread that runs no worker.
    pub async fn connect(path: impl Into<PathBuf>) -> io::Result<Self> {
        Self::connect_timeout(path, Stream::CONNECT_TIMEOUT).await
    }

    /// Connects to the socket at `path` within `time`.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Panics
    /// On a thread that runs no worker.
    pub async fn connect_timeout(path: impl Into<PathBuf>, time: Duration) -> io::Result<Self> {
        Stream::connect_timeout(Remote::Unix(path.into()), time).await.map(Self)
    }
}

impl Deref for UnixStream {
    type Target = Stream;

    fn deref(&self) -> &Stream {
        &self.0
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        stream.0
    }
}
