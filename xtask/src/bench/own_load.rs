//! Runs `xtask load` as a process of its own, so that its CPU is counted apart and it can be tied
//! to a core.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::body_file::BodyFile;
use super::contestant::Contestant;
use super::origin::Origin;
use super::rows::{Mix, Request};
use super::tool::Loaded;
use crate::artifacts;
use crate::load::Outcome;
use crate::process::{Guarded, cargo, output};

/// This program, built with optimisation.
pub(crate) fn build() -> Result<PathBuf> {
    if !cfg!(debug_assertions) {
        return std::env::current_exe().context("this program cannot find itself");
    }
    let built = artifacts::build(&mut cargo(&["build", "--release", "--package=xtask"]))?;
    let own = built.into_iter().find(|artifact| artifact.name == "xtask");
    Ok(own.context("cargo did not build xtask")?.path)
}

pub(crate) fn closed(
    program: &Path,
    origin: Origin,
    request: &Request,
    connections: u32,
    depth: u32,
    seconds: f64,
) -> Result<Loaded> {
    let mut command = command(program, "closed", origin, request, connections);
    command.args(["--depth", &depth.to_string(), "--seconds", &seconds.to_string()]);
    let body = BodyFile::write(request)?;
    command.args(body.path().map(|path| format!("--body={}", path.display())));
    let outcome = parse(&output(&mut command)?)?;
    Ok(Loaded { requests: outcome.requests, seconds: outcome.seconds, errors: 0 })
}

/// A closed loop, one request at a time on each connection, with the CPU of both sides while it was
/// in full swing: connecting and accepting is left out.
pub(crate) fn steady(
    program: &Path,
    contestant: &mut Contestant<'_>,
    request: &Request,
    connections: u32,
    warm_up: Duration,
    seconds: u32,
) -> Result<Outcome> {
    let mut command = command(program, "closed", contestant.origin(), request, connections);
    command.args(["--warm-up", &warm_up.as_secs_f64().to_string()]);
    command.args(["--seconds", &seconds.to_string(), "--watch", &contestant.pid().to_string()]);
    let body = BodyFile::write(request)?;
    command.args(body.path().map(|path| format!("--body={}", path.display())));
    parse(&output(&mut command)?)
}

/// Light and heavy requests at a constant rate.
pub(crate) struct OpenLoad<'a> {
    pub(crate) light: &'a Request,
    pub(crate) heavy: &'a Request,
    pub(crate) mix: Mix,
    pub(crate) seconds: u32,
}

pub(crate) fn open(
    program: &Path,
    contestant: &mut Contestant<'_>,
    load: &OpenLoad<'_>,
) -> Result<Outcome> {
    let Mix { heavy_share, rate, connections } = load.mix;
    let mut command = command(program, "open", contestant.origin(), load.light, connections);
    // Who cannot keep up refuses some, and is measured all the same.
    command.args(["--tolerant", "--watch", &contestant.pid().to_string()]);
    command.args(["--rate", &rate.to_string(), "--seconds", &load.seconds.to_string()]);
    command.args(["--beside", load.heavy.path, "--share", &heavy_share.to_string()]);
    let body = BodyFile::write(load.light)?;
    command.args(body.path().map(|path| format!("--body={}", path.display())));
    parse(&output(&mut command)?)
}

/// Requests at a constant rate, each on a connection chosen at random.
pub(crate) fn constant(
    program: &Path,
    contestant: &mut Contestant<'_>,
    request: &Request,
    connections: u32,
    rate: f64,
    seconds: u32,
) -> Result<Outcome> {
    let mut command = command(program, "open", contestant.origin(), request, connections);
    command.args(MANY_SOURCES);
    command.args(["--greet", request.path, "--watch", &contestant.pid().to_string()]);
    command.args(["--rate", &rate.to_string(), "--seconds", &seconds.to_string()]);
    parse(&output(&mut command)?)
}

/// Connections that stay until this is dropped.
#[derive(Debug)]
pub(crate) struct Holder {
    _process: Guarded,
}

impl Holder {
    /// Returns when every connection has asked, and had its reply if that is awaited.
    pub(crate) fn start(
        program: &Path,
        origin: Origin,
        request: &Request,
        connections: u32,
        awaits_replies: bool,
    ) -> Result<Self> {
        let mut command = command(program, "hold", origin, request, connections);
        command.args(MANY_SOURCES);
        command.args((!awaits_replies).then_some("--unread"));
        let mut process = Guarded::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let stdout = process.child_mut().stdout.take().context("the holder has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        ensure!(line.starts_with("holding"), "the connections cannot be held");
        Ok(Self { _process: process })
    }
}

fn command(
    program: &Path,
    way: &str,
    Origin { address, is_tls }: Origin,
    request: &Request,
    connections: u32,
) -> Command {
    let mut command = Command::new(program);
    command.args(["load", way, "--address", &address.to_string(), "--path", request.path]);
    command.args(["--connections", &connections.to_string()]);
    command.args(is_tls.then_some("--tls"));
    for (name, value) in request.content.fields() {
        command.args(["--field", &format!("{name}: {value}")]);
    }
    command
}

fn parse(printed: &str) -> Result<Outcome> {
    let outcome = printed.lines().next_back().unwrap_or_default();
    serde_json::from_str(outcome).context("the load tool printed no outcome")
}

/// An address has some 14,000 ports towards one of the server's that the kernel finds soon.
const MANY_SOURCES: [&str; 4] = ["--source", "127.2.0.1", "--source-count", "8"];
