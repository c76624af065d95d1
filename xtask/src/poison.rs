//! `poison`: the tests of the ring and of all that stands on it, the simulation included, with a
//! pattern in every free byte. A write to bytes that nobody holds ends the run when they are leased
//! next; bytes that were never written show up in replies as what they are.

use anyhow::Result;

use crate::process::{cargo, run as run_process, target_dir};

pub(crate) fn run() -> Result<()> {
    let mut command = cargo(&["test", "--all-features", "--lib", "--tests"]);
    command.args(PACKAGES.map(|name| format!("--package={name}")));
    command.env("RUSTFLAGS", "--cfg waterwheel_poison");
    command.env("CARGO_TARGET_DIR", target_dir().join("poison"));
    run_process(&mut command)
}

const PACKAGES: [&str; 4] =
    ["waterwheel-ring", "waterwheel-stages", "waterwheel-http", "waterwheel"];
