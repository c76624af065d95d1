//! HAProxy with a configuration of its own, before servers at known addresses.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::{find_program, target_dir};
use crate::server::Server;

/// Starts HAProxy on a free port.
///
/// # Errors
/// When it is not installed, or does not take the configuration.
pub(super) fn start(servers: &[SocketAddr]) -> Result<Server> {
    let program = find_program("haproxy")
        .context("haproxy is missing; install it (Debian: apt-get install haproxy)")?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    // Named by the port, so that two runs at a time do not read each other's.
    let path = target_dir().join(format!("cluster-{}.cfg", address.port()));
    fs::write(&path, configuration(address, servers))?;
    let mut command = Command::new(program);
    // It notes each server that comes and goes, which is all that happens here.
    command.arg("-q").arg("-f").arg(&path).stderr(Stdio::null());
    let started = Server::start_at(&mut command, address, PATIENCE);
    fs::remove_file(&path)?;
    started.context("haproxy does not start")
}

fn configuration(address: SocketAddr, servers: &[SocketAddr]) -> String {
    let lines: Vec<_> = servers
        .iter()
        .enumerate()
        .map(|(index, server)| format!("    server instance{index} {server}"))
        .collect();
    include_str!("haproxy.cfg")
        .replace("@ADDRESS@", &address.to_string())
        .replace("@SERVERS@", &lines.join("\n"))
}

const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_has_its_line() {
        let servers = ["127.0.0.11:1".parse().unwrap(), "127.0.0.12:2".parse().unwrap()];
        let text = configuration("127.0.0.1:80".parse().unwrap(), &servers);
        assert!(text.contains("    bind 127.0.0.1:80\n"));
        assert!(text.contains("    server instance0 127.0.0.11:1\n"));
        assert!(text.ends_with("    server instance1 127.0.0.12:2\n"));
        assert!(!text.contains('@'));
    }
}
