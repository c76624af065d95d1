//! A server that may open 64 files, and 500 clients: whether it stays calm while it is full, and
//! how soon it is back when they have gone.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::command::Verdict;
use crate::bench::{Contestant, Cores, on_core, proc};
use crate::load::{To, connect};
use crate::reply::exchange;

/// The columns.
pub(super) const HEADER: &[&str] = &["server", "served of 500", "CPU while full", "back after"];

pub(super) fn run(contestant: &mut Contestant<'_>, cores: Cores) -> Result<Verdict> {
    for pid in proc::family(contestant.pid()) {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let limit = Rlimit { current: Some(FILE_COUNT), maximum: Some(FILE_COUNT) };
        prlimit(pid, Resource::Nofile, limit).context("the limit cannot be set")?;
    }
    let origin = contestant.origin();
    let crowd = To { is_tls: origin.is_tls, ..To::new(origin.address, "/plaintext", CLIENTS) };
    // A pace that outlasts the trial: they come all at once, ask, and stay.
    let siege = on_core(cores.load, || crowd.attack("idle", 0.2, FULL_TIME + ARRIVAL))?;
    thread::sleep(ARRIVAL);
    let before = contestant.cpu()?;
    thread::sleep(FULL_TIME - Duration::from_millis(500));
    let used = (contestant.cpu()? - before).total();
    let fates = siege.outcome()?;
    let left_at = Instant::now();
    let request = format!("GET /plaintext HTTP/1.1\r\nhost: {}\r\n\r\n", origin.address);
    loop {
        let answered = connect(origin.address, origin.is_tls, PATIENCE)
            .and_then(|mut stream| exchange(&mut stream, request.as_bytes()));
        if answered.is_ok_and(|answer| answer.head.status == 200) {
            break;
        }
        ensure!(left_at.elapsed() < RECOVERY_MAX, "it does not come back");
        thread::sleep(Duration::from_millis(5));
    }
    let back_after = left_at.elapsed();
    let served: u64 = fates.values().filter_map(|fate| fate.statuses.get(&200)).sum();
    let busy = used.as_secs_f64() / (FULL_TIME.as_secs_f64() - 0.5);
    Ok(Verdict {
        cells: vec![
            served.to_string(),
            format!("{:.1} %", 100.0 * busy),
            format!("{:.2} s", back_after.as_secs_f64()),
        ],
        is_unharmed: busy < BUSY_MAX && back_after < BACK_AFTER_MAX,
    })
}

const FILE_COUNT: u64 = 64;
const CLIENTS: usize = 500;
/// Until all have come.
const ARRIVAL: Duration = Duration::from_secs(2);
/// Long enough to read CPU, which the kernel counts in hundredths of a second.
const FULL_TIME: Duration = Duration::from_secs(4);
/// For one attempt; the next one starts anew.
const PATIENCE: Duration = Duration::from_millis(200);
const RECOVERY_MAX: Duration = Duration::from_secs(30);
/// What a server may burn while it can do nothing.
const BUSY_MAX: f64 = 0.05;
/// The longest pause between two attempts to accept, and a little.
const BACK_AFTER_MAX: Duration = Duration::from_millis(1_100);
