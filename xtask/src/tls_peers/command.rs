//! The command: certificates, servers, and one peer after another.

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::verdicts::Verdicts;
use super::{curl, openssl, relay, scripts};
use crate::process::{cargo, find_program, run as run_program, target_dir};
use crate::server::Server;

/// A server with its certificate.
pub(crate) struct Site<'a> {
    /// `ECDSA` or `RSA`.
    pub(crate) kind: &'a str,
    pub(crate) address: SocketAddr,
    pub(crate) certificate: PathBuf,
    /// For files that come and go.
    pub(crate) folder: &'a Path,
}

pub(crate) fn run() -> Result<()> {
    for program in ["curl", "openssl", "python3", "node"] {
        find_program(program).with_context(|| format!("{program} is needed and not there"))?;
    }
    let folder = target_dir().join("tls-peers");
    fs::create_dir_all(&folder)?;
    let python = scripts::python(&folder)?;
    run_program(&mut cargo(&[
        "build",
        "--quiet",
        "--package",
        "waterwheel-examples",
        "--example",
        "arena",
    ]))?;
    let mut verdicts = Verdicts::default();
    for (kind, key) in [("ECDSA", &EC_KEY[..]), ("RSA", &RSA_KEY[..])] {
        let (certificate, key) = certificate(&folder, kind, key)?;
        let mut arena = Command::new(target_dir().join("debug/examples/arena"));
        arena.args(["--listen", "127.0.0.1:0", "--tls-cert"]).arg(&certificate);
        let mut server = Server::start(arena.arg("--tls-key").arg(key), PATIENCE)?;
        let address = server.address();
        let idle_count = idle_count(&mut server)?;
        let site = Site { kind, address, certificate, folder: &folder };
        openssl::run(&site, &mut verdicts);
        curl::run(&site, relay::start(address)?, &mut verdicts);
        scripts::run_all(&site, &python, &mut verdicts);
        let outcome = wait_for_descriptors(&mut server, idle_count);
        verdicts.note(&format!("{kind}: no descriptor stays open"), outcome);
        verdicts.note(&format!("{kind}: the server drains"), server.terminate(PATIENCE));
    }
    verdicts.judge()
}

/// A certificate for `localhost` that is its own authority, and its key.
fn certificate(folder: &Path, kind: &str, key_flags: &[&str]) -> Result<(PathBuf, PathBuf)> {
    let (certificate, key) =
        (folder.join(format!("{kind}.pem")), folder.join(format!("{kind}.key")));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=localhost"]);
    command.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]).args(key_flags);
    command.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    // It draws its progress on the error output.
    let made = command.output().context("cannot start openssl")?;
    ensure!(made.status.success(), "no certificate: {}", String::from_utf8_lossy(&made.stderr));
    Ok((certificate, key))
}

/// Descriptors of the server while nobody is connected. Its workers open some of them after it has
/// said that it listens; when one of them has answered and time has passed, all are there.
fn idle_count(server: &mut Server) -> Result<usize> {
    let mut probe = std::net::TcpStream::connect(server.address())?;
    probe.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
    probe.read_to_end(&mut Vec::new())?;
    drop(probe);
    std::thread::sleep(Duration::from_millis(500));
    descriptor_count(server.pid())
}

/// Connections that peers have left end within the time that the server lingers.
fn wait_for_descriptors(server: &mut Server, idle_count: usize) -> Result<()> {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let count = descriptor_count(server.pid())?;
        if count == idle_count {
            return Ok(());
        }
        ensure!(std::time::Instant::now() < deadline, "{count} descriptors, {idle_count} at first");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn descriptor_count(pid: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

const EC_KEY: [&str; 4] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
const RSA_KEY: [&str; 2] = ["-newkey", "rsa:2048"];

/// More than any answer takes; connections that nobody ended are gone within it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
