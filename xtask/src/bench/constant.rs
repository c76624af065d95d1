//! One round of a row at a constant rate: what a server's CPU spends on a request when nobody
//! hurries it, and how late it answers.

use anyhow::{Context, Result, ensure};

use super::contestant::Contestant;
use super::memory::affordable;
use super::own_load;
use super::pinned::on_core;
use super::results::Round;
use super::rows::Request;

pub(crate) fn round(
    contestant: &mut Contestant<'_>,
    core: usize,
    request: &Request,
    connections: u32,
    rate: f64,
    seconds: u32,
) -> Result<Round> {
    let connections = connections.min(affordable());
    let load = || own_load::constant(contestant, request, connections, rate, seconds);
    let outcome = on_core(core, load)?;
    ensure!(outcome.requests > 0, "no request was answered");
    ensure!(outcome.unanswered == 0, "{} requests were never answered", outcome.unanswered);
    let cpu = outcome.cpu.context("the server was watched")?;
    let latency = outcome.latencies.first().context("the load tool measured no latency")?;
    let late = outcome.lateness.as_ref().map_or(0.0, |lateness| lateness.p99);
    let per_request = |seconds: f64| seconds * 1e6 / outcome.requests as f64;
    Ok(Round {
        figure: per_request(cpu.server_user + cpu.server_sys),
        details: vec![
            ("user", per_request(cpu.server_user)),
            ("sys", per_request(cpu.server_sys)),
            ("p99 ms", latency.p99 / 1e3),
            ("tool late p99 ms", late / 1e3),
            ("tool busy %", 100.0 * cpu.own / outcome.seconds),
            ("connections", f64::from(connections)),
        ],
        requests_per_second: Some(outcome.requests as f64 / outcome.seconds),
        ..Round::default()
    })
}
