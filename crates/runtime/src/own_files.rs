//! Workers with a table of open files each, where the kernel has such a thing. What a table holds
//! when it is made is a copy of the process's; from then on a descriptor is one of its thread's.

use std::io;

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
