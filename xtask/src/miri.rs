//! `miri`: the ring's tests in an interpreter that knows what undefined behaviour is. Once with a
//! heap block for each run, where it sees uses after release and accesses past a run; once with the
//! one block that a mapping is, where runs share what they are cut from.

use anyhow::Result;

use crate::nightly::{install, nightly};
use crate::process::{run as run_process, target_dir};

pub(crate) fn run() -> Result<()> {
    install(&["miri", "rust-src"])?;
    test("heap", "--cfg waterwheel_heap_segments", &["leaks", "model", "threads"])?;
    test("mapping", "", &["threads"])
}

fn test(folder: &str, flags: &str, tests: &[&str]) -> Result<()> {
    let mut command = nightly(&["miri", "test", "--package=waterwheel-ring", "--lib"]);
    command.args(tests.iter().map(|name| format!("--test={name}")));
    command.env("RUSTFLAGS", flags);
    command.env("MIRIFLAGS", "-Zmiri-strict-provenance");
    command.env("CARGO_TARGET_DIR", target_dir().join("miri").join(folder));
    run_process(&mut command)
}
