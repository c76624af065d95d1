//! `explain`: asks the ready-made server for the plan of its routes.

use anyhow::Result;

use crate::process::{cargo, run as run_process};

pub(crate) fn run(route: Option<&str>) -> Result<()> {
    let arguments = ["run", "--release", "--quiet", "--package=waterwheel", "--", "--explain"];
    run_process(cargo(&arguments).args(route))
}
