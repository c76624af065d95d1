//! `fuzz`: runs one fuzz target for some time, on the nightly compiler. What it finds worth keeping
//! goes to a folder beside the build; with `--keep`, the fewest inputs that reach as much replace
//! the corpus in the repository.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{root, run as run_process, target_dir};

pub(crate) fn run(target: &str, seconds: u64, keep: bool) -> Result<()> {
    let source = root().join("fuzz/fuzz_targets").join(target).with_extension("rs");
    if !source.is_file() {
        bail!("there is no fuzz target {target}; see fuzz/fuzz_targets");
    }
    let kept = root().join("fuzz/corpus").join(target);
    let found = target_dir().join("fuzz-corpus").join(target);
    for folder in [&kept, &found] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let time = format!("-max_total_time={seconds}");
    // 4 KiB is a segment: beyond it, an input is slower and finds no more.
    run_process(&mut fuzz(
        target,
        &[&found, &kept],
        &[&time, "-max_len=4096", "-print_final_stats=1"],
    ))?;
    if keep { minimise(target, &kept, &found) } else { Ok(()) }
}

fn minimise(target: &str, kept: &Path, found: &Path) -> Result<()> {
    let fewest = target_dir().join("fuzz-fewest").join(target);
    if fewest.exists() {
        fs::remove_dir_all(&fewest)?;
    }
    fs::create_dir_all(&fewest)?;
    run_process(&mut fuzz(target, &[&fewest, kept, found], &["-set_cover_merge=1"]))?;
    fs::remove_dir_all(kept)?;
    fs::create_dir(kept)?;
    for entry in fs::read_dir(&fewest)? {
        let file = entry?;
        fs::copy(file.path(), kept.join(file.file_name()))?;
    }
    Ok(())
}

/// The first folder is where libFuzzer writes.
fn fuzz(target: &str, folders: &[&Path], flags: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(["+nightly", "fuzz", "run", target, "--fuzz-dir"]).arg(root().join("fuzz"));
    command.arg("--target-dir").arg(target_dir().join("fuzz")).args(folders).arg("--").args(flags);
    command.current_dir(root());
    command
}
