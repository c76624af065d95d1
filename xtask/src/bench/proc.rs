//! What the kernel counts about a process and those that it started: CPU and resident memory, read
//! from /proc. A server that splits into several processes is counted as one.

use std::fs;
use std::ops::{AddAssign, Sub};
use std::time::Duration;

use anyhow::{Context, Result};

/// CPU time of all threads. The kernel counts in clock ticks, as a rule of 10 ms: only seconds of
/// work give figures worth reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cpu {
    pub(crate) user: Duration,
    pub(crate) sys: Duration,
}

impl Cpu {
    pub(crate) fn total(&self) -> Duration {
        self.user + self.sys
    }
}

impl Sub for Cpu {
    type Output = Self;

    /// What was used since `earlier`.
    fn sub(self, earlier: Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            sys: self.sys.saturating_sub(earlier.sys),
        }
    }
}

impl AddAssign for Cpu {
    fn add_assign(&mut self, other: Self) {
        self.user += other.user;
        self.sys += other.sys;
    }
}

/// CPU of a process and of its living descendants.
pub(crate) fn cpu(pid: u32) -> Result<Cpu> {
    let mut sum = Cpu::default();
    for pid in family(pid) {
        sum += read_stat(&pid.to_string())?.own;
    }
    Ok(sum)
}

/// CPU of the processes that this one started and that have ended.
pub(crate) fn cpu_of_ended_children() -> Result<Cpu> {
    Ok(read_stat("self")?.ended_children)
}

/// Resident memory of a process and of its living descendants, in bytes. Pages that they share are
/// counted once for each of them.
pub(crate) fn resident_len(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid} has gone"))?;
    let mut sum = memory(&status, "VmRSS:").context("/proc/PID/status has no VmRSS")?;
    for child in family(pid).into_iter().skip(1) {
        // One that has ended meanwhile, or that nobody has waited for yet, has no memory.
        let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
        sum += memory(&status, "VmRSS:").unwrap_or(0);
    }
    Ok(sum)
}

/// What the kernel's own objects take in the whole machine, in bytes: sockets, files, buffers.
pub(crate) fn slab_len() -> Result<u64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    memory(&text, "Slab:").context("/proc/meminfo has no Slab")
}

/// The process, its children, their children and so on.
pub(crate) fn family(pid: u32) -> Vec<u32> {
    let mut pids = vec![pid];
    let mut next = 0;
    while let Some(pid) = pids.get(next) {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let children: Vec<u32> = tasks
            // Missing where the kernel keeps no such list: then a process is counted alone.
            .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
            .flat_map(|list| list.split_whitespace().flat_map(str::parse).collect::<Vec<_>>())
            .collect();
        pids.extend(children);
        next += 1;
    }
    pids
}

/// The CPU fields of /proc/PID/stat.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    own: Cpu,
    ended_children: Cpu,
}

fn read_stat(pid: &str) -> Result<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} has gone"))?;
    parse_stat(&text, rustix::param::clock_ticks_per_second()).context("/proc/PID/stat is odd")
}

/// The name in the second field may contain anything, spaces and parentheses too; after the last
/// parenthesis the fields are numbers but for the state.
fn parse_stat(text: &str, ticks_per_second: u64) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<_> = rest.split_whitespace().collect();
    let time = |index: usize| -> Option<Duration> {
        let ticks: u64 = fields.get(index - FIRST_FIELD_INDEX)?.parse().ok()?;
        Some(Duration::from_nanos(ticks * (1_000_000_000 / ticks_per_second)))
    };
    Some(Stat {
        own: Cpu { user: time(14)?, sys: time(15)? },
        ended_children: Cpu { user: time(16)?, sys: time(17)? },
    })
}

/// proc(5) numbers the fields from 1; the state, which follows the name, is the third.
const FIRST_FIELD_INDEX: usize = 3;

/// The bytes in a line such as `VmRSS: 8100 kB`, of a process's status or of /proc/meminfo.
pub(crate) fn memory(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_read_behind_an_evil_name() {
        let text = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 1200 3 4 20 0 1 0 5 1 2";
        let stat = parse_stat(text, 100).unwrap();
        assert_eq!(stat.own.user, Duration::from_millis(2_500));
        assert_eq!(stat.own.sys, Duration::from_secs(12));
        assert_eq!(stat.ended_children.total(), Duration::from_millis(70));
        assert_eq!(parse_stat("7 (a) S 1 7", 100), None);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tarena\nVmHWM:\t    9000 kB\nVmRSS:\t    8100 kB\nThreads:\t2\n";
        assert_eq!(memory(status, "VmRSS:"), Some(8_100 * 1024));
        assert_eq!(memory("Name:\tkthreadd\n", "VmRSS:"), None);
    }

    #[test]
    fn own_process_can_be_read() {
        let pid = std::process::id();
        assert!(family(pid).contains(&pid));
        assert!(resident_len(pid).unwrap() > 0);
        cpu(pid).unwrap();
        cpu_of_ended_children().unwrap();
    }
}
