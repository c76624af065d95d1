//! `check`: everything that a pull request must pass, in the order in which it fails fastest.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::process::{cargo, run as run_process};
use crate::{doc, lint, test, tidy};

/// A step's name and its work.
type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 5] = [
    ("fmt", format),
    ("lint", lint::run),
    ("tidy", tidy::run),
    ("test", test::run),
    ("doc", doc::run),
];

pub(crate) fn run() -> Result<()> {
    let started = Instant::now();
    for (name, step) in STEPS {
        eprintln!("── {name}");
        let step_started = Instant::now();
        step().with_context(|| format!("`{name}` failed; nothing after it was run"))?;
        eprintln!("── {name}: {:.1} s", step_started.elapsed().as_secs_f64());
    }
    eprintln!("── all passed: {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn format() -> Result<()> {
    run_process(&mut cargo(&["fmt", "--all", "--check"]))
}
