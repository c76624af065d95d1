//! The rows with heavy requests among light ones: every server with two workers, at shares of what
//! two cores can do, in each of the ways in which it can run the heavy ones.

use anyhow::{Context, Result};

use super::arena::{Settings, failed, progress_bar};
use super::beside::{self, SERVER_CPU, TOOL_CPU};
use super::contestant::{Contestant, Placement};
use super::entries::{Entry, OURS};
use super::own_load::OpenLoad;
use super::results::{EntryResult, Measured, Outcome, Round, RowResult};
use super::rows::{BURN, LIGHT, Mix, Needs, Request};
use super::table;

/// What the rows are called together on the command line; each has its load behind it.
pub(crate) const NAME: &str = "beside";

/// A server in one of its ways.
struct Contender<'a> {
    name: String,
    entry: &'a Entry,
    heavy: &'static Request,
}

/// One row.
#[derive(Clone, Copy)]
struct Load {
    percent: u32,
    connections: u32,
}

/// Measures and prints row after row.
pub(crate) fn run(settings: &Settings, entries: &[&Entry]) -> Result<Vec<RowResult>> {
    let contenders = contenders(entries);
    let capacity = capacity(settings, &contenders)?;
    println!("\ntwo workers answer {} req/s at most, one in 20 heavy", table::number(capacity));
    let bar = progress_bar(LOADS.len() * contenders.len() * settings.rounds as usize)?;
    let lane = || contenders.iter().map(|_| Ok(Vec::new())).collect::<Vec<_>>();
    let mut lanes: Vec<Vec<Result<Vec<Round>, Outcome>>> = LOADS.iter().map(|_| lane()).collect();
    for round in 1..=settings.rounds {
        for (load, lanes) in LOADS.iter().zip(&mut lanes) {
            for (contender, lane) in contenders.iter().zip(lanes) {
                bar.set_message(format!("{} · {} · round {round}", load.name(), contender.name));
                if let Ok(rounds) = lane {
                    match measure(settings, contender, load.mix(capacity)) {
                        Ok(measured) => rounds.push(measured),
                        Err(error) => *lane = Err(failed(&contender.name, &error)),
                    }
                }
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    let rows = LOADS.iter().zip(lanes).map(|(load, lanes)| load.row(capacity, &contenders, lanes));
    Ok(rows.inspect(|row| println!("\n{}", table::row(row))).collect())
}

/// Whoever serves both kinds of request, once for each way to run the heavy ones.
fn contenders<'a>(entries: &[&'a Entry]) -> Vec<Contender<'a>> {
    let mut contenders = Vec::new();
    for entry in entries {
        // Who does not start with two workers takes no part.
        let Ok(contestant) = start(entry) else { continue };
        for (way, heavy) in &WAYS {
            if contestant.serves(&LIGHT) && contestant.serves(heavy) {
                let name = format!("{}{way}", entry.name);
                contenders.push(Contender { name, entry, heavy });
            }
        }
        contestant.stop();
    }
    contenders
}

/// Workers and load tool share all cores, as the kernel places them.
fn start(entry: &Entry) -> Result<Contestant<'_>> {
    Contestant::start_at(entry, Placement::Anywhere(WORKER_COUNT), Needs::default())
}

/// Each round has a server of its own.
fn measure(settings: &Settings, contender: &Contender<'_>, mix: Mix) -> Result<Round> {
    let mut contestant = start(contender.entry)?;
    let load = OpenLoad { light: &LIGHT, heavy: contender.heavy, mix, seconds: settings.seconds };
    let round = beside::round(&mut contestant, &load);
    contestant.stop();
    round
}

/// The rate at which our server and the load tool would have no time left. Both need more CPU for a
/// request when they sleep in between, so it is found at a rate like those of the rows.
fn capacity(settings: &Settings, contenders: &[Contender<'_>]) -> Result<f64> {
    let ours = contenders.iter().find(|contender| contender.entry.name == OURS);
    let ours = ours.context("our own server does not serve light and heavy requests")?;
    let core_count = std::thread::available_parallelism()?.get() as f64;
    let mut capacity = f64::from(WORKER_COUNT) * 1e3;
    for _ in 0..CAPACITY_STEPS {
        let mix = Mix { heavy_share: HEAVY_SHARE, rate: capacity * 0.7, connections: 64 };
        let round = measure(settings, ours, mix)?;
        let detail = |name| round.details.iter().find(|(detail, _)| *detail == name);
        let cpu = |name| detail(name).map_or(0.0, |(_, micros)| micros / 1e6);
        let (server, tool) = (cpu(SERVER_CPU), cpu(TOOL_CPU));
        capacity = (f64::from(WORKER_COUNT) / server).min(core_count / (server + tool));
    }
    Ok(capacity)
}

impl Load {
    fn name(self) -> String {
        format!("{NAME}-{}-{}", self.percent, self.connections)
    }

    fn mix(self, capacity: f64) -> Mix {
        let rate = capacity * f64::from(self.percent) / 100.0;
        Mix { heavy_share: HEAVY_SHARE, rate, connections: self.connections }
    }

    fn row(
        self,
        capacity: f64,
        contenders: &[Contender<'_>],
        lanes: Vec<Result<Vec<Round>, Outcome>>,
    ) -> RowResult {
        let result = |(contender, lane): (&Contender<'_>, Result<Vec<Round>, Outcome>)| {
            let measured = lane.map(|rounds| Outcome::Measured(Measured::from_rounds(&rounds)));
            let outcome = measured.unwrap_or_else(|outcome| outcome);
            EntryResult { entry: contender.name.clone(), outcome }
        };
        let rate = table::number(self.mix(capacity).rate);
        let Self { percent, connections } = self;
        RowResult {
            name: self.name(),
            title: format!(
                "/light beside 5 % /burn, two workers, {connections} connections, {percent} % of \
                 the capacity ({rate}/s), p99 of /light"
            ),
            unit: "ms".into(),
            base: None,
            entries: contenders.iter().zip(lanes).map(result).collect(),
        }
    }
}

/// The ways to run a heavy request: as it comes, so that light ones pass in between, and in the
/// framework's pool of threads.
const WAYS: [(&str, Request); 3] = [
    ("", BURN),
    (" breathing", Request::get("/burn-breathe", "ok")),
    (" in a pool", Request::get("/burn-blocking", "ok")),
];

/// The last one asks for more than any server can answer: it shows how many it does.
const LOADS: [Load; 7] = [
    Load { percent: 50, connections: 64 },
    Load { percent: 70, connections: 64 },
    Load { percent: 83, connections: 64 },
    Load { percent: 50, connections: 1_000 },
    Load { percent: 70, connections: 1_000 },
    Load { percent: 83, connections: 1_000 },
    Load { percent: 130, connections: 64 },
];

const WORKER_COUNT: u32 = 2;
/// With 2 ms each, the heavy ones are nearly all of the work.
const HEAVY_SHARE: f64 = 0.05;
/// Each starts from what the one before has found.
const CAPACITY_STEPS: u32 = 2;
