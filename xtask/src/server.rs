//! A server under test: started as a process, known by the address that it prints or was told,
//! ended by SIGTERM, killed when it is dropped before that. Knows nothing of what the server
//! answers.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::process::Guarded;

/// A server that listens.
#[derive(Debug)]
pub(crate) struct Server {
    process: Guarded,
    address: SocketAddr,
}

impl Server {
    /// Starts the command and waits for its line `listening on http://ADDRESS`.
    pub(crate) fn start(command: &mut Command, patience: Duration) -> Result<Self> {
        let mut process = Guarded::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let stdout =
            process.child_mut().stdout.take().context("the server has no standard output")?;
        let address = listen_address(&lines(stdout), patience)?;
        Ok(Self { process, address })
    }

    /// Starts a command that prints no such line, and waits until it can be connected to.
    pub(crate) fn start_at(
        command: &mut Command,
        address: SocketAddr,
        patience: Duration,
    ) -> Result<Self> {
        let mut process = Guarded::spawn(command.stdin(Stdio::null()))?;
        let started = Instant::now();
        while TcpStream::connect_timeout(&address, patience).is_err() {
            if let Some(status) = process.child_mut().try_wait()? {
                bail!("the server ended with {status} instead of listening");
            }
            ensure!(started.elapsed() < patience, "the server does not listen on {address}");
            thread::sleep(Duration::from_millis(10));
        }
        Ok(Self { process, address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&mut self) -> u32 {
        self.process.child_mut().id()
    }

    /// Waits for a server that ends of its own accord.
    pub(crate) fn wait(self, patience: Duration) -> Result<()> {
        self.process.wait(patience)
    }

    /// Ends the server with SIGTERM and waits for it; an exit code other than 0 is an error.
    pub(crate) fn terminate(self, patience: Duration) -> Result<()> {
        self.process.terminate(patience)
    }
}

/// Reads a process's lines on a thread, so that waiting for one can end and the pipe never fills.
fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // The receiver goes away once the address is known; the pipe must be emptied still.
            let _ = sender.send(line);
        }
    });
    receiver
}

fn listen_address(lines: &Receiver<String>, patience: Duration) -> Result<SocketAddr> {
    loop {
        let line = lines
            .recv_timeout(patience)
            .context("the server printed no `listening on http://ADDRESS`")?;
        if let Some(address) = parse_address(&line) {
            return Ok(address);
        }
    }
}

fn parse_address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on http")?;
    let rest = rest.strip_prefix('s').unwrap_or(rest).strip_prefix("://")?;
    let end = rest.find(|c: char| !c.is_ascii_hexdigit() && !".:[]".contains(c));
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_read_from_the_start_line() {
        let address = parse_address("waterwheel: listening on http://127.0.0.1:40123, 1 worker");
        assert_eq!(address, Some("127.0.0.1:40123".parse().unwrap()));
        assert_eq!(parse_address("listening on http://[::1]:80/"), "[::1]:80".parse().ok());
        assert_eq!(parse_address("listening on https://[::1]:80"), "[::1]:80".parse().ok());
        assert_eq!(parse_address("1 worker"), None);
    }
}
