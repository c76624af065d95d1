//! A part of a file on its way to a socket.

use waterwheel_reactor::disk;

use super::File;

/// A part of a file, to be sent by the kernel without passing through the process: see
/// [`Io::file`](crate::Io::file).
#[derive(Debug)]
pub struct Part {
    pub(crate) file: disk::File,
    /// The first byte that is not sent.
    pub(crate) at: u64,
    /// How many are not sent.
    pub(crate) len: u64,
}

impl Part {
    /// Bytes that are still to be sent.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl File {
    /// So many bytes from `at` on, to be sent. What is not in memory then keeps the worker waiting:
    /// [look](Self::is_in_memory) first.
    #[must_use]
    pub fn part(&self, at: u64, len: u64) -> Part {
        Part { file: self.0.clone(), at, len }
    }
}
