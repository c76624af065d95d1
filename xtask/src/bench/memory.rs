//! One round of a memory row: how much a server grows by connections that do nothing, or whose
//! requests wait.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::contestant::Contestant;
use super::own_load::Holder;
use super::pinned::on_core;
use super::proc;
use super::results::Round;
use super::rows::Request;

/// Holds the connections on a server that was not used before, and reads its growth.
pub(crate) fn round(
    contestant: &mut Contestant<'_>,
    core: usize,
    request: &Request,
    connections: u32,
    awaits_replies: bool,
) -> Result<Round> {
    let connections = connections.min(affordable());
    let origin = contestant.origin();
    let before = contestant.resident_len()?;
    let slab_before = proc::slab_len()?;
    let hold = || Holder::start(origin, request, connections, awaits_replies);
    let holder = on_core(core, hold)?;
    thread::sleep(SETTLE);
    let after = contestant.resident_len()?;
    let slab_after = proc::slab_len()?;
    drop(holder);

    let kibibytes = |len: u64| len as f64 / 1024.0;
    let each =
        |after: u64, before: u64| kibibytes(after.saturating_sub(before)) / f64::from(connections);
    Ok(Round {
        figure: each(after, before),
        details: vec![
            ("before MiB", kibibytes(before) / 1024.0),
            ("after MiB", kibibytes(after) / 1024.0),
            ("connections", f64::from(connections)),
            ("kernel KiB, both ends", each(slab_after, slab_before)),
        ],
        ..Round::default()
    })
}

/// Lets this process, and those that it starts, open as many files as the system grants.
pub(crate) fn raise_file_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where it is refused, fewer connections are held, and the row says how many.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// How many connections fit the file limit, beside what a server opens for itself.
pub(crate) fn affordable() -> u32 {
    let current = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    u32::try_from(current.saturating_sub(200)).unwrap_or(u32::MAX).max(1)
}

/// Time for a server to give back what it took for the requests.
const SETTLE: Duration = Duration::from_millis(500);
