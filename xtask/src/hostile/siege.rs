//! Good clients at a constant rate: alone, beside attackers, and alone again.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::command::{Options, Verdict};
use crate::bench::{Contestant, Cores, Samples, on_core};
use crate::load::{Fates, Outcome, To, sources};

/// The columns.
pub(super) const HEADER: &[&str] = &[
    "server",
    "p99 alone",
    "(rounds)",
    "p99 beside",
    "(rounds)",
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
    let round_count = options.time().as_secs().div_ceil(ROUND.as_secs()).max(2);
    let ask = |round_count: u64| {
        let round = || on_core(cores.load, || good.open(options.rate, ROUND)?.outcome());
        (0..round_count).map(|_| round()).collect::<Result<Vec<_>>>()
    };

    let mut alone = ask(round_count / 2)?;
    let before = contestant.resident_len()?;
    let attackers = To {
        is_tls,
        sources: Some(sources(options.attackers, SHARE)),
        ..To::new(address, "/plaintext", options.attackers)
    };
    // All are there after one pace, and stay until after the good clients.
    let arrival = Duration::from_secs_f64(options.pace) + Duration::from_secs(1);
    let stay = arrival + (ROUND + START).saturating_mul(u32::try_from(round_count)?);
    let attack = on_core(cores.load, || attackers.attack(&options.kinds, options.pace, stay))?;
    thread::sleep(arrival);
    let beside = ask(round_count)?;
    let during = contestant.resident_len()?;
    let fates: Fates = attack.outcome()?;
    thread::sleep(SETTLE);
    let after = contestant.resident_len()?;
    // Half of these before and half after: what else a machine does changes over minutes.
    alone.extend(ask(round_count.div_ceil(2))?);

    tell(&fates);
    let requests = alone.iter().chain(&beside).map(|outcome| outcome.requests).sum::<u64>();
    let harmed = alone.iter().chain(&beside).map(Outcome::harmed).sum::<u64>();
    let (alone, beside) = (p99s(&alone), p99s(&beside));
    let ended: u64 = fates.values().map(|fate| fate.ended).sum();
    let last = fates.values().filter_map(|fate| fate.lasted.as_ref()).map(|lasted| lasted.max);
    let mib = |len: u64| format!("{:.1}", len as f64 / f64::from(1 << 20));
    Ok(Verdict {
        cells: vec![
            format!("{:.2} ms", alone.median()),
            format!("{:.2}–{:.2}", alone.low(), alone.high()),
            format!("{:.2} ms", beside.median()),
            format!("{:.2}–{:.2}", beside.low(), beside.high()),
            format!("{:.2}", beside.median() / alone.median()),
            requests.to_string(),
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

/// What the server did about each kind.
fn tell(fates: &Fates) {
    for (kind, fate) in fates {
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
}

/// The p99 of each round in ms.
fn p99s(rounds: &[Outcome]) -> Samples {
    rounds.iter().filter_map(|round| Some(round.latencies.first()?.p99 / 1e3)).collect()
}

/// The median of many rounds is compared: what a virtual machine is kept from for some ms decides
/// over the p99 of any of them.
const ROUND: Duration = Duration::from_secs(5);
/// Ample for the load to start and to end.
const START: Duration = Duration::from_millis(700);
/// As many as the arena's rows have.
const GOOD_CONNECTIONS: usize = 64;
/// Attackers of one address: fewer than a server should allow.
const SHARE: usize = 200;
/// Time for a server to see that they left.
const SETTLE: Duration = Duration::from_secs(1);
