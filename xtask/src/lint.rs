//! `lint`: clippy over every target and feature.

use anyhow::Result;

use crate::process::{cargo, run as run_process};

pub(crate) fn run() -> Result<()> {
    run_process(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-Dwarnings",
    ]))
}
