//! One core for the server and another one for the load tool. A program inherits the cores of the
//! thread that starts it, with all the threads that it will have.

use std::fs;
use std::thread;

use anyhow::{Context, Result, bail};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Which core is whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) load: usize,
}

impl Cores {
    /// The first core for the server; for the load tool the first one that shares no execution
    /// units with it, or the next one where there is none such.
    pub(crate) fn choose() -> Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let cores: Vec<_> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
        let [server, next, ..] = cores[..] else { bail!("the arena needs two cores") };
        let path = format!("/sys/devices/system/cpu/cpu{server}/topology/thread_siblings_list");
        // Where the kernel does not tell, every core is taken for a whole one.
        let siblings = parse_list(&fs::read_to_string(path).unwrap_or_default());
        let whole = cores[1..].iter().copied().find(|core| !siblings.contains(core));
        if whole.is_none() {
            eprintln!("server and load tool share one physical core; times are too high");
        }
        Ok(Self { server, load: whole.unwrap_or(next) })
    }
}

/// Runs `start` on a thread that is tied to the core, so that what it starts stays there.
pub(crate) fn on_core<T: Send>(core: usize, start: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        let started = scope.spawn(|| {
            pin(core)?;
            start()
        });
        started.join().expect("starting a program does not panic")
    })
}

/// Ties the calling thread to the core.
pub(crate) fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("cannot use core {core}"))
}

/// A kernel's list of cores: `0-2,5`.
fn parse_list(list: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_of_cores_is_read() {
        assert_eq!(parse_list("0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(parse_list("3\n"), [3]);
        assert!(parse_list("").is_empty());
    }

    #[test]
    fn work_runs_where_it_was_put() {
        let first = (0..).find(|core| sched_getaffinity(None).unwrap().is_set(*core)).unwrap();
        let set = on_core(first, || Ok(sched_getaffinity(None)?)).unwrap();
        assert_eq!(set.count(), 1);
        assert!(set.is_set(first));
    }
}
