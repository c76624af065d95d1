//! Runs `xtask load` as a process of its own, so that its CPU is counted apart and it can be tied
//! to a core.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::body_file::BodyFile;
use super::contestant::Contestant;
use super::origin::Origin;
use super::rows::{Closed, Mix, Request};
use super::tool::Loaded;
use crate::load::Outcome;
use crate::process::{Guarded, output};

pub(crate) fn closed(origin: Origin, asked: &Closed, seconds: f64) -> Result<Loaded> {
    let mut load = Load::new("closed", origin, &asked.request, asked.connections)?;
    load.command.args(["--depth", &asked.depth.to_string(), "--seconds", &seconds.to_string()]);
    let outcome = load.run()?;
    Ok(Loaded { requests: outcome.requests, seconds: outcome.seconds, errors: 0 })
}

/// A closed loop, one request at a time on each connection, with the CPU of both sides while it was
/// in full swing: connecting and accepting is left out.
pub(crate) fn steady(
    contestant: &mut Contestant<'_>,
    request: &Request,
    connections: u32,
    warm_up: Duration,
    seconds: u32,
) -> Result<Outcome> {
    let mut load = Load::watching("closed", contestant, request, connections)?;
    load.command.args(["--warm-up", &warm_up.as_secs_f64().to_string()]);
    load.command.args(["--seconds", &seconds.to_string()]);
    load.run()
}

/// Light and heavy requests at a constant rate.
pub(crate) struct OpenLoad<'a> {
    pub(crate) light: &'a Request,
    pub(crate) heavy: &'a Request,
    pub(crate) mix: Mix,
    pub(crate) seconds: u32,
}

pub(crate) fn open(contestant: &mut Contestant<'_>, asked: &OpenLoad<'_>) -> Result<Outcome> {
    let Mix { heavy_share, rate, connections } = asked.mix;
    let mut load = Load::watching("open", contestant, asked.light, connections)?;
    // Who cannot keep up refuses some, and is measured all the same.
    load.command.arg("--tolerant");
    load.command.args(["--rate", &rate.to_string(), "--seconds", &asked.seconds.to_string()]);
    load.command.args(["--beside", asked.heavy.path, "--share", &heavy_share.to_string()]);
    load.run()
}

/// Requests at a constant rate, each on a connection chosen at random.
pub(crate) fn constant(
    contestant: &mut Contestant<'_>,
    request: &Request,
    connections: u32,
    rate: f64,
    seconds: u32,
) -> Result<Outcome> {
    let mut load = Load::watching("open", contestant, request, connections)?;
    load.command.args(MANY_SOURCES).args(["--greet", request.path]);
    load.command.args(["--rate", &rate.to_string(), "--seconds", &seconds.to_string()]);
    load.run()
}

/// Connections that stay until this is dropped.
#[derive(Debug)]
pub(crate) struct Holder {
    _process: Guarded,
}

impl Holder {
    /// Returns when every connection has asked, and had its reply if that is awaited.
    pub(crate) fn start(
        origin: Origin,
        request: &Request,
        connections: u32,
        awaits_replies: bool,
    ) -> Result<Self> {
        let Load { mut command, body } = Load::new("hold", origin, request, connections)?;
        command.args(MANY_SOURCES).args((!awaits_replies).then_some("--unread"));
        let mut process = Guarded::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let stdout = process.child_mut().stdout.take().context("the holder has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        drop(body);
        ensure!(line.starts_with("holding"), "the connections cannot be held");
        Ok(Self { _process: process })
    }
}

/// A command, and the body that it reads.
struct Load {
    command: Command,
    body: BodyFile,
}

impl Load {
    fn new(way: &str, origin: Origin, request: &Request, connections: u32) -> Result<Self> {
        let program = std::env::current_exe().context("this program cannot find itself")?;
        let mut command = Command::new(program);
        command.args(["load", way, "--address", &origin.address.to_string()]);
        command.args(["--path", request.path, "--connections", &connections.to_string()]);
        command.args(origin.is_tls.then_some("--tls"));
        for (name, value) in request.content.fields() {
            command.args(["--field", &format!("{name}: {value}")]);
        }
        let body = BodyFile::write(request)?;
        command.args(body.path().map(|path| format!("--body={}", path.display())));
        Ok(Self { command, body })
    }

    /// With the CPU that the server takes.
    fn watching(
        way: &str,
        contestant: &mut Contestant<'_>,
        request: &Request,
        connections: u32,
    ) -> Result<Self> {
        let mut load = Self::new(way, contestant.origin(), request, connections)?;
        load.command.args(["--watch", &contestant.pid().to_string()]);
        Ok(load)
    }

    fn run(mut self) -> Result<Outcome> {
        let printed = output(&mut self.command)?;
        let outcome = printed.lines().next_back().unwrap_or_default();
        serde_json::from_str(outcome).context("the load tool printed no outcome")
    }
}

/// An address has some 14,000 ports towards one of the server's that the kernel finds soon.
const MANY_SOURCES: [&str; 4] = ["--source", "127.2.0.1", "--source-count", "8"];
