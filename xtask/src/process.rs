//! Starting other programs, cargo above all, from the root of the workspace. Knows no command.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow, bail};

/// A child process that is killed when this is dropped before it has ended.
#[derive(Debug)]
pub(crate) struct Guarded(Child);

impl Guarded {
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self(child))
    }

    pub(crate) fn child_mut(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Ends the process with SIGTERM and waits for it; an exit code other than 0 is an error.
    pub(crate) fn terminate(self, patience: Duration) -> Result<()> {
        run(Command::new("kill").arg("-TERM").arg(self.0.id().to_string()))?;
        self.wait(patience).context("after SIGTERM")
    }

    /// Waits for a process that ends of its own accord; an exit code other than 0 is an error.
    pub(crate) fn wait(mut self, patience: Duration) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < patience {
            match self.0.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("the process ended with {status}"),
                None => thread::sleep(Duration::from_millis(10)),
            }
        }
        bail!("the process did not end within {} s", patience.as_secs())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Both calls fail only when the process has ended already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in a folder of the root")
}

/// The folder that cargo builds into.
pub(crate) fn target_dir() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Where a program is; servers live in folders that are not on everyone's path.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/local/sbin".into(), "/usr/sbin".into()]);
    folders.map(|folder: PathBuf| folder.join(name)).find(|program| program.is_file())
}

/// A program that cargo has installed for this user.
pub(crate) fn home_program(name: &str) -> Option<PathBuf> {
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))?;
    Some(cargo.join("bin").join(name)).filter(|program| program.is_file())
}

/// The cargo that started this program, at the root of the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// The whole command is the cause: it may name the machine's folders.
fn failed(command: &Command, status: ExitStatus) -> Error {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().display();
    anyhow!("{command:?}").context(format!("{name} ended with {status}"))
}

/// Runs to the end; an exit code other than 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        return Err(failed(command, status));
    }
    Ok(())
}

/// Runs to the end and returns what was printed; errors and warnings stay on the terminal.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        return Err(failed(command, output.status));
    }
    String::from_utf8(output.stdout).with_context(|| format!("{command:?} printed no UTF-8"))
}
