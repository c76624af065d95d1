//! The command line that all entries share, and where it places them on the machine.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Serves the arena's workload.
#[derive(Debug, Clone, clap::Parser)]
pub struct Arguments {
    /// Address and port to listen on; port 0 lets the kernel choose.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Workers, one thread each.
    #[arg(long, default_value = "1")]
    pub workers: NonZeroUsize,
    /// Pin worker i to core N + i.
    #[arg(long, value_name = "N")]
    pub pin: Option<usize>,
    /// Longest body in bytes.
    #[arg(long, default_value_t = 1 << 20)]
    pub max_body: usize,
    /// Serve over TLS with this chain of certificates, in PEM.
    #[arg(long, requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of the certificate, in PEM.
    #[arg(long, requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Serve the files of this folder under /file/.
    #[arg(long, value_name = "DIR")]
    pub files: Option<PathBuf>,
}

impl Arguments {
    /// How many workers to run.
    #[must_use]
    pub fn worker_count(&self) -> usize {
        self.workers.get()
    }

    /// Confines the calling thread, and every thread it starts from now on, to the workers' cores.
    ///
    /// # Errors
    /// When the machine has no such cores.
    pub fn pin_process(&self) -> Result<()> {
        let Some(first) = self.pin else { return Ok(()) };
        pin(first..first + self.worker_count())
    }

    /// Confines the calling thread to the core of worker `index`.
    ///
    /// # Errors
    /// When the machine has no such core.
    pub fn pin_worker(&self, index: usize) -> Result<()> {
        let Some(first) = self.pin else { return Ok(()) };
        let core = first + index % self.worker_count();
        pin(core..core + 1)
    }

    /// Says that the server accepts connections at `address`.
    pub fn announce(&self, address: SocketAddr) {
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        println!("listening on {scheme}://{address}");
    }

    /// Refuses to start with TLS, for servers that have none.
    ///
    /// # Errors
    /// When a certificate is given.
    pub fn forbid_tls(&self) -> Result<()> {
        anyhow::ensure!(self.tls_cert.is_none(), "this server has no TLS");
        Ok(())
    }
}

fn pin(cores: std::ops::Range<usize>) -> Result<()> {
    let mut set = CpuSet::new();
    for core in cores.clone() {
        anyhow::ensure!(core < CpuSet::MAX_CPU, "there is no core {core}");
        set.set(core);
    }
    sched_setaffinity(None, &set).with_context(|| format!("cannot pin to the cores {cores:?}"))
}
