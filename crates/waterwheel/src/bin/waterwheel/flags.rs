//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Parser;
use waterwheel::runtime::{Network, Pinning};
use waterwheel::tls::ConfigError;
use waterwheel::{Tls, ring};

use crate::serve::Command;

/// A web server that handles requests in place, in one ring buffer per core.
///
/// Without arguments it serves a welcome site on http://127.0.0.1:8080. The first SIGINT or SIGTERM
/// drains: open requests are finished, for at most 25 seconds. The second stops at once.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:
  waterwheel                                    serve on http://127.0.0.1:8080
  waterwheel serve public                       serve the files of a folder
  waterwheel serve public --listen 0.0.0.0:80 --list --max-age 3600
  waterwheel --listen [::]:80 --listen 0.0.0.0:8000
  waterwheel --listen unix:/run/site.sock --unlink-stale
  waterwheel --restart-socket /run/site.restart run it again to restart without a cut
  waterwheel --workers 1 --pin 3 --ring-size 4M one worker on core 3 with a 4 MiB ring
  waterwheel --tls-self-signed                  serve on https://127.0.0.1:8080
  waterwheel --check --ring-size 64M            check settings, print the plan, exit"
)]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Where to listen; may be given several times. `ADDRESS:PORT`, where port 0 lets the kernel
    /// choose, `unix:PATH`, or `systemd:NAME` for the sockets that systemd passes under that name
    /// (`systemd:` for all of them).
    #[arg(long, global = true, value_name = "ENDPOINT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: Vec<String>,

    /// Remove the path of a Unix socket first when nobody listens there any more.
    #[arg(long, global = true)]
    pub(crate) unlink_stale: bool,

    /// Believe the proxies in this network (`10.0.0.0/8`, `192.0.2.7`, `unix`) about their clients;
    /// may be given several times. Their connections must begin with a PROXY header, v1 or v2.
    #[arg(long, global = true, value_name = "NETWORK")]
    pub(crate) trust_proxy: Vec<Network>,

    /// Restart without a refused or cut request: take over the listeners of the server that serves
    /// with this socket, and let it drain; later, hand them over to the next one.
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) restart_socket: Option<PathBuf>,

    /// Seconds for which a drain goes on accepting while /readyz says no already.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) drain_grace: u16,

    /// Workers, one thread each. Default: one per core that this process may use.
    #[arg(long, global = true, value_name = "COUNT")]
    pub(crate) workers: Option<NonZeroUsize>,

    /// Pin worker i to core FIRST + i. Default: the cores of the affinity mask in order, or no
    /// pinning under a CPU quota.
    #[arg(long, global = true, value_name = "FIRST")]
    pin: Option<usize>,

    /// Let each worker open as many files as the limit says, instead of all together. Linux only.
    #[arg(long, global = true)]
    pub(crate) unshare_fds: bool,

    /// Ring of each worker, in bytes or with K, M or G; a power of two. Memory is taken from the
    /// system only as it is used.
    #[arg(long, global = true, value_name = "SIZE", default_value = "16M", value_parser = parse_size)]
    ring_size: usize,

    /// Speak HTTPS, with the certificate chain in this PEM file, the server's own first. SIGHUP
    /// reads it again.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        requires = "tls_key",
        conflicts_with = "tls_self_signed"
    )]
    tls_cert: Option<PathBuf>,

    /// The key of the certificate, in PEM.
    #[arg(long, global = true, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Speak HTTPS, with a certificate for localhost made on the spot: for a first try, with
    /// `curl -k`.
    #[arg(long, global = true)]
    tls_self_signed: bool,

    /// Memory of each worker, in bytes or with K, M or G: ring, connections, parked bytes and the
    /// kernel's buffers are derived from it and printed. Instead of --ring-size.
    #[arg(
        long,
        global = true,
        value_name = "SIZE",
        value_parser = parse_size,
        conflicts_with = "ring_size"
    )]
    pub(crate) memory: Option<usize>,

    /// Check all settings, print what would be served, and exit.
    #[arg(long, global = true)]
    pub(crate) check: bool,

    /// Print the plan of every route, or of those that contain ROUTE, and exit.
    #[arg(long, value_name = "ROUTE", num_args = 0..=1, default_missing_value = "", hide = true)]
    pub(crate) explain: Option<String>,
}

impl Flags {
    pub(crate) fn pinning(&self) -> Pinning {
        self.pin.map_or(Pinning::Auto, Pinning::From)
    }

    /// What `--listen` addresses speak, if it is HTTPS.
    pub(crate) fn tls(&self) -> Result<Option<Tls>, ConfigError> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(chain), Some(key)) => Tls::from_pem_files(chain, key).map(Some),
            _ if self.tls_self_signed => {
                Tls::self_signed(&["localhost", "127.0.0.1", "::1"]).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The ring of each worker.
    pub(crate) fn ring(&self) -> Result<ring::Config, String> {
        let mut config = ring::Config::default();
        if !self.ring_size.is_power_of_two() || self.ring_size < config.segment_len {
            let len = config.segment_len;
            return Err(format!("--ring-size: not a power of two of at least {len} bytes"));
        }
        config.segment_count = self.ring_size / config.segment_len;
        Ok(config)
    }
}

/// Parses `65536`, `64K`, `16M` or `1G`.
pub(crate) fn parse_size(text: &str) -> Result<usize, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
        Some(b'g' | b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let count: usize = digits.parse().map_err(|_| "not a size such as 65536, 64K or 16M")?;
    count.checked_mul(1 << shift).ok_or_else(|| "too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_suffix() {
        assert_eq!(parse_size("65536"), Ok(65536));
        assert_eq!(parse_size("64K"), Ok(65536));
        assert_eq!(parse_size("16m"), Ok(16 << 20));
        assert!(parse_size("").is_err());
        assert!(parse_size("M").is_err());
        assert!(parse_size("99999999999999999999G").is_err());
    }

    #[test]
    fn a_ring_that_is_no_power_of_two_is_refused_by_name() {
        let flags = Flags::parse_from(["waterwheel", "--ring-size", "3M"]);
        assert!(flags.ring().unwrap_err().contains("--ring-size"));
    }

    #[test]
    fn the_command_line_is_consistent() {
        <Flags as clap::CommandFactory>::command().debug_assert();
    }
}
