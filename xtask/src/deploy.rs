//! `deploy`: whether the programs for which the files of `docs/deploy` are written accept them, and
//! whether the server really starts with a socket from systemd. What needs a program that is not
//! there is left out by name.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::artifacts;
use crate::bench::free_address;
use crate::load::connect;
use crate::process::{cargo, find_program, root, run, target_dir};
use crate::reply::exchange;
use crate::server::Server;

pub(crate) fn run_all() -> Result<()> {
    let server = build()?;
    let folder = target_dir().join("deploy");
    fs::create_dir_all(&folder)?;
    let haproxy = docs().join("haproxy.cfg");
    let checks: [(&str, &str, Check<'_>); 4] = [
        ("haproxy", "haproxy.cfg", &|haproxy_program| {
            run(Command::new(haproxy_program).args(["-c", "-f"]).arg(&haproxy))
        }),
        ("systemd-analyze", "the units", &|analyze| units(analyze, &server, &folder)),
        ("systemd-socket-activate", "a socket from systemd", &|activate| {
            activation(activate, &server)
        }),
        ("python3", "kubernetes.yaml", &|python| kubernetes(python, &folder)),
    ];
    let mut failed = Vec::new();
    for (program, what, check) in checks {
        let Some(path) = find_program(program) else {
            println!("skipped  {what}: {program} is not installed");
            continue;
        };
        match check(&path) {
            Ok(()) => println!("passed   {what}, by {program}"),
            Err(error) => {
                println!("FAILED   {what}, by {program}: {error:#}");
                failed.push(what);
            }
        }
    }
    ensure!(failed.is_empty(), "{} did not pass", failed.join(", "));
    Ok(())
}

/// Gets the path of the program that decides.
type Check<'a> = &'a dyn Fn(&Path) -> Result<()>;

/// The ready-made server.
fn build() -> Result<PathBuf> {
    let arguments = ["build", "--package=waterwheel", "--bin=waterwheel"];
    let built = artifacts::build(&mut cargo(&arguments))?;
    let program = built.into_iter().find(|artifact| artifact.name == "waterwheel");
    Ok(program.context("cargo did not build waterwheel")?.path)
}

fn docs() -> PathBuf {
    root().join("docs/deploy")
}

/// The units, with the server where it is now: systemd looks whether it can be run.
fn units(analyze: &Path, server: &Path, folder: &Path) -> Result<()> {
    let mut command = Command::new(analyze);
    command.arg("verify");
    for name in ["waterwheel.socket", "waterwheel.service"] {
        let text = fs::read_to_string(docs().join(name))?;
        let text = text.replace(INSTALLED, &server.display().to_string());
        fs::write(folder.join(name), text)?;
        command.arg(folder.join(name));
    }
    run(&mut command)
}

/// Starts the server as the units do, by the first connection to a socket that it is given, and
/// asks it how it is.
fn activation(activate: &Path, server: &Path) -> Result<()> {
    let address = free_address()?;
    let mut command = Command::new(activate);
    command.arg("--listen").arg(address.to_string()).args(["--fdname", SOCKET]);
    command.arg(server).args(["--listen", &format!("systemd:{SOCKET}"), "--workers", "1"]);
    let server = Server::start_at(&mut command, address, PATIENCE)?;
    for path in ["/readyz", "/livez"] {
        ask(address, path)?;
    }
    server.terminate(PATIENCE)
}

fn ask(address: SocketAddr, path: &str) -> Result<()> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    let answer = exchange(&mut connect(address, false, PATIENCE)?, request.as_bytes())?;
    ensure!(answer.head.status == 200, "{path} answers {}", answer.head.status);
    Ok(())
}

/// Against the schemas of Kubernetes, in which no field may be unknown.
fn kubernetes(python: &Path, folder: &Path) -> Result<()> {
    let environment = folder.join("venv");
    let validate = environment.join("bin/kubernetes-validate");
    if !validate.is_file() {
        run(Command::new(python).args(["-m", "venv"]).arg(&environment))?;
        let pip = environment.join("bin/pip");
        if run(Command::new(pip).args(["--quiet", "install", SCHEMAS])).is_err() {
            bail!("{SCHEMAS} cannot be installed");
        }
    }
    run(Command::new(validate).arg("--strict").arg(docs().join("kubernetes.yaml")))
}

/// Where the units expect the server.
const INSTALLED: &str = "/usr/local/bin/waterwheel";
/// As the service names it.
const SOCKET: &str = "waterwheel.socket";
const SCHEMAS: &str = "kubernetes-validate==1.37.0";
/// Ample for a server that has nothing to do.
const PATIENCE: Duration = Duration::from_secs(10);
