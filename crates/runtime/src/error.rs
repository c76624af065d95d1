//! What can keep a runtime from starting or end it early.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a runtime did not start, or did not end by a drain. The text leaves out what `source` tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// Nothing to listen on was given.
    NoListener,
    /// An endpoint could not be opened.
    Listen {
        /// The endpoint, as it was given.
        endpoint: String,
        /// The kernel's reason, or which sockets systemd passed instead.
        source: io::Error,
    },
    /// The restart socket could not be opened, or the process there handed nothing over.
    Restart {
        /// Path of the restart socket.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A core was asked for that the process may not run on.
    Core {
        /// The number asked for.
        core: usize,
    },
    /// The grace of a drain takes all of the drain's time, so that every connection would be cut at
    /// its end.
    DrainGrace {
        /// [`WorkerConfig::drain_grace`](crate::WorkerConfig::drain_grace).
        grace: Duration,
        /// [`WorkerConfig::drain_timeout`](crate::WorkerConfig::drain_timeout).
        timeout: Duration,
    },
    /// A limit of a turn is zero: nobody would ever be served.
    Zero {
        /// The field of [`WorkerConfig`](crate::WorkerConfig).
        limit: &'static str,
    },
    /// The limit of open files leaves no connection for each worker.
    Files {
        /// The process's limit of open files.
        limit: usize,
    },
    /// Workers could not get files of their own
    /// ([`Config::unshare_fds`](crate::Config::unshare_fds)): the system has no such thing, or
    /// there are hundreds of listeners.
    OwnFiles(io::Error),
    /// A worker's ring could not be made.
    Ring(waterwheel_ring::BuildError),
    /// A worker's driver could not be made or failed later.
    Driver(io::Error),
    /// Signals could not be watched.
    Signals(io::Error),
    /// A worker panicked: a fault of this program. The other workers drained.
    WorkerPanicked {
        /// Index of the worker.
        worker: usize,
    },
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoListener => f.write_str("nothing to listen on"),
            Self::Listen { endpoint, .. } => write!(f, "cannot listen on {endpoint}"),
            Self::Restart { path, .. } => write!(f, "cannot restart by {}", path.display()),
            Self::Core { core } => write!(f, "core {core} is not in the affinity mask"),
            Self::DrainGrace { grace, timeout } => {
                write!(f, "a drain grace of {grace:?} leaves nothing of {timeout:?} for the drain")
            }
            Self::Zero { limit } => write!(f, "{limit} is zero, so nobody would be served"),
            Self::Files { limit } => {
                write!(f, "the limit of {limit} open files leaves none for connections")
            }
            Self::OwnFiles(_) => f.write_str("workers cannot have files of their own"),
            Self::Ring(_) => f.write_str("cannot make a ring"),
            Self::Driver(_) => f.write_str("a worker's driver failed"),
            Self::Signals(_) => f.write_str("cannot watch signals"),
            Self::WorkerPanicked { worker } => write!(f, "worker {worker} panicked"),
        }
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Listen { source, .. }
            | Self::Restart { source, .. }
            | Self::OwnFiles(source)
            | Self::Driver(source)
            | Self::Signals(source) => Some(source),
            Self::Ring(source) => Some(source),
            _ => None,
        }
    }
}
