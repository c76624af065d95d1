//! `sim`: the whole server in a simulated world, once per seed. The test itself reads the seeds
//! from the environment and names the seed that failed.

use anyhow::{Context, Result};

use crate::process::{cargo, run as run_process};

/// `A..B`, read by the test `simulation` of the package `waterwheel`.
const SEEDS_VARIABLE: &str = "WATERWHEEL_SIM_SEEDS";

pub(crate) fn run(first: u64, seed_count: u64, dev: bool) -> Result<()> {
    let end = first.checked_add(seed_count).context("the last seed does not fit 64 bits")?;
    let mut command = cargo(&["test", "--package=waterwheel", "--features=lab"]);
    if !dev {
        command.arg("--release");
    }
    command.args(["--test=simulation", "--", "--nocapture"]);
    command.env(SEEDS_VARIABLE, format!("{first}..{end}"));

    eprintln!("seeds {first}..{end}; one seed K alone: cargo xtask sim --first K --seeds 1");
    run_process(&mut command).context(
        "a seed failed; its number stands above. Run it alone: cargo xtask sim --first K --seeds 1",
    )
}
