//! `test`: unit, integration and documentation tests. Cargo runs the documentation tests by itself
//! as long as no kind of target is named.

use anyhow::Result;

use crate::process::{cargo, run as run_process};

pub(crate) fn run() -> Result<()> {
    run_process(&mut cargo(&["test", "--workspace", "--all-features"]))
}
