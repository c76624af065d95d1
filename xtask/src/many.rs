//! `many`: more connections than one process may open files, each asking now and then. Several
//! processes hold them, from addresses of their own; the server has a table of files for each
//! worker.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::artifacts;
use crate::bench::{entries, proc, raise_file_limit};
use crate::load::{Causes, Child, Latency, Outcome, Sources, To};
use crate::server::Server;

/// How many, and how often they ask.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many connections.
    #[arg(long, default_value_t = 200_000)]
    connections: usize,
    /// Seconds from one request of a connection to its next.
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0)]
    every: f64,
    /// How long they ask, once all are connected.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// Connections of one process.
    #[arg(long, value_name = "COUNT", default_value_t = 18_000, value_parser = clap::value_parser!(u16).range(1..=18_000))]
    per_process: u16,
    /// Workers of the server, each with files of its own: as many as it takes to hold them all.
    #[arg(long, default_value_t = 16)]
    workers: usize,
    /// Further arguments of the server, separated by spaces.
    #[arg(long, value_name = "ARGUMENTS", default_value = "", allow_hyphen_values = true)]
    server: String,
}

/// What connections cost the machine.
#[derive(Clone, Copy, Debug)]
struct Memory {
    server: u64,
    /// Of the kernel, for whatever purpose.
    slab: u64,
    /// Of the machine, for anything but files that can be read again.
    used: u64,
    /// Of the machine, as far as it can be given out.
    free: u64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(result) = artifacts::run_released() {
        return result;
    }
    raise_file_limit();
    let mut command = Command::new(entries::build_ours()?);
    let workers = options.workers.to_string();
    command.args(["--unshare-fds", "--listen", "127.0.0.1:0", "--workers", &workers]);
    command.args(options.server.split_whitespace());
    let mut server = Server::start(&mut command, PATIENCE)?;
    let (pid, address) = (server.pid(), server.address());

    let before = Memory::read(pid)?;
    let share = FREE_MIN + u64::try_from(options.connections)? * KERNEL_LEN;
    ensure!(before.free >= share, "{} MiB are free, and {} needed", before.free >> 20, share >> 20);
    let started = Instant::now();
    let time = Duration::try_from_secs_f64(options.seconds).context("no such time")?;
    let loads = connect_all(options, address, time)?;
    let connected_after = started.elapsed();
    let during = Memory::read(pid)?;
    let (cpu, asked_at) = (proc::cpu(pid)?, Instant::now());
    thread::sleep(time);
    let used = (proc::cpu(pid)? - cpu).total().as_secs_f64() / asked_at.elapsed().as_secs_f64();
    let settled = Memory::read(pid)?;

    let mut worst: Option<Latency> = None;
    let (mut answered, mut harmed, mut asked_again) = (0, 0, 0);
    let mut causes = Causes::default();
    for load in loads {
        let outcome = load.outcome()?;
        answered += outcome.requests;
        harmed += outcome.harmed();
        asked_again += outcome.asked_again;
        causes.add(&outcome.causes);
        let slower = |latency: &Latency| worst.as_ref().is_none_or(|worst| latency.p99 > worst.p99);
        worst = outcome.latencies.into_iter().next().filter(slower).or(worst);
    }
    server.terminate(PATIENCE).context("the server does not end well")?;

    let latency = worst.context("no latency was measured")?;
    let each =
        |after: u64, before: u64| after.saturating_sub(before) as f64 / options.connections as f64;
    println!("connections                      {:>12}", options.connections);
    println!("made within                      {:>10.1} s", connected_after.as_secs_f64());
    println!("server's memory                  {:>8.1} MiB", settled.server as f64 / MIB);
    println!("  growth for each                {:>10.0} B", each(settled.server, before.server));
    println!(
        "kernel's slabs grew by, for each {:>10.0} B, both ends",
        each(during.slab, before.slab)
    );
    let all = settled.used.saturating_sub(before.used) as f64 / MIB;
    println!("all memory, clients and kernel   {all:>8.1} MiB");
    println!("server's CPU while they ask      {:>10.1} % of a core", 100.0 * used);
    println!("requests answered                {answered:>12}");
    println!("refused, broken off, unanswered  {harmed:>12}");
    println!("sent once more by the client     {asked_again:>12}");
    println!(
        "p50 and p99 of the slowest part  {:.2} and {:.2} ms",
        latency.p50 / 1e3,
        latency.p99 / 1e3
    );
    causes.lines().for_each(|line| println!("{line}"));
    ensure!(harmed == 0, "requests were harmed");
    Ok(())
}

/// Starts the processes that hold the connections, one after the other.
fn connect_all(
    options: &Options,
    address: SocketAddr,
    time: Duration,
) -> Result<Vec<Child<Outcome>>> {
    // Others than those of the run before, whose ports the kernel keeps for a minute.
    let base = (std::process::id() % 256) * 4096;
    let started = Instant::now();
    let mut loads = Vec::new();
    let mut left = options.connections;
    while left > 0 {
        // Below the usual limit of 20,000 files; the tool has some of its own.
        let count = left.min(usize::from(options.per_process));
        let first = Sources::nth(base + u32::try_from(loads.len())? * SOURCES_PER_PROCESS);
        let sources = Some(Sources { first, count: SOURCES_PER_PROCESS });
        let to = To { sources, ..To::new(address, "/light", count) };
        // The first to connect still asks when the last does.
        let connecting = Duration::from_secs_f64(left as f64 / CONNECTED_PER_SECOND_MIN);
        let mut load = to.open_in_turn(count as f64 / options.every, time + connecting)?;
        load.wait_until_connected()?;
        loads.push(load);
        left -= count;
        eprintln!("{} connected, {:.0?}", options.connections - left, started.elapsed());
    }
    Ok(loads)
}

impl Memory {
    fn read(pid: u32) -> Result<Self> {
        let text = fs::read_to_string("/proc/meminfo")?;
        let read = |name| proc::memory(&text, name).context("/proc/meminfo lacks a line");
        let (slab, free) = (proc::slab_len()?, read("MemAvailable:")?);
        let spared = read("MemFree:")? + read("Buffers:")? + read("Cached:")?;
        let used = read("MemTotal:")?.saturating_sub(spared);
        Ok(Self { server: proc::resident_len(pid)?, slab, used, free })
    }
}

/// An address has some 28,000 ports towards one of the server's. The fuller it is, the longer the
/// kernel looks for a free one.
const SOURCES_PER_PROCESS: u32 = 4;
/// Slower than any machine that can hold them; it only makes the first ones ask for longer.
const CONNECTED_PER_SECOND_MIN: f64 = 8_000.0;
const PATIENCE: Duration = Duration::from_secs(60);
/// What a connection takes with both its ends and their processes, measured, and a third more.
const KERNEL_LEN: u64 = 16 << 10;
/// What the machine keeps for everything else: more connections than it can hold would end it.
const FREE_MIN: u64 = 1 << 30;
const MIB: f64 = (1 << 20) as f64;
