//! Installs, on request, what the arena can use and this machine lacks: load tools, servers to
//! meet, valgrind. Debian's package manager does it, and cargo for what Debian lacks; nothing is
//! installed unasked.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::file_server::{RIVAL_NAME, rival_program};
use crate::process::{cargo, find_program, run};

/// Installs what is missing, as root or by a sudo that asks nothing.
pub(crate) fn install() -> Result<()> {
    if rival_program().is_none() {
        // A build of some minutes: with TLS, and without what is not measured.
        let arguments = ["install", RIVAL_NAME, "--locked", "--no-default-features"];
        run(cargo(&arguments).arg("--features=http2-ring"))?;
    }
    let missing = missing(|program| find_program(program).is_some());
    if missing.is_empty() {
        println!("nothing to install: {} are there", WANTED.map(|(program, _)| program).join(", "));
        return Ok(());
    }
    run(&mut as_root(&["apt-get", "update", "-qq"])?)?;
    let mut command = as_root(&["apt-get", "install", "-y", "-qq", "--no-install-recommends"])?;
    run(command.args(&missing)).context("apt-get does not install what is missing")?;
    stop_services(&missing)
}

/// The packages of the programs that are not there.
fn missing(is_there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    WANTED.iter().filter(|(program, _)| !is_there(program)).map(|(_, package)| *package).collect()
}

/// Debian starts a server when it installs one. Nobody asked for that, and it would take CPU and
/// ports from what is measured.
fn stop_services(installed: &[&str]) -> Result<()> {
    if !Path::new("/run/systemd/system").exists() {
        return Ok(());
    }
    for service in SERVICES.iter().filter(|service| installed.contains(service)) {
        run(&mut as_root(&["systemctl", "disable", "--now", service])?)?;
    }
    Ok(())
}

fn as_root(words: &[&str]) -> Result<Command> {
    let mut command = match rustix::process::geteuid().is_root() {
        true => Command::new("env"),
        false => Command::new("sudo"),
    };
    if !rustix::process::geteuid().is_root() {
        find_program("sudo").context("installing needs root, and there is no sudo")?;
        command.args(["-n", "env"]);
    }
    command.arg("DEBIAN_FRONTEND=noninteractive").args(words);
    Ok(command)
}

/// Programs and their packages in Debian.
const WANTED: [(&str, &str); 5] = [
    ("wrk", "wrk"),
    ("h2load", "nghttp2-client"),
    ("nginx", "nginx"),
    ("h2o", "h2o"),
    ("valgrind", "valgrind"),
];
/// Packages that come with a service of the same name.
const SERVICES: [&str; 2] = ["nginx", "h2o"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_installed() {
        assert_eq!(missing(|program| program != "h2load"), ["nghttp2-client"]);
        assert!(missing(|_| true).is_empty());
    }
}
