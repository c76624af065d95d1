//! Measures the curves: point after point with every entry in turn, a fresh server each time, so
//! that nothing which an earlier point left behind is measured with a later one.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;

use super::arena::{Settings, failed, not_served, progress_bar};
use super::beside;
use super::contestant::{Contestant, Placement};
use super::curves::{Curve, LOADS, Points, Rising, Steady};
use super::entries::{Entry, OURS};
use super::memory::raise_file_limit;
use super::own_load::{self, OpenLoad};
use super::pinned::on_core;
use super::results::{CurveResult, EntryResult, Measured, Outcome, PointResult, Round};
use super::rows::{Mix, Needs, Request};
use super::saturation::Busy;
use super::table;

/// Measures and prints curve after curve.
pub(crate) fn run(
    settings: &Settings,
    entries: &[&Entry],
    curves: &[&Curve],
) -> Result<Vec<CurveResult>> {
    raise_file_limit();
    let point_count: usize = curves.iter().map(|curve| tasks(curve).len()).sum();
    let bar = progress_bar(point_count * entries.len() * settings.rounds as usize)?;
    let mut results = Vec::new();
    for curve in curves {
        let result = measure_curve(settings, entries, curve, &bar)?;
        bar.suspend(|| println!("\n{}", table::curve(&result)));
        results.push(result);
    }
    bar.finish_and_clear();
    Ok(results)
}

/// What is done at one point.
enum Task<'a> {
    Steady(Steady),
    Load { rising: &'a Rising, percent: u32 },
}

fn tasks(curve: &Curve) -> Vec<Task<'_>> {
    match &curve.points {
        Points::Steady(points) => points().into_iter().map(Task::Steady).collect(),
        Points::Load(rising) => LOADS.map(|percent| Task::Load { rising, percent }).into(),
    }
}

fn measure_curve(
    settings: &Settings,
    entries: &[&Entry],
    curve: &Curve,
    bar: &ProgressBar,
) -> Result<CurveResult> {
    let capacity = match &curve.points {
        Points::Steady(_) => 0.0,
        Points::Load(rising) => capacity(settings, entries, rising)?,
    };
    let tasks = tasks(curve);
    let lane = || entries.iter().map(|_| Ok(Vec::new())).collect::<Vec<_>>();
    let mut lanes: Vec<Vec<Result<Vec<Round>, Outcome>>> = tasks.iter().map(|_| lane()).collect();
    for round in 1..=settings.rounds {
        for (task, lanes) in tasks.iter().zip(&mut lanes) {
            for (entry, lane) in entries.iter().zip(lanes) {
                bar.set_message(format!(
                    "{} · {} · {} · round {round}",
                    curve.name,
                    task.at(),
                    entry.name
                ));
                if let Ok(rounds) = lane {
                    match measure(settings, entry, task, capacity) {
                        Ok(measured) => rounds.push(measured),
                        Err(outcome) => *lane = Err(outcome),
                    }
                }
                bar.inc(1);
            }
        }
    }
    let point = |(task, lanes): (&Task<'_>, Vec<_>)| PointResult {
        at: task.at(),
        entries: entries.iter().zip(lanes).map(|(entry, lane)| result(entry, lane)).collect(),
    };
    Ok(CurveResult {
        name: curve.name.to_owned(),
        title: curve.title.to_owned(),
        over: curve.over.to_owned(),
        unit: curve.unit.to_owned(),
        note: curve.note.to_owned(),
        base: curve.base.map(str::to_owned),
        points: tasks.iter().zip(lanes).map(point).collect(),
    })
}

impl Task<'_> {
    fn at(&self) -> f64 {
        match self {
            Self::Steady(steady) => steady.at,
            Self::Load { percent, .. } => f64::from(*percent),
        }
    }

    fn request(&self) -> &Request {
        match self {
            Self::Steady(steady) => &steady.request,
            Self::Load { rising, .. } => &rising.light,
        }
    }
}

fn result(entry: &Entry, lane: Result<Vec<Round>, Outcome>) -> EntryResult {
    let outcome = match lane {
        Ok(rounds) => Outcome::Measured(Measured::from_rounds(&rounds)),
        Err(outcome) => outcome,
    };
    EntryResult { entry: entry.name.clone(), outcome }
}

/// One round of one entry at one point.
fn measure(
    settings: &Settings,
    entry: &Entry,
    task: &Task<'_>,
    capacity: f64,
) -> Result<Round, Outcome> {
    let placement = match task {
        Task::Steady(Steady { workers: Some(count), .. }) => Placement::Anywhere(*count),
        _ => Placement::OneCore(settings.cores),
    };
    let failed = |error: anyhow::Error| failed(&entry.name, &error);
    let mut contestant =
        Contestant::start_at(entry, placement, Needs::default()).map_err(failed)?;
    if !contestant.serves(task.request()) {
        contestant.stop();
        return Err(not_served(entry));
    }
    let measured = match task {
        Task::Steady(point) => steady(settings, &mut contestant, point),
        Task::Load { rising, percent } => {
            let rate = capacity * f64::from(*percent) / 100.0;
            open(settings, &mut contestant, rising, rate)
        }
    };
    contestant.stop();
    measured.map_err(failed)
}

fn steady(settings: &Settings, contestant: &mut Contestant<'_>, point: &Steady) -> Result<Round> {
    let Settings { seconds, cores, .. } = settings;
    let connections = point.connections;
    // Accepting the connections takes time that must not be counted.
    let warm_up = WARM_UP + ACCEPT_TIME * connections;
    let mut load = || own_load::steady(contestant, &point.request, connections, warm_up, *seconds);
    let outcome = if point.workers.is_some() { load()? } else { on_core(cores.load, load)? };

    ensure!(outcome.requests > 0, "no request was answered");
    let cpu = outcome.cpu.context("the load tool did not read the server's CPU")?;
    let per_request = |seconds: f64| seconds * 1e6 / outcome.requests as f64;
    let share = |seconds: f64| Duration::from_secs_f64(seconds);
    let server = cpu.server_user + cpu.server_sys;
    Ok(Round {
        figure: per_request(server),
        details: vec![("user", per_request(cpu.server_user)), ("sys", per_request(cpu.server_sys))],
        requests_per_second: Some(outcome.requests as f64 / outcome.seconds),
        busy: Some(Busy::new(share(server), share(cpu.own), share(outcome.seconds))),
    })
}

/// Requests per second that our server can serve at most.
fn capacity(settings: &Settings, entries: &[&Entry], rising: &Rising) -> Result<f64> {
    let ours = entries.iter().find(|entry| entry.name == OURS);
    let ours = ours.context("our own entry is missing")?;
    let mut contestant = Contestant::start(ours, settings.cores, Needs::default())?;
    let point =
        Steady { at: 0.0, request: rising.blend, connections: rising.connections, workers: None };
    let round = steady(settings, &mut contestant, &point);
    contestant.stop();
    let round = round?;
    // Where the load tool was the bottleneck, the server could have served more: what its CPU would
    // have sufficed for.
    Ok(1e6 / round.figure)
}

fn open(
    settings: &Settings,
    contestant: &mut Contestant<'_>,
    rising: &Rising,
    rate: f64,
) -> Result<Round> {
    let load = OpenLoad {
        light: &rising.light,
        heavy: &rising.heavy,
        mix: Mix { heavy_share: rising.heavy_share, rate, connections: rising.connections },
        seconds: settings.seconds,
    };
    on_core(settings.cores.load, || beside::round(contestant, &load))
}

const WARM_UP: Duration = Duration::from_millis(300);
/// Ample for one connection, measured with the slowest entry.
const ACCEPT_TIME: Duration = Duration::from_micros(100);
