//! What a run ran on. A time says nothing without it.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::process::root;

/// The machine and the versions of what was compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) core_count: usize,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
    /// The commit, with a plus where files differ from it.
    pub(crate) commit: String,
    /// Seconds since 1970.
    pub(crate) measured_at: u64,
}

impl Machine {
    pub(crate) fn read() -> Self {
        let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        // Reports are kept in docs, and no figure depends on what is written there.
        let status = ["git", "status", "--porcelain", "--", ".", ":!docs"];
        let is_changed = !printed(&status).is_empty();
        let commit = printed(&["git", "rev-parse", "--short", "HEAD"]);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            cpu: cpu_model(&cpu_info).unwrap_or("unknown").to_owned(),
            core_count: cpu_info.lines().filter(|line| line.starts_with("processor")).count(),
            kernel: kernel.trim().to_owned(),
            rustc: printed(&["rustc", "--version"]),
            commit: if is_changed { format!("{commit}+") } else { commit },
            measured_at: now.as_secs(),
        }
    }

    /// Whether absolute times may be compared with those of `other`.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.cpu == other.cpu && self.core_count == other.core_count && self.kernel == other.kernel
    }

    pub(crate) fn line(&self) -> String {
        let Self { cpu, core_count, kernel, rustc, commit, .. } = self;
        format!("{cpu}, {core_count} cores, Linux {kernel}, {rustc}, commit {commit}")
    }
}

fn cpu_model(cpu_info: &str) -> Option<&str> {
    let line = cpu_info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

/// What a command prints; nothing where it cannot be run.
fn printed(command: &[&str]) -> String {
    let output = Command::new(command[0]).args(&command[1..]).current_dir(root()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_is_read() {
        let info = "processor\t: 0\nmodel name\t: A CPU @ 2 GHz\nprocessor\t: 1\n";
        assert_eq!(cpu_model(info), Some("A CPU @ 2 GHz"));
        assert_eq!(cpu_model("processor\t: 0\n"), None);
    }
}
