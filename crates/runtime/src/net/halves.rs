//! The two directions of a stream, each with its own owner.

use std::io::{self, IoSlice};
use std::rc::Rc;

use waterwheel_ring::Lease;

use super::Stream;

/// The half that reads; from [`Stream::into_split`].
#[derive(Debug)]
pub struct ReadHalf(Rc<Stream>);

/// The half that writes; from [`Stream::into_split`]. Dropping it tells the peer that no more
/// follows.
#[derive(Debug)]
pub struct WriteHalf(Rc<Stream>);

impl ReadHalf {
    pub(super) const fn new(stream: Rc<Stream>) -> Self {
        Self(stream)
    }

    /// As [`Stream::read`].
    ///
    /// # Errors
    /// As there.
    pub async fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(room).await
    }

    /// As [`Stream::read_into`].
    ///
    /// # Errors
    /// As there.
    pub async fn read_into(&mut self, lease: &mut Lease) -> io::Result<usize> {
        self.0.read_into(lease).await
    }
}

impl WriteHalf {
    pub(super) const fn new(stream: Rc<Stream>) -> Self {
        Self(stream)
    }

    /// As [`Stream::write`].
    ///
    /// # Errors
    /// As there.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).await
    }

    /// As [`Stream::write_all`].
    ///
    /// # Errors
    /// As there.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await
    }

    /// As [`Stream::write_vectored`].
    ///
    /// # Errors
    /// As there.
    pub async fn write_vectored(&mut self, runs: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.0.write_vectored(runs).await
    }
}

impl Drop for WriteHalf {
    fn drop(&mut self) {
        // A connection that has ended already needs no end.
        drop(self.0.shutdown_write());
    }
}
