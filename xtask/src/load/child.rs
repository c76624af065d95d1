//! Loads as processes of their own: each has its files, its core and its CPU, and several of them
//! hold more connections than one may open files.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;

use super::attack::Fates;
use super::dial::Sources;
use super::outcome::Outcome;
use crate::process::Guarded;

/// What every load needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct To<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) is_tls: bool,
    pub(crate) path: &'a str,
    pub(crate) connections: usize,
    pub(crate) sources: Option<Sources>,
}

/// A load that runs. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Child<T> {
    _process: Guarded,
    stdout: BufReader<ChildStdout>,
    outcome: std::marker::PhantomData<T>,
}

impl<'a> To<'a> {
    pub(crate) fn new(address: SocketAddr, path: &'a str, connections: usize) -> Self {
        Self { address, is_tls: false, path, connections, sources: None }
    }

    /// Requests at this rate, whatever the server does.
    pub(crate) fn open(&self, rate: f64, time: Duration) -> Result<Child<Outcome>> {
        let (rate, seconds) = (rate.to_string(), time.as_secs_f64().to_string());
        // Beside others of its kind, and a server that has no core of its own.
        let own = ["--tolerant", "--usual-priority"];
        self.start("open", &[&own[..], &["--rate", &rate, "--seconds", &seconds]].concat())
    }

    /// The same, and each connection asks once before, and from then on in its turn.
    pub(crate) fn open_in_turn(&self, rate: f64, time: Duration) -> Result<Child<Outcome>> {
        let (rate, seconds) = (rate.to_string(), time.as_secs_f64().to_string());
        let own = ["--tolerant", "--usual-priority", "--greet", self.path, "--in-turn"];
        self.start("open", &[&own[..], &["--rate", &rate, "--seconds", &seconds]].concat())
    }

    /// Requests at this rate, on connections that have asked once, with the CPU of the server.
    pub(crate) fn open_watched(
        &self,
        rate: f64,
        time: Duration,
        watched: u32,
    ) -> Result<Child<Outcome>> {
        let (rate, seconds) = (rate.to_string(), time.as_secs_f64().to_string());
        let (own, watched) = (["--tolerant", "--greet", "/light"], watched.to_string());
        let rest = ["--rate", &rate, "--seconds", &seconds, "--watch", &watched];
        self.start("open", &[&own[..], &rest[..]].concat())
    }

    /// As many requests as the server answers.
    pub(crate) fn closed(&self, time: Duration, watched: u32) -> Result<Child<Outcome>> {
        let (seconds, watched) = (time.as_secs_f64().to_string(), watched.to_string());
        self.start("closed", &["--warm-up", "0.5", "--seconds", &seconds, "--watch", &watched])
    }

    pub(crate) fn attack(&self, kinds: &str, pace: f64, time: Duration) -> Result<Child<Fates>> {
        let (pace, seconds) = (pace.to_string(), time.as_secs_f64().to_string());
        self.start("attack", &["--kinds", kinds, "--pace", &pace, "--seconds", &seconds])
    }

    fn start<T>(&self, way: &str, arguments: &[&str]) -> Result<Child<T>> {
        let program = std::env::current_exe().context("this program cannot find itself")?;
        let mut command = Command::new(program);
        command.args(["load", way, "--address", &self.address.to_string(), "--path", self.path]);
        command.args(["--connections", &self.connections.to_string()]).args(arguments);
        command.args(self.is_tls.then_some("--tls"));
        if let Some(Sources { first, count }) = self.sources {
            command.args(["--source", &first.to_string(), "--source-count", &count.to_string()]);
        }
        let mut process = Guarded::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let stdout = process.child_mut().stdout.take().context("the load has no output")?;
        let stdout = BufReader::new(stdout);
        Ok(Child { _process: process, stdout, outcome: std::marker::PhantomData })
    }
}

impl<T: DeserializeOwned> Child<T> {
    /// Waits until every connection is made.
    pub(crate) fn wait_until_connected(&mut self) -> Result<()> {
        self.line().map(drop)
    }

    /// Waits for the end.
    pub(crate) fn outcome(mut self) -> Result<T> {
        loop {
            let line = self.line()?;
            if line.starts_with('{') {
                return serde_json::from_str(&line).context("the load printed no outcome");
            }
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let len = self.stdout.read_line(&mut line)?;
        anyhow::ensure!(len > 0, "the load ended before its time; its error stands above");
        Ok(line)
    }
}

/// So many addresses that none has more than `share` of the connections: as many clients as that.
pub(crate) fn sources(connections: usize, share: usize) -> Sources {
    let count = u32::try_from(connections.div_ceil(share)).unwrap_or(u32::MAX).max(1);
    Sources { first: Sources::nth(0), count }
}
