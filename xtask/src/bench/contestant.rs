//! An entry on the track: its server on its core, checked before it is measured.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::check;
use super::entries::{Entry, Launch};
use super::folder;
use super::origin::{Certificate, Origin};
use super::pinned::{Cores, on_core};
use super::proc::{self, Cpu};
use super::rows::{Needs, Request};
use crate::server::Server;

/// An entry whose server runs.
#[derive(Debug)]
pub(crate) struct Contestant<'a> {
    pub(crate) entry: &'a Entry,
    server: Server,
    needs: Needs,
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
    pub(crate) fn start(entry: &'a Entry, cores: Cores, needs: Needs) -> Result<Self> {
        Self::start_at(entry, Placement::OneCore(cores), needs)
    }

    pub(crate) fn start_at(entry: &'a Entry, placement: Placement, needs: Needs) -> Result<Self> {
        Ok(Self { entry, server: start(entry, placement, needs)?, needs })
    }

    /// Goes on with a fresh server.
    pub(crate) fn restart(&mut self, cores: Cores) -> Result<()> {
        let fresh = start(self.entry, Placement::OneCore(cores), self.needs)?;
        let stale = std::mem::replace(&mut self.server, fresh);
        end(stale, &self.entry.name);
        Ok(())
    }

    /// Another server of the same entry.
    pub(crate) fn twin(&self, cores: Cores) -> Result<Self> {
        Self::start(self.entry, cores, self.needs)
    }

    /// Asks once; whether the answer was right.
    pub(crate) fn serves(&self, request: &Request) -> bool {
        check::is_served(self.origin(), request)
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin { address: self.server.address(), is_tls: self.needs.tls }
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

fn start(entry: &Entry, placement: Placement, needs: Needs) -> Result<Server> {
    let server = match placement {
        Placement::OneCore(Cores { server: core, .. }) => on_core(core, || {
            let arguments = ["--workers", "1", "--pin", &core.to_string()];
            launch(&entry.launch, &arguments, needs)
        }),
        Placement::Anywhere(worker_count) => {
            let is_program = matches!(entry.launch, Launch::Program { .. });
            ensure!(is_program, "its configuration has one worker");
            launch(&entry.launch, &["--workers", &worker_count.to_string()], needs)
        }
    };
    server.context("the server does not start")
}

fn launch(launch: &Launch, placement: &[&str], needs: Needs) -> Result<Server> {
    match launch {
        Launch::Program { path, arguments } => {
            let mut command = Command::new(path);
            command.args(["--listen", "127.0.0.1:0"]).args(placement).args(*arguments);
            if needs.tls {
                let Certificate { chain, key } = Certificate::get()?;
                command.arg("--tls-cert").arg(chain).arg("--tls-key").arg(key);
            }
            if needs.files {
                command.arg("--files").arg(folder::create()?);
            }
            if needs.is_special() {
                // An entry that lacks it complains and ends: an answer, and not worth showing.
                command.stderr(Stdio::null());
            }
            Server::start(&mut command, PATIENCE)
        }
        Launch::Packaged(package) => package.start(needs, PATIENCE),
        Launch::FileServer(server) => server.start(needs, placement, PATIENCE),
    }
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
