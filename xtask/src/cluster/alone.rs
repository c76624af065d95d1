//! One server behind nothing. Each successor takes the listeners over and begins to accept before
//! its predecessor drains.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::command::{Options, tell};
use crate::artifacts;
use crate::load::To;
use crate::process::{cargo, target_dir};
use crate::server::Server;

pub(super) fn run(options: &Options) -> Result<()> {
    let arguments = ["build", "--release", "--package=waterwheel", "--bin=waterwheel"];
    let built = artifacts::build(&mut cargo(&arguments))?;
    let program = built.into_iter().find(|artifact| artifact.name == "waterwheel");
    let program = program.context("cargo did not build waterwheel")?.path;
    let folder = target_dir().join(format!("cluster-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let restarted = restart_under_load(&program, &folder.join("restart"), options);
    fs::remove_dir_all(&folder)?;
    restarted
}

fn restart_under_load(program: &Path, door: &Path, options: &Options) -> Result<()> {
    let every = Duration::try_from_secs_f64(options.every).context("no such time")?;
    let mut server = start(program, door, "127.0.0.1:0")?;
    let address = server.address();
    let time = options.time();
    let load = To::new(address, "/demo/wheel", options.connections).open(options.rate, time)?;
    let started = Instant::now();
    let mut restarts = 0;
    loop {
        thread::sleep(every);
        if started.elapsed() + every > time {
            break;
        }
        let successor = start(program, door, &address.to_string())?;
        let predecessor = std::mem::replace(&mut server, successor);
        predecessor.wait(PATIENCE).context("a server that was succeeded goes on")?;
        restarts += 1;
    }
    let outcome = load.outcome()?;
    server.terminate(PATIENCE).context("the last server does not end well")?;
    println!("restarts                              {restarts:>10}");
    tell(&outcome)
}

fn start(program: &Path, door: &Path, address: &str) -> Result<Server> {
    let mut command = Command::new(program);
    command.args(["--listen", address, "--workers", "1", "--restart-socket"]).arg(door);
    Server::start(&mut command, PATIENCE)
}

/// A drain takes 25 s at most.
const PATIENCE: Duration = Duration::from_secs(30);
