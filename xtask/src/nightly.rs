//! A cargo of the nightly toolchain, for the tools that stable does not have.

use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{output, root, run as run_process};

/// The nightly cargo at the root of the workspace.
pub(crate) fn nightly(arguments: &[&str]) -> Command {
    let mut command = rustup(&["run", "nightly", "cargo"]);
    command.args(arguments).current_dir(root());
    command
}

/// Installs those of the components that the nightly toolchain lacks, and the toolchain itself.
pub(crate) fn install(components: &[&str]) -> Result<()> {
    let installed =
        output(&mut rustup(&["component", "list", "--toolchain=nightly", "--installed"]));
    let installed = installed.unwrap_or_default();
    let has = |component: &&str| installed.lines().any(|line| line.starts_with(component));
    if !installed.is_empty() && components.iter().all(has) {
        return Ok(());
    }
    let mut install = rustup(&["toolchain", "install", "nightly", "--profile=minimal"]);
    install.args(components.iter().map(|component| format!("--component={component}")));
    run_process(&mut install).context("cannot install the nightly toolchain")
}

/// A rustup that does not take the toolchain of the cargo that started this program for its own.
fn rustup(arguments: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(arguments);
    for variable in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC", "RUSTDOC"] {
        command.env_remove(variable);
    }
    command
}
