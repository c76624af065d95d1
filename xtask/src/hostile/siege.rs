//! Good clients at a constant rate, first alone and then beside attackers.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::command::{Options, Verdict};
use crate::bench::{Contestant, Cores, on_core};
use crate::load::{Fates, Outcome, To, sources};

/// The columns.
pub(super) const HEADER: &[&str] = &[
    "server",
    "p99 alone",
    "p99 beside",
    "ratio",
    "requests",
    "harmed",
    "ended",
    "last after",
    "MiB before",
    "MiB during",
    "MiB after",
];

pub(super) fn run(
    contestant: &mut Contestant<'_>,
    cores: Cores,
    options: &Options,
) -> Result<Verdict> {
    let address = contestant.origin().address;
    let is_tls = options.is_tls;
    let good = To { is_tls, ..To::new(address, "/plaintext", GOOD_CONNECTIONS) };
    let time = options.time();
    let ask = || on_core(cores.load, || good.open(options.rate, time)?.outcome());

    let alone = ask()?;
    let before = contestant.resident_len()?;
    let attackers = To {
        is_tls,
        sources: Some(sources(options.attackers, SHARE)),
        ..To::new(address, "/plaintext", options.attackers)
    };
    // All are there after one pace, and stay until after the good clients.
    let arrival = Duration::from_secs_f64(options.pace) + Duration::from_secs(1);
    let siege = arrival + time + Duration::from_secs(3);
    let attack = on_core(cores.load, || attackers.attack(&options.kinds, options.pace, siege))?;
    thread::sleep(arrival);
    let beside = ask()?;
    let during = contestant.resident_len()?;
    let fates: Fates = attack.outcome()?;
    thread::sleep(SETTLE);
    let after = contestant.resident_len()?;

    for (kind, fate) in &fates {
        let lasted = fate.lasted.as_ref().map_or(0.0, |lasted| lasted.p50 / 1e6);
        eprintln!(
            "  {:<12} {:>6} connections, {:>6} ended by the server, half of them within {lasted:.1} \
             s; oldest {:.0} s; statuses {:?}",
            kind.name(),
            fate.connections,
            fate.ended,
            fate.oldest_seconds,
            fate.statuses,
        );
    }
    let p99 = |outcome: &Outcome| {
        let latency = outcome.latencies.first().context("no latency was measured")?;
        Ok::<_, anyhow::Error>(latency.p99 / 1e3)
    };
    let harmed = alone.harmed() + beside.harmed();
    let (alone_p99, beside_p99) = (p99(&alone)?, p99(&beside)?);
    let ended: u64 = fates.values().map(|fate| fate.ended).sum();
    let last = fates.values().filter_map(|fate| fate.lasted.as_ref()).map(|lasted| lasted.max);
    let mib = |len: u64| format!("{:.1}", len as f64 / f64::from(1 << 20));
    Ok(Verdict {
        cells: vec![
            format!("{alone_p99:.2} ms"),
            format!("{beside_p99:.2} ms"),
            format!("{:.2}", beside_p99 / alone_p99),
            (alone.requests + beside.requests).to_string(),
            harmed.to_string(),
            ended.to_string(),
            format!("{:.1} s", last.fold(0.0, f64::max) / 1e6),
            mib(before),
            mib(during),
            mib(after),
        ],
        is_unharmed: harmed == 0,
    })
}

/// As many as the arena's rows have.
const GOOD_CONNECTIONS: usize = 64;
/// Attackers of one address: fewer than a server should allow.
const SHARE: usize = 200;
/// Time for a server to see that they left.
const SETTLE: Duration = Duration::from_secs(1);
