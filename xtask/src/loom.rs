//! `loom`: the ring's concurrency models, every interleaving within their bounds. They are built
//! into a folder of their own, because their flag would otherwise throw away every other build.

use anyhow::Result;

use crate::process::{cargo, run as run_process, target_dir};

pub(crate) fn run() -> Result<()> {
    run_process(
        cargo(&["test", "--release", "--package", "waterwheel-ring", "--test", "loom"])
            .env("RUSTFLAGS", "--cfg waterwheel_loom")
            .env("CARGO_TARGET_DIR", target_dir().join("loom")),
    )
}
