//! How long reads of files take, and how long others wait meanwhile: a test of the server measures
//! it within its own process, and prints it.

use anyhow::Result;

use crate::process::{cargo, run};

/// How the part is called on the command line.
pub(crate) const NAME: &str = "disk";

/// Measures and prints.
pub(crate) fn measure() -> Result<()> {
    println!("\nreads of 16 KiB from a file, and what they mean to others ({NAME})");
    let arguments = ["test", "--release", "--quiet", "--package=waterwheel", "--test=disk_speed"];
    run(cargo(&arguments).args(["--", "--ignored", "--nocapture"]))
}
