//! `doc`: the documentation of every crate, where a broken link is an error.

use anyhow::Result;

use crate::process::{cargo, run as run_process};

pub(crate) fn run() -> Result<()> {
    let arguments = ["doc", "--workspace", "--no-deps", "--all-features"];
    run_process(cargo(&arguments).env("RUSTDOCFLAGS", "-Dwarnings"))
}
