//! curl as a client.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::command::Site;
use super::verdicts::Verdicts;
use crate::process::output;

pub(crate) fn run(site: &Site<'_>, relay: SocketAddr, verdicts: &mut Verdicts) {
    for (version, flags) in VERSIONS {
        let name = |what: &str| format!("curl, {}, TLS {version}: {what}", site.kind);
        let outcome = greeting(site, flags);
        verdicts.note(&name("two requests on one connection"), outcome);
        let outcome = echo(site, site.address, flags, 1 << 20);
        verdicts.note(&name("a mebibyte both ways"), outcome);
        let outcome = echo(site, relay, flags, 64 << 10);
        verdicts.note(&name("64 KiB in single bytes"), outcome);
    }
}

/// Two requests, of which only the first connects.
fn greeting(site: &Site<'_>, flags: &[&str]) -> Result<()> {
    let url = format!("https://localhost:{}/plaintext", site.address.port());
    let mut command = curl(site, flags);
    command.args(["--write-out", " %{http_code} %{num_connects}\n", &url, &url]);
    let seen = output(&mut command)?;
    ensure!(seen == "Hello, World! 200 1\nHello, World! 200 0\n", "curl saw {seen:?}");
    Ok(())
}

fn echo(site: &Site<'_>, address: SocketAddr, flags: &[&str], len: usize) -> Result<()> {
    let body: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).expect("251 is a byte")).collect();
    let (sent, received) = (site.folder.join("sent"), site.folder.join("received"));
    fs::write(&sent, &body)?;
    let url = format!("https://localhost:{}/echo", address.port());
    let mut command = curl(site, flags);
    command.arg("--data-binary").arg(format!("@{}", sent.display())).arg("--output").arg(&received);
    output(command.arg(url))?;
    ensure!(fs::read(&received)? == body, "other bytes came back");
    Ok(())
}

fn curl(site: &Site<'_>, flags: &[&str]) -> Command {
    let mut command = Command::new("curl");
    let certificate: &Path = &site.certificate;
    command.args(["--silent", "--show-error", "--fail", "--max-time", "30", "--header", "expect:"]);
    command.arg("--cacert").arg(certificate).args(flags);
    command
}

const VERSIONS: [(&str, &[&str]); 2] =
    [("1.2", &["--tlsv1.2", "--tls-max", "1.2"]), ("1.3", &["--tlsv1.3"])];
