//! Good clients at a constant rate: alone, while attackers besiege another server, beside attackers
//! of their own, and all that in reverse.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::command::{Options, Verdict};
use crate::bench::{Contestant, Cores, Samples, on_core};
use crate::load::{Child, Fates, Outcome, To, sources};

/// The columns.
pub(super) const HEADER: &[&str] = &[
    "server",
    "p99 alone",
    "(rounds)",
    "elsewhere",
    "(rounds)",
    "beside",
    "(rounds)",
    "of alone",
    "of elsewhere",
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
    let round_count = options.time().as_secs().div_ceil(ROUND.as_secs()).max(2);
    let good = To {
        is_tls: options.is_tls,
        ..To::new(contestant.origin().address, "/plaintext", GOOD_CONNECTIONS)
    };
    let ask = |round_count: u64| {
        let round = || on_core(cores.load, || good.open(options.rate, ROUND)?.outcome());
        (0..round_count).map(|_| round()).collect::<Result<Vec<_>>>()
    };
    // What attackers cost the machine and not the server: the same ones, at another like it.
    let decoy = contestant.twin(Cores { server: cores.load, ..cores })?;
    let (first, last) = (round_count / 2, round_count.div_ceil(2));

    let mut alone = ask(first)?;
    let attack = besiege(&decoy, cores, options, first)?;
    let mut elsewhere = ask(first)?;
    outlast(attack)?;

    let before = contestant.resident_len()?;
    let attack = besiege(contestant, cores, options, round_count)?;
    let beside = ask(round_count)?;
    let during = contestant.resident_len()?;
    let fates = outlast(attack)?;
    let after = contestant.resident_len()?;

    // Half of these before and half after: what else a machine does changes over minutes.
    let attack = besiege(&decoy, cores, options, last)?;
    elsewhere.extend(ask(last)?);
    outlast(attack)?;
    alone.extend(ask(last)?);
    decoy.stop();

    tell(&fates);
    let rounds = || alone.iter().chain(&elsewhere).chain(&beside);
    let requests = rounds().map(|outcome| outcome.requests).sum::<u64>();
    let harmed = rounds().map(Outcome::harmed).sum::<u64>();
    let [alone, elsewhere, beside] = [p99s(&alone), p99s(&elsewhere), p99s(&beside)];
    let ended: u64 = fates.values().map(|fate| fate.ended).sum();
    let last = fates.values().filter_map(|fate| fate.lasted.as_ref()).map(|lasted| lasted.max);
    let mib = |len: u64| format!("{:.1}", len as f64 / f64::from(1 << 20));
    let mut cells = Vec::with_capacity(HEADER.len());
    for p99 in [&alone, &elsewhere, &beside] {
        cells.push(format!("{:.2} ms", p99.median()));
        cells.push(format!("{:.2}–{:.2}", p99.low(), p99.high()));
    }
    cells.extend([
        format!("{:.2}", beside.median() / alone.median()),
        format!("{:.2}", beside.median() / elsewhere.median()),
        requests.to_string(),
        harmed.to_string(),
        ended.to_string(),
        format!("{:.1} s", last.fold(0.0, f64::max) / 1e6),
        mib(before),
        mib(during),
        mib(after),
    ]);
    Ok(Verdict { cells, is_unharmed: harmed == 0 })
}

/// Lets attackers arrive at a server, to stay for so many rounds of the good clients.
fn besiege(
    server: &Contestant<'_>,
    cores: Cores,
    options: &Options,
    round_count: u64,
) -> Result<Child<Fates>> {
    let attackers = To {
        is_tls: options.is_tls,
        sources: Some(sources(options.attackers, SHARE)),
        ..To::new(server.origin().address, "/plaintext", options.attackers)
    };
    // All are there after one pace, and stay until after the good clients.
    let arrival = Duration::from_secs_f64(options.pace) + Duration::from_secs(1);
    let stay = arrival + (ROUND + START).saturating_mul(u32::try_from(round_count)?);
    let attack = on_core(cores.load, || attackers.attack(&options.kinds, options.pace, stay))?;
    thread::sleep(arrival);
    Ok(attack)
}

/// Waits until attackers have left, and until the server has seen it.
fn outlast(attack: Child<Fates>) -> Result<Fates> {
    let fates = attack.outcome()?;
    thread::sleep(SETTLE);
    Ok(fates)
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
