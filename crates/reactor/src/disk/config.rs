//! How a worker's disk works, and what the kernel has to offer for it.

use std::fmt;
use std::io;

/// How a worker gets at what is not in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// io_uring where the kernel lets us, else the helper.
    #[default]
    Auto,
    /// io_uring; without it, nothing is read that is not in memory.
    Uring,
    /// One helper thread per worker, which starts with its first work.
    Helper,
}

/// Settings of a worker's disk.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DiskConfig {
    /// How to get at what is not in memory.
    pub backend: Backend,
    /// Whether memory is asked first, which spares most reads all waiting.
    pub inline: bool,
    /// Most work in the kernel's or the helper's hands at a time; what is more waits its turn. At
    /// most 4,096.
    pub in_flight_max: usize,
    /// Most work handed on in one turn of the worker. A cold read keeps the worker 20 µs in the
    /// kernel, and 16 of them about as long as one connection's budget of reading.
    pub starts_per_turn_max: usize,
}

impl Default for DiskConfig {
    fn default() -> Self {
        Self { backend: Backend::Auto, inline: true, in_flight_max: 128, starts_per_turn_max: 16 }
    }
}

/// What [`probe`](super::probe) found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Support {
    /// Whether io_uring can be had, or why not.
    pub uring: io::Result<()>,
    /// Whether openat2(2) can be had, or why not. Without it a path is walked part by part, and no
    /// link on it is followed.
    pub beneath: io::Result<()>,
}

impl Support {
    /// What a worker of these settings uses.
    #[must_use]
    pub fn settle(&self, backend: Backend) -> Backend {
        match backend {
            Backend::Auto if self.uring.is_ok() => Backend::Uring,
            Backend::Auto => Backend::Helper,
            chosen => chosen,
        }
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.uring {
            Ok(()) => f.write_str("page cache, then io_uring")?,
            Err(error) => write!(f, "page cache, then a helper thread (no io_uring: {error})")?,
        }
        match &self.beneath {
            Ok(()) => Ok(()),
            Err(error) => write!(f, "; links are not followed (no openat2: {error})"),
        }
    }
}
