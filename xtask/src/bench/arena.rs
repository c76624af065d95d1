//! The arena: every row with every entry, in turn, round after round.

use std::path::PathBuf;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::contestant::Contestant;
use super::entries::{Entry, OURS};
use super::own_load::OpenLoad;
use super::pinned::Cores;
use super::results::{EntryResult, Measured, Outcome, Round, RowResult};
use super::rows::{Row, Work};
use super::table;
use super::tool::Tool;
use super::{beside, closed, memory};
use crate::instructions;

/// How thoroughly to measure, and with what.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) rounds: u32,
    pub(crate) seconds: u32,
    pub(crate) tool: Tool,
    /// `xtask load`, for what no other tool measures.
    pub(crate) own_load: PathBuf,
    pub(crate) cores: Cores,
}

/// Measures and prints row after row.
pub(crate) fn run(settings: &Settings, entries: &[Entry], rows: &[&Row]) -> Result<Vec<RowResult>> {
    memory::raise_file_limit();
    let round_count: u32 = rows.iter().map(|row| rounds_of(row, settings.rounds)).sum();
    let bar = progress_bar(round_count as usize * entries.len())?;
    let mut results = Vec::new();
    for row in rows {
        let result = measure_row(settings, entries, row, &bar)?;
        bar.suspend(|| println!("\n{}", table::row(&result)));
        results.push(result);
    }
    bar.finish_and_clear();
    Ok(results)
}

pub(crate) fn progress_bar(step_count: usize) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}")
        .context("the progress bar's template is wrong")?;
    Ok(ProgressBar::new(step_count as u64).with_style(style))
}

/// Instructions and memory repeat, and what is not measured takes no rounds.
fn rounds_of(row: &Row, rounds: u32) -> u32 {
    match row.work {
        Work::Awaited { .. } => 0,
        Work::Instructions { .. } | Work::Idle { .. } => 1,
        _ => rounds,
    }
}

/// An entry in one row.
enum Lane<'a> {
    Running { contestant: Contestant<'a>, rounds: Vec<Round> },
    Over(Outcome),
}

fn measure_row(
    settings: &Settings,
    entries: &[Entry],
    row: &Row,
    bar: &ProgressBar,
) -> Result<RowResult> {
    let mut lanes: Vec<_> = entries.iter().map(|entry| enter(settings, entry, row)).collect();
    for round in 1..=rounds_of(row, settings.rounds) {
        for (entry, lane) in entries.iter().zip(&mut lanes) {
            bar.set_message(format!("{} · {} · round {round}", row.name, entry.name));
            if let Lane::Running { contestant, rounds } = lane {
                match measure(settings, contestant, &row.work) {
                    Ok(measured) => rounds.push(measured),
                    Err(error) => *lane = Lane::Over(failed(&entry.name, &error)),
                }
            }
            bar.inc(1);
        }
    }
    let leave = |(entry, lane): (&Entry, Lane<'_>)| {
        let outcome = match lane {
            Lane::Running { contestant, rounds } => {
                contestant.stop();
                Outcome::Measured(Measured::from_rounds(&rounds))
            }
            Lane::Over(outcome) => outcome,
        };
        EntryResult { entry: entry.name.clone(), outcome }
    };
    Ok(RowResult {
        name: row.name.to_owned(),
        title: row.title.to_owned(),
        unit: row.unit.to_owned(),
        base: row.base.map(str::to_owned),
        entries: entries.iter().zip(lanes).map(leave).collect(),
    })
}

/// Starts an entry's server and checks that it serves the row.
fn enter<'a>(settings: &Settings, entry: &'a Entry, row: &Row) -> Lane<'a> {
    let Some(request) = row.work.request() else { return Lane::Over(not_served(entry)) };
    match Contestant::start(entry, settings.cores, row.is_tls) {
        Ok(contestant) if contestant.serves(request) => {
            Lane::Running { contestant, rounds: Vec::new() }
        }
        Ok(contestant) => {
            contestant.stop();
            Lane::Over(not_served(entry))
        }
        // A command line that is not understood is one way of not serving.
        Err(_) if row.is_tls => Lane::Over(not_served(entry)),
        Err(error) => Lane::Over(failed(&entry.name, &error)),
    }
}

/// What is kept of an error is its outermost sentence: the causes may name the machine's folders.
pub(crate) fn failed(name: &str, error: &anyhow::Error) -> Outcome {
    eprintln!("{name}: {error:#}");
    Outcome::Failed(error.to_string())
}

pub(crate) fn not_served(entry: &Entry) -> Outcome {
    if entry.name == OURS { Outcome::NotYet } else { Outcome::NotServed }
}

/// One round of one entry.
fn measure(settings: &Settings, contestant: &mut Contestant<'_>, work: &Work) -> Result<Round> {
    let Settings { seconds, tool, own_load, cores, .. } = settings;
    match work {
        Work::Closed { request, connections, depth } => {
            closed::round(contestant, tool, cores.load, request, *connections, *depth, *seconds)
        }
        Work::Beside { light, heavy, heavy_share, rate, connections } => {
            let load = OpenLoad {
                light,
                heavy,
                heavy_share: *heavy_share,
                rate: f64::from(*rate),
                connections: *connections,
                seconds: *seconds,
            };
            beside::round(contestant, own_load, cores.load, &load)
        }
        Work::Idle { request, connections } => {
            // Memory that a server took for an earlier round would hide what this one needs.
            contestant.restart(*cores)?;
            memory::round(contestant, own_load, cores.load, request, *connections)
        }
        Work::Instructions { request, connections } => {
            count(contestant.entry, request.path, *connections)
        }
        Work::Awaited { missing } => anyhow::bail!("{missing} cannot be loaded yet"),
    }
}

fn count(entry: &Entry, path: &str, connections: u32) -> Result<Round> {
    instructions::valgrind_version()?;
    let load =
        instructions::Load { connections: connections as usize, ..instructions::Load::get(path) };
    let counted = instructions::count(&entry.program, &load)?;
    Ok(Round { figure: counted.per_request as f64, ..Round::default() })
}
