//! The tables of open files: the process's, or one of each worker, where the kernel has such a
//! thing. What a worker's holds when it is made is a copy of the process's; from then on a
//! descriptor is one of its thread's.

use std::io;
use std::os::unix::net::UnixDatagram;

use waterwheel_reactor::listen::Listener;

use crate::passing::Flight;

/// What a worker is to listen on, each with the index of its endpoint.
#[derive(Debug)]
pub(crate) enum Listening {
    /// In the table of the process.
    Here(Vec<(usize, Listener)>),
    /// On their way to a table that the worker makes for itself. Were they in that of the process,
    /// every worker's would hold a copy, and a listener that one worker closes would stay open.
    UnderWay(Flight<usize>),
}

impl Listening {
    pub(crate) fn new(listeners: Vec<(usize, Listener)>, apart: bool) -> io::Result<Self> {
        match apart {
            false => Ok(Self::Here(listeners)),
            true => {
                let sockets = listeners.into_iter().map(|(origin, one)| (origin, one.into()));
                Flight::begin(sockets).map(Self::UnderWay)
            }
        }
    }

    /// The listeners, in the table that this thread has from now on.
    pub(crate) fn arrive(self) -> io::Result<Vec<(usize, Listener)>> {
        match self {
            Self::Here(listeners) => Ok(listeners),
            Self::UnderWay(flight) => {
                unshare()?;
                let landed = flight.end()?.into_iter();
                landed.map(|(origin, fd)| Ok((origin, Listener::adopt(fd)?))).collect()
            }
        }
    }
}

/// Makes the process's table as wide as so many files need. Linux doubles it as they are opened;
/// whoever opens one waits then until no other thread looks at the old table, for 5 to 40 ms.
/// Before there are threads nobody waits.
pub(crate) fn widen(files: usize) {
    let last = i32::try_from(files).unwrap_or(WIDE_MAX).min(WIDE_MAX);
    // It may be refused, or the table be wide enough: it then grows when it has to.
    let _ = UnixDatagram::unbound().map(|file| rustix::io::fcntl_dupfd_cloexec(file, last));
}

/// Gives this thread, and those that it starts, a table of open files of their own.
#[cfg(target_os = "linux")]
fn unshare() -> io::Result<()> {
    use rustix::thread::{UnshareFlags, unshare_unsafe};
    // SAFETY: who asked for it has promised that no descriptor which is opened later is used by a
    // thread of another table (`Config::unshare_fds`). Nor are ours: wakers, signals and what tells
    // others are opened before any worker runs, so that all tables hold them under one number;
    // listeners come by `Flight`; helper threads are started by the worker that they help; and
    // connections are not handed over (`Runtime::run`).
    unsafe { unshare_unsafe(UnshareFlags::FILES) }?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn unshare() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// A table takes 8 bytes of kernel memory for each file.
const WIDE_MAX: i32 = 65_536;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn table_is_as_wide_as_asked_before_the_files_are_opened() {
        const FILES: usize = 1_000;
        widen(FILES);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap();
        assert!(size.trim().parse::<usize>().unwrap() >= FILES, "{size}");
    }
}
