//! Twice as many requests as a server can answer: how many it answers still, how soon, and what
//! it costs to refuse the others.

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
    "answered",
    "of capacity",
    "refused",
    "failed",
    "unanswered",
    "p50",
    "p99",
    "a refusal costs",
];

pub(super) fn run(
    contestant: &mut Contestant<'_>,
    cores: Cores,
    time: Duration,
) -> Result<Verdict> {
    let origin = contestant.origin();
    let few = To { is_tls: origin.is_tls, ..To::new(origin.address, PATH, FEW) };
    let pid = contestant.pid();
    let calm: Outcome = on_core(cores.load, || few.closed(CAPACITY_TIME, pid)?.outcome())
        .context("it does not serve /mix")?;
    let capacity = calm.requests as f64 / calm.seconds;
    let cpu = calm.cpu.context("the server was watched")?;
    let usual_cost = (cpu.server_user + cpu.server_sys) / calm.requests as f64;

    let many = To { connections: MANY, ..few };
    let before = contestant.cpu()?;
    let load = on_core(cores.load, || many.open(2.0 * capacity, time)?.outcome())?;
    let used = (contestant.cpu()? - before).total().as_secs_f64();

    let latency = load.latencies.first().context("no latency was measured")?;
    ensure!(load.seconds > 0.0, "the load had no time");
    let answered = load.requests as f64 / load.seconds;
    // The load's first half second does not count as requests, and costs the server all the same.
    let share = load.seconds / (load.seconds + WARM_UP);
    let shed_cost = (used * share - load.requests as f64 * usual_cost) / load.refused as f64;
    Ok(Verdict {
        cells: vec![
            format!("{capacity:.0}/s"),
            format!("{:.0}/s", 2.0 * capacity),
            format!("{answered:.0}/s"),
            format!("{:.0} %", 100.0 * answered / capacity),
            load.refused.to_string(),
            load.failed.to_string(),
            load.unanswered.to_string(),
            format!("{:.1} ms", latency.p50 / 1e3),
            format!("{:.1} ms", latency.p99 / 1e3),
            if load.refused == 0 {
                "–".to_owned()
            } else {
                format!("{:.0} % of a reply", 100.0 * shed_cost.max(0.0) / usual_cost)
            },
        ],
        // Whoever is refused is told so; a broken connection is another matter.
        is_unharmed: load.failed == 0,
    })
}

/// Every twentieth request takes 2 ms.
const PATH: &str = "/mix";
/// Enough to keep a server busy, and few enough to wait for a short time only.
const FEW: usize = 16;
/// As many users, who do not wait for each other.
const MANY: usize = 2_000;
const CAPACITY_TIME: Duration = Duration::from_secs(3);
/// Seconds that `load open` runs before it counts.
const WARM_UP: f64 = 0.5;
