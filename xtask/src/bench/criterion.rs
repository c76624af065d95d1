//! The criterion benchmarks. They are named one by one, because the libraries' own test harness
//! would not know criterion's flags.

use anyhow::{Context, Result, bail};

use crate::metadata;
use crate::process::{cargo, run as run_process};

const PACKAGE: &str = "waterwheel-benches";

/// Runs the benchmarks named, or all of them.
pub(crate) fn run(names: &[String], quick: bool) -> Result<()> {
    let packages = metadata::packages()?;
    let package = packages.iter().find(|package| package.name == PACKAGE);
    let benches = &package.with_context(|| format!("there is no package {PACKAGE}"))?.benches;
    if let Some(missing) = names.iter().find(|name| !benches.contains(name)) {
        bail!("there is no benchmark {missing}; there are {}", benches.join(", "));
    }

    let mut command = cargo(&["bench", "--package", PACKAGE]);
    let wanted = if names.is_empty() { benches } else { names };
    command.args(wanted.iter().flat_map(|bench| ["--bench", bench]));
    command.args(["--", "--noplot"]);
    if quick {
        command.arg("--quick");
    }
    run_process(&mut command)
}
