//! Runs a test program to its end, or to the end of patience, and tells which tests failed.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::artifacts::{Artifact, build};
use crate::process::Guarded;

/// How a test program ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// The names of the tests that failed.
    Failed(Vec<String>),
    /// It ended in the middle of a test, as sanitizers and loom make it do.
    Crashed,
    Hung,
}

/// Builds test programs and returns them in the order of `names`. `command` is a `cargo test`; a
/// library's own tests go by its name.
pub(crate) fn test_programs(command: &mut Command, names: &[&str]) -> Result<Vec<Artifact>> {
    let mut built = build(command.arg("--no-run"))?;
    names
        .iter()
        .map(|name| {
            let found = built.iter().position(|artifact| artifact.name == *name);
            let index =
                found.with_context(|| format!("the test program `{name}` was not built"))?;
            Ok(built.swap_remove(index))
        })
        .collect()
}

/// Runs one test program, its output captured.
pub(crate) fn verdict(command: &mut Command) -> Result<Verdict> {
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut guarded = Guarded::spawn(command)?;
    let mut stdout = guarded.child_mut().stdout.take().context("the output was piped")?;
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).map(|_| bytes)
    });
    let Some(status) = wait(&mut guarded)? else { return Ok(Verdict::Hung) };
    let Ok(output) = reader.join() else { bail!("the thread that reads the output panicked") };
    Ok(judge(status, &String::from_utf8_lossy(&output?)))
}

/// How the process ended; `None` when it did not in time.
fn wait(guarded: &mut Guarded) -> Result<Option<ExitStatus>> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(status) = guarded.child_mut().try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(None)
}

fn judge(status: ExitStatus, output: &str) -> Verdict {
    let failed: Vec<String> = output.lines().filter_map(failed_test).collect();
    if status.success() {
        Verdict::Passed
    } else if failed.is_empty() {
        Verdict::Crashed
    } else {
        Verdict::Failed(failed)
    }
}

/// The name in a line such as `test exclusive::a_claim ... FAILED`.
fn failed_test(line: &str) -> Option<String> {
    let name = line.strip_prefix("test ")?.strip_suffix("FAILED")?;
    name.trim_end().strip_suffix("...").map(|name| name.trim_end().to_owned())
}

/// A minute is ten times what the slowest of these programs takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    const OUTPUT: &str = "running 2 tests\ntest a::holds ... ok\ntest b::breaks ... FAILED\n";

    #[test]
    fn failed_tests_are_named() {
        let failed = Verdict::Failed(vec!["b::breaks".to_owned()]);
        assert_eq!(judge(ExitStatus::from_raw(101 << 8), OUTPUT), failed);
    }

    #[test]
    fn end_without_a_failed_test_is_a_crash() {
        let aborted = ExitStatus::from_raw(6);
        assert_eq!(judge(aborted, "running 2 tests\n"), Verdict::Crashed);
        assert_eq!(judge(ExitStatus::from_raw(0), "running 0 tests\n"), Verdict::Passed);
    }
}
