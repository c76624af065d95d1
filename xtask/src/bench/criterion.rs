//! `bench`: the criterion benchmarks. They are named one by one, because the libraries' own test
//! harness would not know criterion's flags.

use anyhow::{Context, Result, bail};

use crate::metadata;
use crate::process::{cargo, run as run_process};

const PACKAGE: &str = "waterwheel-benches";

pub(crate) fn run(name: Option<&str>, quick: bool) -> Result<()> {
    let packages = metadata::packages()?;
    let package = packages.iter().find(|package| package.name == PACKAGE);
    let benches = &package.with_context(|| format!("there is no package {PACKAGE}"))?.benches;

    let mut command = cargo(&["bench", "--package", PACKAGE]);
    match name {
        Some(name) if benches.iter().any(|bench| bench == name) => {
            command.args(["--bench", name]);
        }
        Some(name) => bail!("there is no benchmark {name}; there are {}", benches.join(", ")),
        None => {
            command.args(benches.iter().flat_map(|bench| ["--bench", bench]));
        }
    }
    command.args(["--", "--noplot"]);
    if quick {
        command.arg("--quick");
    }
    run_process(&mut command)
}
