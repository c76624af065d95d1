//! Twice as many requests as a server can answer: how many it answers still before their clients
//! give up, and what it costs to refuse the others.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::command::Verdict;
use crate::bench::{Contestant, Cores, Samples, on_core, proc};
use crate::load::{Outcome, To};

/// The columns.
pub(super) const HEADER: &[&str] = &[
    "server",
    "capacity",
    "within 1 s",
    "of capacity",
    "(rounds)",
    "answered",
    "refused",
    "failed",
    "unanswered",
    "p50",
    "p99",
    "a refusal costs",
    "(rounds)",
    "a light reply",
];

/// What the overload consists of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    path: &'static str,
    /// What must be answered in time, of what the server can.
    least: f64,
}

/// Each computes for 2 ms, or every twentieth does. Then receiving and sending on thousands of
/// connections, whatever is answered, takes an eighth of the mean request, and there are twice as
/// many as can be served.
pub(super) const KINDS: [Kind; 2] = [
    Kind { name: "of 2 ms each", path: "/burn", least: 0.9 },
    Kind { name: "one in 20 of 2 ms", path: "/mix", least: 0.75 },
];

/// What a server does when it is asked for as much as it can answer.
#[derive(Clone, Copy, Debug)]
struct Calm {
    /// Requests a second.
    capacity: f64,
    /// CPU seconds of a request.
    cost: f64,
}

/// What it did when it was asked for twice as much.
#[derive(Debug)]
struct Round {
    load: Outcome,
    /// Requests a second that were answered while their client still waited.
    in_time: f64,
    /// The same, of what the server can.
    share: f64,
    /// CPU of a refusal, of that of a reply.
    refusal_cost: Option<f64>,
}

pub(super) fn run(
    contestant: &mut Contestant<'_>,
    cores: Cores,
    kind: Kind,
    time: Duration,
) -> Result<Verdict> {
    let origin = contestant.origin();
    let pid = contestant.pid();
    let few = To { is_tls: origin.is_tls, ..To::new(origin.address, kind.path, FEW) };
    let many = To { connections: MANY, ..few };
    let ask = |to: To<'_>, rate: f64, time: Duration| {
        on_core(cores.load, || to.open_watched(rate, time, pid)?.outcome())
    };
    let measure = || {
        settle(pid)?;
        let outcome = on_core(cores.load, || few.closed(CAPACITY_TIME, pid)?.outcome())?;
        Calm::of(&outcome)
    };

    let mut before = measure().context("it does not serve this")?;
    let (mut rounds, mut capacities) = (Vec::new(), vec![before.capacity]);
    for _ in 0..ROUNDS {
        let load = ask(many, 2.0 * before.capacity, time)?;
        let after = measure()?;
        rounds.push(Round::of(load, before, after, time)?);
        capacities.push(after.capacity);
        before = after;
    }
    // The least that a reply costs on so many connections at this rate: no refusal can cost less.
    let light = ask(To { path: "/light", ..many }, 2.0 * before.capacity, CAPACITY_TIME)?;
    let light = Calm::of(&light)?.cost / before.cost;
    Ok(verdict(&rounds, &capacities.into(), light, kind))
}

impl Calm {
    fn of(outcome: &Outcome) -> Result<Self> {
        ensure!(outcome.requests > 0 && outcome.seconds > 0.0, "nothing was answered");
        let cost = cpu(outcome)? / outcome.requests as f64;
        Ok(Self { capacity: outcome.requests as f64 / outcome.seconds, cost })
    }
}

impl Round {
    /// A server's capacity drifts with the clock of its core: what it was before and after counts.
    fn of(load: Outcome, before: Calm, after: Calm, time: Duration) -> Result<Self> {
        let latency = load.latencies.first().context("no latency was measured")?;
        let in_time = latency.within_second as f64 / time.as_secs_f64();
        let cost = f64::midpoint(before.cost, after.cost);
        let (served, refused) = load.seen;
        let shed = (cpu(&load)? - served as f64 * cost) / refused as f64;
        Ok(Self {
            in_time,
            share: in_time / f64::midpoint(before.capacity, after.capacity),
            refusal_cost: (refused > 0).then_some(shed.max(0.0) / cost),
            load,
        })
    }

    fn latency(&self, which: fn(&crate::load::Latency) -> f64) -> f64 {
        self.load.latencies.first().map_or(0.0, which) / 1e3
    }
}

fn cpu(outcome: &Outcome) -> Result<f64> {
    let cpu = outcome.cpu.context("the server was watched")?;
    Ok(cpu.server_user + cpu.server_sys)
}

fn verdict(rounds: &[Round], capacities: &Samples, light: f64, kind: Kind) -> Verdict {
    let over = |value: &dyn Fn(&Round) -> f64| rounds.iter().map(value).collect::<Samples>();
    let sum =
        |count: fn(&Outcome) -> u64| rounds.iter().map(|round| count(&round.load)).sum::<u64>();
    let percent = |value: f64| format!("{:.1} %", 100.0 * value);
    let spread = |all: &Samples| format!("{:.1}–{:.1}", 100.0 * all.low(), 100.0 * all.high());
    let share = over(&|round| round.share);
    let refusals: Samples = rounds.iter().filter_map(|round| round.refusal_cost).collect();
    let unless_none = |text: String| if refusals.is_empty() { "–".to_owned() } else { text };
    Verdict {
        cells: vec![
            format!("{:.0}/s", capacities.median()),
            format!("{:.0}/s", over(&|round| round.in_time).median()),
            percent(share.median()),
            spread(&share),
            sum(|load| load.requests).to_string(),
            sum(|load| load.refused).to_string(),
            sum(|load| load.failed).to_string(),
            sum(|load| load.unanswered).to_string(),
            format!("{:.0} ms", over(&|round| round.latency(|latency| latency.p50)).median()),
            format!("{:.0} ms", over(&|round| round.latency(|latency| latency.p99)).median()),
            unless_none(percent(refusals.median())),
            unless_none(spread(&refusals)),
            percent(light),
        ],
        // Whoever is refused is told so; a broken connection is another matter.
        is_unharmed: sum(|load| load.failed) == 0 && share.median() >= kind.least,
    }
}

/// Waits until the server has done with whoever has left.
fn settle(pid: u32) -> Result<()> {
    let started = Instant::now();
    let mut before = proc::cpu(pid)?;
    while started.elapsed() < SETTLE_MAX {
        thread::sleep(SETTLE_STEP);
        let now = proc::cpu(pid)?;
        if (now - before).total() < SETTLE_STEP / 10 {
            return Ok(());
        }
        before = now;
    }
    anyhow::bail!("it is still busy long after its clients have left")
}

/// One disturbed round must not decide.
const ROUNDS: usize = 3;
/// Enough to keep a server busy, and few enough to wait for a short time only.
const FEW: usize = 64;
/// As many users, who do not wait for each other: so many that a server which keeps all of them
/// waiting is late, and not they.
const MANY: usize = 15_000;
const CAPACITY_TIME: Duration = Duration::from_secs(3);
/// The kernel counts CPU in hundredths of a second.
const SETTLE_STEP: Duration = Duration::from_millis(200);
/// Longer than any server works for those who have left.
const SETTLE_MAX: Duration = Duration::from_secs(60);
