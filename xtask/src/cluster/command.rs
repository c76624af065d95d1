//! Ends servers in turn, starts them again, and counts what clients saw of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::{alone, balancer};
use crate::artifacts;
use crate::bench::{entries, raise_file_limit};
use crate::load::{Outcome, To};
use crate::server::Server;

/// How long and how hard.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Servers behind the balancer.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=100))]
    instances: u8,
    /// Requests a second.
    #[arg(long, default_value_t = 5_000.0)]
    pub(super) rate: f64,
    /// Requests in all, as far as the rate is kept.
    #[arg(long, default_value_t = 100_000)]
    requests: u32,
    /// Connections to the balancer.
    #[arg(long, default_value_t = 64)]
    pub(super) connections: usize,
    /// Seconds from one end of a server to the next.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    pub(super) every: f64,
    /// One server behind nothing, restarted by successors that take its listeners over.
    #[arg(long)]
    alone: bool,
}

/// How often servers ended, by the way they did.
#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    killed: u32,
    drained: u32,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(result) = artifacts::run_released() {
        return result;
    }
    raise_file_limit();
    if options.alone {
        return alone::run(options);
    }
    let program = entries::build_ours()?;
    let mut servers = Vec::new();
    for index in 0..options.instances {
        let address = Ipv4Addr::new(127, 0, 0, FIRST_HOST + index);
        servers.push(start(&program, SocketAddr::new(address.into(), 0))?);
    }
    let addresses: Vec<_> = servers.iter().map(Server::address).collect();
    let mut servers: Vec<_> = servers.into_iter().map(Some).collect();
    let balancer = balancer::start(&addresses)?;

    let time = options.time();
    let to = To::new(balancer.address(), "/light", options.connections);
    let load = to.open(options.rate, time)?;
    let ends = disturb(&program, &mut servers, &addresses, options, time)?;
    let outcome = load.outcome()?;

    println!("servers killed, and started again     {:>10}", ends.killed);
    println!("servers drained, and started again    {:>10}", ends.drained);
    tell(&outcome)
}

impl Options {
    /// How long the load lasts.
    pub(super) fn time(&self) -> Duration {
        Duration::from_secs_f64(f64::from(self.requests) / self.rate)
    }
}

/// What clients saw.
///
/// # Errors
/// When they noticed.
pub(super) fn tell(outcome: &Outcome) -> Result<()> {
    let latency = outcome.latencies.first().context("no latency was measured")?;
    println!("requests answered                     {:>10}", outcome.requests);
    println!("refused                               {:>10}", outcome.refused);
    println!("broken off                            {:>10}", outcome.failed);
    println!("never answered                        {:>10}", outcome.unanswered);
    println!("sent once more by the client          {:>10}", outcome.asked_again);
    let [p50, p99, max] = [latency.p50, latency.p99, latency.max].map(|micros| micros / 1e3);
    println!("p50, p99, max: {p50:.2}, {p99:.2}, {max:.1} ms");
    outcome.causes.lines().for_each(|line| println!("{line}"));
    ensure!(outcome.harmed() == 0, "clients noticed");
    Ok(())
}

/// Ends one server after the other, by SIGKILL and by SIGTERM in turn, until the time is up. The
/// last one is back before it is.
fn disturb(
    program: &Path,
    servers: &mut [Option<Server>],
    addresses: &[SocketAddr],
    options: &Options,
    time: Duration,
) -> Result<Ends> {
    let every = Duration::try_from_secs_f64(options.every).context("no such time")?;
    let started = Instant::now();
    let mut ends = Ends::default();
    for turn in 0.. {
        thread::sleep(every);
        if started.elapsed() + every + DOWN_TIME > time {
            break;
        }
        let index = turn % servers.len();
        let server = servers[index].take().context("a server is missing")?;
        if turn % 2 == 0 {
            drop(server);
            ends.killed += 1;
        } else {
            server.terminate(PATIENCE).context("a server does not drain")?;
            ends.drained += 1;
        }
        thread::sleep(DOWN_TIME);
        servers[index] = Some(start(program, addresses[index])?);
    }
    Ok(ends)
}

fn start(program: &Path, address: SocketAddr) -> Result<Server> {
    let mut command = Command::new(program);
    command.args(["--listen", &address.to_string(), "--workers", "1"]);
    Server::start(&mut command, PATIENCE)
}

/// Away from 127.0.0.1, where the balancer and the clients are.
const FIRST_HOST: u8 = 11;
/// Long enough to be noticed.
const DOWN_TIME: Duration = Duration::from_millis(500);
/// A drain takes 25 s at most.
const PATIENCE: Duration = Duration::from_secs(30);
