//! An entry on the track: its server on its core, checked before it is measured.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

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

impl<'a> Contestant<'a> {
    pub(crate) fn start(entry: &'a Entry, cores: Cores, needs: Needs) -> Result<Self> {
        Ok(Self { entry, server: start(entry, cores, needs)?, needs })
    }

    /// Goes on with a fresh server.
    pub(crate) fn restart(&mut self, cores: Cores) -> Result<()> {
        let fresh = start(self.entry, cores, self.needs)?;
        let stale = std::mem::replace(&mut self.server, fresh);
        end(stale, &self.entry.name);
        Ok(())
    }

    /// Asks once; whether the answer was right.
    pub(crate) fn serves(&self, request: &Request) -> bool {
        check::is_served(self.origin(), request)
    }

    /// The first of the requests that is answered right.
    pub(crate) fn first_served<'r>(&self, requests: &'r [Request]) -> Option<&'r Request> {
        requests.iter().find(|request| self.serves(request))
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin { address: self.server.address(), is_tls: self.needs.tls }
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

fn start(entry: &Entry, cores: Cores, needs: Needs) -> Result<Server> {
    on_core(cores.server, || match &entry.launch {
        Launch::Program { path, arguments } => {
            let mut command = Command::new(path);
            command.args(["--listen", "127.0.0.1:0", "--workers", "1"]);
            command.args(["--pin", &cores.server.to_string()]).args(*arguments);
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
    })
    .context("the server does not start")
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
