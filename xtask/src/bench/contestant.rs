//! An entry on the track: its server on its core, checked before it is measured.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::check;
use super::entries::Entry;
use super::origin::{self, Origin};
use super::pinned::{Cores, on_core};
use super::proc::{self, Cpu};
use super::rows::Request;
use crate::server::Server;

/// An entry whose server runs.
#[derive(Debug)]
pub(crate) struct Contestant<'a> {
    pub(crate) entry: &'a Entry,
    server: Server,
    is_tls: bool,
}

/// Where a server's workers run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Placement {
    /// One worker, on the server's core.
    OneCore(Cores),
    /// So many workers, wherever the kernel puts them.
    Anywhere(u32),
}

impl<'a> Contestant<'a> {
    pub(crate) fn start(entry: &'a Entry, cores: Cores, is_tls: bool) -> Result<Self> {
        Self::start_at(entry, Placement::OneCore(cores), is_tls)
    }

    pub(crate) fn start_at(entry: &'a Entry, placement: Placement, is_tls: bool) -> Result<Self> {
        Ok(Self { entry, server: start(entry, placement, is_tls)?, is_tls })
    }

    /// Goes on with a fresh server.
    pub(crate) fn restart(&mut self, cores: Cores) -> Result<()> {
        let fresh = start(self.entry, Placement::OneCore(cores), self.is_tls)?;
        let stale = std::mem::replace(&mut self.server, fresh);
        end(stale, &self.entry.name);
        Ok(())
    }

    /// Asks once; whether the answer was right.
    pub(crate) fn serves(&self, request: &Request) -> bool {
        check::is_served(self.origin(), request)
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin { address: self.server.address(), is_tls: self.is_tls }
    }

    pub(crate) fn pid(&mut self) -> u32 {
        self.server.pid()
    }

    pub(crate) fn cpu(&mut self) -> Result<Cpu> {
        proc::cpu(self.server.pid())
    }

    pub(crate) fn resident_len(&mut self) -> Result<u64> {
        proc::resident_len(self.server.pid())
    }

    pub(crate) fn stop(self) {
        end(self.server, &self.entry.name);
    }
}

fn start(entry: &Entry, placement: Placement, is_tls: bool) -> Result<Server> {
    let mut command = Command::new(&entry.program);
    command.args(["--listen", "127.0.0.1:0"]);
    if is_tls {
        // An entry without TLS complains and ends, which is an answer and not worth showing.
        command.args(origin::tls_arguments()?).stderr(Stdio::null());
    }
    let server = match placement {
        Placement::OneCore(Cores { server: core, .. }) => {
            command.args(["--workers", "1", "--pin", &core.to_string()]);
            on_core(core, || Server::start(&mut command, PATIENCE))
        }
        Placement::Anywhere(worker_count) => {
            Server::start(command.args(["--workers", &worker_count.to_string()]), PATIENCE)
        }
    };
    server.context("the server does not start")
}

/// Ends a server. One that does not end well is reported and killed, and nothing is lost: what was
/// measured was measured before.
fn end(server: Server, name: &str) {
    if let Err(error) = server.terminate(PATIENCE) {
        eprintln!("{name} does not end as it should: {error:#}");
    }
}

/// Ample for a server that has nothing to do.
const PATIENCE: Duration = Duration::from_secs(10);
