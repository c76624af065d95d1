//! What loads the server, for how long, and what must hold.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::readings::{Counters, WARM_UP_PART, drift};
use crate::artifacts;
use crate::bench::{entries, proc, raise_file_limit};
use crate::canary::{Run, Tally, work};
use crate::load::{To, sources};
use crate::server::Server;

/// How long and how hard.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long the load lasts.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Workers of the server.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Connections whose replies are checked to the last byte.
    #[arg(long, default_value_t = 64)]
    visitors: usize,
    /// Connections of attackers, of every kind there is.
    #[arg(long, default_value_t = 400)]
    attackers: usize,
    /// Light requests a second beside them, and a quarter as many of an async handler.
    #[arg(long, default_value_t = 1_000.0)]
    rate: f64,
    /// The most that memory may grow after the first fifth of the time, in per cent.
    #[arg(long, default_value_t = 1.0)]
    drift_max: f64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(result) = artifacts::run_released() {
        return result;
    }
    raise_file_limit();
    let time = Duration::try_from_secs_f64(60.0 * options.minutes).context("no such time")?;
    let mut command = Command::new(entries::build_ours()?);
    command.args(["--listen", "127.0.0.1:0", "--workers", &options.workers.to_string()]);
    let mut server = Server::start(&mut command, PATIENCE)?;
    let (pid, address) = (server.pid(), server.address());
    let base = Counters::read(pid, address, false)?;

    let light = To::new(address, "/light", 64).open(options.rate, time)?;
    let waiting = To::new(address, "/async", 64).open(options.rate / 4.0, time)?;
    let attackers = To {
        sources: Some(sources(options.attackers, 100)),
        ..To::new(address, "/plaintext", options.attackers)
    };
    let attack = attackers.attack(KINDS, 3.0, time)?;
    let (tally, resident) = soak(options, address, pid, time)?;
    let (light, waiting, fates) = (light.outcome()?, waiting.outcome()?, attack.outcome()?);

    let counters = settle(base, pid, address)?;
    server.terminate(PATIENCE).context("the server does not end well")?;
    let mib = |len: u64| len as f64 / f64::from(1 << 20);
    println!("{:>8}  {:>12}", "minute", "memory, MiB");
    for (index, len) in resident.iter().enumerate().step_by(resident.len().div_ceil(12).max(1)) {
        let minute = index as f64 * READ_EVERY.as_secs_f64() / 60.0;
        println!("{minute:>8.1}  {:>12.2}", mib(*len));
    }
    let drift = drift(&resident).context("the time was too short to read the memory")?;
    println!("memory grew by {drift:.2} % after the first fifth");
    println!(
        "{} replies checked, none wrong; {} connections hung up",
        tally.total(),
        tally.hung_up
    );
    for (name, load) in [("light", &light), ("async", &waiting)] {
        let p99 = load.latencies.first().map_or(0.0, |latency| latency.p99 / 1e3);
        println!("{} {name} replies, p99 {p99:.2} ms, {} harmed", load.requests, load.harmed());
    }
    let visits: u64 = fates.values().map(|fate| fate.connections).sum();
    println!("{visits} connections of attackers, and afterwards:");
    println!("  before: {base}\n  after:  {counters}");
    ensure!(counters.is_back_at(&base), "a counter is not back at its base");
    ensure!(light.harmed() + waiting.harmed() == 0, "good requests were harmed");
    ensure!(drift < options.drift_max, "the memory creeps");
    Ok(())
}

/// Checks replies and reads the memory until the time is up. While the server warms up there are
/// more visitors, so that what it ever keeps at a time is reached then: what comes on top later is
/// a leak, and not a busier moment.
fn soak(
    options: &Options,
    address: std::net::SocketAddr,
    pid: u32,
    time: Duration,
) -> Result<(Tally, Vec<u64>)> {
    let run = || Run {
        address,
        is_tls: false,
        seed: 0,
        checked: AtomicU64::new(0),
        wanted: u64::MAX,
        is_over: AtomicBool::new(false),
    };
    let (rush, run) = (run(), run());
    thread::scope(|scope| {
        let crew = scope.spawn(|| work(&run, 0, options.visitors));
        let helpers = scope.spawn(|| work(&rush, options.visitors, RUSH * options.visitors));
        let started = Instant::now();
        let mut resident = Vec::new();
        while started.elapsed() < time && !crew.is_finished() {
            thread::sleep(READ_EVERY.min(time));
            resident.push(proc::resident_len(pid)?);
            if started.elapsed() > time / WARM_UP_PART {
                // ORDERING: Relaxed: the crew may see it a turn later; it is joined.
                rush.is_over.store(true, Ordering::Relaxed);
            }
        }
        for run in [&run, &rush] {
            // ORDERING: Relaxed: as above.
            run.is_over.store(true, Ordering::Relaxed);
        }
        let mut tally = crew.join().expect("a crew does not panic")?;
        tally.add(&helpers.join().expect("a crew does not panic")?);
        Ok((tally, resident))
    })
}

/// Waits until the counters are at their base, for as long as the longest timeout of a connection
/// whose client has gone. Otherwise the last ones read.
fn settle(base: Counters, pid: u32, address: std::net::SocketAddr) -> Result<Counters> {
    let started = Instant::now();
    loop {
        let counters = Counters::read(pid, address, false)?;
        if counters.is_back_at(&base) || started.elapsed() > SETTLE_MAX {
            return Ok(counters);
        }
        thread::sleep(Duration::from_millis(500));
    }
}

const KINDS: &str = "silent,idle,slow-head,slow-body,slow-reader,reset,storm,deep";
/// So many times as many visitors come at first.
const RUSH: usize = 4;
const READ_EVERY: Duration = Duration::from_secs(5);
/// A send that stalls is given up after 30 s.
const SETTLE_MAX: Duration = Duration::from_secs(40);
/// Ample for a server that has nothing to do.
const PATIENCE: Duration = Duration::from_secs(40);
