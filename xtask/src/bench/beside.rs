//! One round of the row with heavy requests among light ones: what the light ones have to wait.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::contestant::Contestant;
use super::own_load::{self, OpenLoad};
use super::pinned::on_core;
use super::results::Round;

pub(crate) fn round(
    contestant: &mut Contestant<'_>,
    load_program: &Path,
    core: usize,
    load: &OpenLoad<'_>,
) -> Result<Round> {
    let origin = contestant.origin();
    let before = contestant.cpu()?;
    let outcome = on_core(core, || own_load::open(load_program, origin, load))?;
    let cpu = contestant.cpu()? - before;

    ensure!(outcome.unanswered == 0, "{} requests were never answered", outcome.unanswered);
    let light = outcome.latencies.first().context("the load tool measured no latency")?;
    let heavy = outcome.latencies.get(1).map_or(0.0, |latency| latency.p50);
    let late = outcome.lateness.as_ref().map_or(0.0, |lateness| lateness.p99);
    let wall = Duration::from_secs_f64(outcome.seconds) + WARM_UP;
    Ok(Round {
        figure: light.p99 / 1e3,
        details: vec![
            ("p50", light.p50 / 1e3),
            ("p99.9", light.p999 / 1e3),
            ("max", light.max / 1e3),
            ("heavy p50", heavy / 1e3),
            ("tool late p99", late / 1e3),
            ("server busy %", 100.0 * cpu.total().as_secs_f64() / wall.as_secs_f64()),
        ],
        ..Round::default()
    })
}

/// What the load tool spends before it records.
const WARM_UP: Duration = Duration::from_millis(500);
