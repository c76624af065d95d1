//! `asan`: the ring's tests under AddressSanitizer, with a heap block for each run, so that uses
//! after release and accesses past a run leave a block and are reported.

use std::process::Command;

use anyhow::{Context, Result};

use crate::nightly::{install, nightly};
use crate::process::{output, run as run_process, target_dir};

pub(crate) fn run() -> Result<()> {
    install(&[])?;
    let mut command = tests("asan", "")?;
    // Ten times fewer than in the usual run, for it is ten times slower here.
    run_process(command.env("WATERWHEEL_MODEL_STEPS", "100000"))
}

/// The `cargo test` of the ring under the sanitizer, built into a folder of its own.
pub(crate) fn tests(folder: &str, flags: &str) -> Result<Command> {
    let version = output(nightly(&["-vV"]).env_remove("RUSTFLAGS"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("cargo does not say which machine it runs on")?;
    let mut command = nightly(&["test", "--package=waterwheel-ring", "--lib"]);
    command.args(["--test=leaks", "--test=model", "--test=threads"]);
    // With a target of their own, build scripts and macros stay free of the sanitizer.
    command.arg(format!("--target={host}"));
    let sanitized = format!("-Zsanitizer=address --cfg waterwheel_heap_segments {flags}");
    command.env("RUSTFLAGS", sanitized);
    command.env("CARGO_TARGET_DIR", target_dir().join(folder));
    Ok(command)
}
