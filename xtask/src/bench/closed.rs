//! One round of a closed-loop row: what the server's CPU spends on a request.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::contestant::Contestant;
use super::own_load;
use super::pinned::on_core;
use super::proc::cpu_of_ended_children;
use super::results::Round;
use super::rows::Closed;
use super::saturation::Busy;
use super::tool::Tool;

/// Lets caches, memory and branch predictors of the server settle before a first round is measured.
pub(crate) fn warm_up(contestant: &Contestant<'_>, core: usize, asked: &Closed) -> Result<()> {
    let origin = contestant.origin();
    on_core(core, || own_load::closed(origin, asked, WARM_UP.as_secs_f64()))?;
    Ok(())
}

/// Loads the server and sets what the kernel counted against what the load tool counted.
pub(crate) fn round(
    contestant: &mut Contestant<'_>,
    tool: &Tool,
    core: usize,
    asked: &Closed,
    seconds: u32,
) -> Result<Round> {
    let origin = contestant.origin();
    let server_before = contestant.cpu()?;
    let load_before = cpu_of_ended_children()?;
    let started = Instant::now();
    let loaded = on_core(core, || tool.load(origin, asked, seconds))?;
    let wall = started.elapsed();
    let server = contestant.cpu()? - server_before;
    let load = cpu_of_ended_children()? - load_before;

    ensure!(loaded.requests > 0, "no request was answered");
    let per_request = |cpu: Duration| cpu.as_secs_f64() * 1e6 / loaded.requests as f64;
    Ok(Round {
        figure: per_request(server.total()),
        details: vec![("user", per_request(server.user)), ("sys", per_request(server.sys))],
        requests_per_second: Some(loaded.requests as f64 / loaded.seconds),
        busy: Some(Busy::new(server.total(), load.total(), wall)),
    })
}

/// Tens of thousands of small requests, thousands of large ones.
const WARM_UP: Duration = Duration::from_millis(400);
