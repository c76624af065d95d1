//! Servers that serve a folder and nothing else: `waterwheel serve` and static-web-server. Each has
//! a command line of its own.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::folder;
use super::origin::Certificate;
use super::packaged::free_address;
use super::rows::Needs;
use crate::process::{find_program, home_program, target_dir};
use crate::server::Server;

/// A server of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FileServer {
    /// Ours, at this path.
    Ours(PathBuf),
    /// static-web-server, which [`installing`](super::install) builds.
    StaticWebServer,
}

/// The name of our own.
pub(crate) const OWN_NAME: &str = "waterwheel-serve";
/// Of the entry, the program and the package.
pub(crate) const RIVAL_NAME: &str = "static-web-server";

/// Where static-web-server is, if it is.
pub(crate) fn rival_program() -> Option<PathBuf> {
    find_program(RIVAL_NAME).or_else(|| home_program(RIVAL_NAME))
}

impl FileServer {
    /// Starts the server with one worker; the caller has chosen the core, and says so to ours by
    /// `placement`.
    pub(crate) fn start(
        &self,
        needs: Needs,
        placement: &[&str],
        patience: Duration,
    ) -> Result<Server> {
        folder::create()?;
        let site = folder::site();
        let certificate = needs.tls.then(Certificate::get).transpose()?;
        match self {
            Self::Ours(program) => {
                let mut command = Command::new(program);
                command.arg("serve").arg(site).args(["--listen", "127.0.0.1:0"]);
                command.args(placement);
                if let Some(Certificate { chain, key }) = &certificate {
                    command.arg("--tls-cert").arg(chain).arg("--tls-key").arg(key);
                }
                Server::start(&mut command, patience)
            }
            Self::StaticWebServer => {
                let program = rival_program().context("it is not installed")?;
                let address = free_address()?;
                let mut command = Command::new(program);
                // As many threads as there are cores to run on, which is one. What it adds to a
                // reply beyond the file is left out, as the others leave it out.
                command.args(["--host", "127.0.0.1", "--threads-multiplier", "1"]);
                command.args(["--port", &address.port().to_string(), "--log-level", "error"]);
                command.args(["--security-headers", "false", "--cache-control-headers", "false"]);
                command.args(["--compression-static", "false"]).arg("--root").arg(site);
                if let Some(Certificate { chain, key }) = &certificate {
                    command.args(["--http2", "true"]);
                    command.arg("--http2-tls-cert").arg(chain);
                    command.arg("--http2-tls-key").arg(key);
                }
                let log = File::create(target_dir().join(format!("arena-{RIVAL_NAME}.log")))?;
                command.stdout(Stdio::null()).stderr(log);
                Server::start_at(&mut command, address, patience)
            }
        }
    }
}
