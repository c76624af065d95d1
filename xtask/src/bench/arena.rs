//! The arena: every row with every entry, in turn, round after round.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::contestant::Contestant;
use super::entries::{Entry, Launch, OURS};
use super::pinned::Cores;
use super::results::{EntryResult, Measured, Outcome, Round, RowResult};
use super::rows::{Row, Work};
use super::table;
use super::tool::Tool;
use super::{closed, constant, memory};
use crate::instructions;

/// How thoroughly to measure, and with what.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) rounds: u32,
    pub(crate) seconds: u32,
    pub(crate) tool: Tool,
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
    let bar = ProgressBar::new(step_count as u64).with_style(style);
    // The time goes on while a round takes its own.
    bar.enable_steady_tick(Duration::from_millis(500));
    Ok(bar)
}

/// Instructions and memory repeat.
fn rounds_of(row: &Row, rounds: u32) -> u32 {
    match row.work {
        Work::Instructions { .. } | Work::Idle { .. } | Work::Waiting { .. } => 1,
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
    let mut lanes: Vec<_> = entries
        .iter()
        .map(|entry| {
            bar.set_message(format!("{} · {} · starts", row.name, entry.name));
            enter(settings, entry, row)
        })
        .collect();
    for round in 1..=rounds_of(row, settings.rounds) {
        for (entry, lane) in entries.iter().zip(&mut lanes) {
            bar.set_message(format!("{} · {} · round {round}", row.name, entry.name));
            run_round(settings, entry, lane, &row.work);
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

/// One more round, unless an earlier one went wrong.
fn run_round(settings: &Settings, entry: &Entry, lane: &mut Lane<'_>, work: &Work) {
    let Lane::Running { contestant, rounds } = lane else { return };
    match measure(settings, contestant, work) {
        Ok(measured) => rounds.push(measured),
        Err(error) => {
            let over = Lane::Over(not_measured(entry, work, &error));
            // Stopped, not dropped: a server that is killed leaves its own children behind.
            if let Lane::Running { contestant, .. } = std::mem::replace(lane, over) {
                contestant.stop();
            }
        }
    }
}

/// Starts an entry's server, checks that it serves the row, and warms it up.
fn enter<'a>(settings: &Settings, entry: &'a Entry, row: &Row) -> Lane<'a> {
    if !entry.launch.may_serve(row.needs()) {
        return Lane::Over(not_served(entry));
    }
    let contestant = match Contestant::start(entry, settings.cores, row.needs()) {
        Ok(contestant) => contestant,
        // A command line that is not understood is one way of not serving.
        Err(_) if row.needs().is_special() => return Lane::Over(not_served(entry)),
        Err(error) => return Lane::Over(failed(&entry.name, &error)),
    };
    if !contestant.serves(row.work.request()) {
        contestant.stop();
        return Lane::Over(not_served(entry));
    }
    match warm_up(settings, &contestant, &row.work) {
        Ok(()) => Lane::Running { contestant, rounds: Vec::new() },
        Err(error) => {
            contestant.stop();
            Lane::Over(failed(&entry.name, &error))
        }
    }
}

/// Memory is about a fresh server, and instructions do without.
fn warm_up(settings: &Settings, contestant: &Contestant<'_>, work: &Work) -> Result<()> {
    let cores = settings.cores;
    match work {
        Work::Closed(asked) => closed::warm_up(contestant, cores.load, asked),
        _ => Ok(()),
    }
}

/// What is kept of an error is its outermost sentence: the causes may name the machine's folders.
pub(crate) fn failed(name: &str, error: &anyhow::Error) -> Outcome {
    eprintln!("{name}: {error:#}");
    Outcome::Failed(error.to_string())
}

/// Programs that valgrind cannot run are none the worse for it.
fn not_measured(entry: &Entry, work: &Work, error: &anyhow::Error) -> Outcome {
    match work {
        Work::Instructions { .. } => Outcome::NotMeasured(error.to_string()),
        _ => failed(&entry.name, error),
    }
}

pub(crate) fn not_served(entry: &Entry) -> Outcome {
    if entry.name == OURS { Outcome::NotYet } else { Outcome::NotServed }
}

/// One round of one entry.
fn measure(settings: &Settings, contestant: &mut Contestant<'_>, work: &Work) -> Result<Round> {
    let Settings { seconds, tool, cores, .. } = settings;
    match work {
        Work::Closed(asked) => closed::round(contestant, tool, cores.load, asked, *seconds),
        Work::Open { request, connections, rate } => {
            let seconds = *seconds;
            constant::round(contestant, cores.load, request, *connections, *rate, seconds)
        }
        Work::Idle { request, connections } => {
            // Memory that a server took for an earlier round would hide what this one needs.
            contestant.restart(*cores)?;
            memory::round(contestant, cores.load, request, *connections, true)
        }
        Work::Waiting { request, connections } => {
            contestant.restart(*cores)?;
            memory::round(contestant, cores.load, request, *connections, false)
        }
        Work::Instructions { request, connections } => {
            count(contestant.entry, request.path, *connections)
        }
    }
}

fn count(entry: &Entry, path: &str, connections: u32) -> Result<Round> {
    instructions::valgrind_version()?;
    let Launch::Program { path: program, arguments: [] } = &entry.launch else {
        bail!("only programs of the arena are counted, as they come");
    };
    let load =
        instructions::Load { connections: connections as usize, ..instructions::Load::get(path) };
    let counted = instructions::count(program, &load).context("it does not run under callgrind")?;
    Ok(Round { figure: counted.per_request as f64, ..Round::default() })
}
