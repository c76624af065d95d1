//! One round of heavy requests among light ones: what the light ones have to wait.

use anyhow::{Context, Result};

use super::contestant::Contestant;
use super::own_load::{self, OpenLoad};
use super::results::Round;

/// Of latencies, in milliseconds, those of light requests come first: p99 is the figure.
pub(crate) fn round(contestant: &mut Contestant<'_>, load: &OpenLoad<'_>) -> Result<Round> {
    let outcome = own_load::open(contestant, load)?;
    let [light, heavy, all] = &outcome.latencies[..] else {
        anyhow::bail!("the load tool measured no latency of both kinds");
    };
    let late = outcome.lateness.as_ref().context("the load tool does not tell how late it was")?;
    let cpu = outcome.cpu.context("the load tool did not read the server's CPU")?;
    let per_request = |seconds: f64| seconds * 1e6 / outcome.requests.max(1) as f64;
    Ok(Round {
        figure: light.p99 / 1e3,
        details: vec![
            ("p50", light.p50 / 1e3),
            ("p99.9", light.p999 / 1e3),
            ("heavy p50", heavy.p50 / 1e3),
            ("heavy p99", heavy.p99 / 1e3),
            ("heavy p99.9", heavy.p999 / 1e3),
            ("all p50", all.p50 / 1e3),
            ("all p99", all.p99 / 1e3),
            ("all p99.9", all.p999 / 1e3),
            ("req/s", outcome.requests as f64 / outcome.seconds),
            ("harmed", outcome.harmed() as f64),
            (SERVER_CPU, per_request(cpu.server_user + cpu.server_sys)),
            (TOOL_CPU, per_request(cpu.own)),
            ("tool late p50", late.p50 / 1e3),
            ("tool late p99", late.p99 / 1e3),
            ("tool late p99.9", late.p999 / 1e3),
        ],
        ..Round::default()
    })
}

pub(crate) const SERVER_CPU: &str = "server µs";
pub(crate) const TOOL_CPU: &str = "tool µs";
