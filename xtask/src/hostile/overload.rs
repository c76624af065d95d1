//! Twice as many requests as a server can answer: how many it answers still before their clients
//! give up, and what it costs to refuse the others.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::command::Verdict;
use crate::bench::{Contestant, Cores, on_core};
use crate::load::{Outcome, To};

/// The columns.
pub(super) const HEADER: &[&str] = &[
    "server",
    "capacity",
    "offered",
    "within 1 s",
    "of capacity",
    "answered",
    "refused",
    "failed",
    "unanswered",
    "p50",
    "p99",
    "a refusal costs",
];

/// What the overload consists of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    path: &'static str,
    /// What must be answered in time, of what the server can.
    least: f64,
}

/// Each computes for 2 ms, or every twentieth does: then a refusal, a tenth of the mean request,
/// takes a tenth away by itself where as many are refused as served.
pub(super) const KINDS: [Kind; 2] = [
    Kind { name: "of 2 ms each", path: "/burn", least: 0.9 },
    Kind { name: "one in 20 of 2 ms", path: "/mix", least: 0.8 },
];

pub(super) fn run(
    contestant: &mut Contestant<'_>,
    cores: Cores,
    kind: Kind,
    time: Duration,
) -> Result<Verdict> {
    let origin = contestant.origin();
    let few = To { is_tls: origin.is_tls, ..To::new(origin.address, kind.path, FEW) };
    let pid = contestant.pid();
    let calm: Outcome = on_core(cores.load, || few.closed(CAPACITY_TIME, pid)?.outcome())
        .context("it does not serve this")?;
    let capacity = calm.requests as f64 / calm.seconds;
    let cpu = calm.cpu.context("the server was watched")?;
    let usual_cost = (cpu.server_user + cpu.server_sys) / calm.requests as f64;

    let many = To { connections: MANY, ..few };
    let load = on_core(cores.load, || many.open_watched(2.0 * capacity, time, pid)?.outcome())?;
    let used = load.cpu.context("the server was watched")?;
    let used = used.server_user + used.server_sys;

    let latency = load.latencies.first().context("no latency was measured")?;
    ensure!(load.seconds > 0.0, "the load had no time");
    let in_time = latency.within_second as f64 / time.as_secs_f64();
    let (served, refused) = load.seen;
    let shed_cost = (used - served as f64 * usual_cost) / refused as f64;
    Ok(Verdict {
        cells: vec![
            format!("{capacity:.0}/s"),
            format!("{:.0}/s", 2.0 * capacity),
            format!("{in_time:.0}/s"),
            format!("{:.0} %", 100.0 * in_time / capacity),
            load.requests.to_string(),
            load.refused.to_string(),
            load.failed.to_string(),
            load.unanswered.to_string(),
            format!("{:.1} ms", latency.p50 / 1e3),
            format!("{:.1} ms", latency.p99 / 1e3),
            if load.refused == 0 {
                "–".to_owned()
            } else {
                format!("{:.1} % of a reply", 100.0 * shed_cost.max(0.0) / usual_cost)
            },
        ],
        // Whoever is refused is told so; a broken connection is another matter.
        is_unharmed: load.failed == 0 && in_time >= kind.least * capacity,
    })
}

/// Enough to keep a server busy, and few enough to wait for a short time only.
const FEW: usize = 16;
/// As many users, who do not wait for each other: so many that a server which keeps all of them
/// waiting is late, and not they.
const MANY: usize = 15_000;
const CAPACITY_TIME: Duration = Duration::from_secs(3);
