//! Which trials, against whom, and how hard.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use super::{file_limit, overload, siege};
use crate::artifacts;
use crate::bench::entries::{self, Entry, OURS, Selection};
use crate::bench::{Contestant, Cores, Needs, align, raise_file_limit};

/// What to try, and on whom.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The trials; all of them without it.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Trial>,
    /// Rivals by name, or `none`.
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "nginx,hyper,actix")]
    rivals: Vec<String>,
    /// Where cargo builds the rivals, when not in its usual folder.
    #[arg(long, value_name = "DIR")]
    rivals_target_dir: Option<PathBuf>,
    /// Attackers of the siege.
    #[arg(long, default_value_t = 15_000)]
    pub(super) attackers: usize,
    /// What they do, as `load attack` calls it; they are dealt out in turn.
    #[arg(long, default_value = "silent,idle,slow-head,slow-body,slow-reader")]
    pub(super) kinds: String,
    /// Seconds from one act of an attacker to its next.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    pub(super) pace: f64,
    /// Requests a second of the good clients.
    #[arg(long, default_value_t = 5_000.0)]
    pub(super) rate: f64,
    /// Seconds that each trial lasts, once with and once without what is hostile.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Attack and ask over TLS 1.3.
    #[arg(long = "tls")]
    pub(super) is_tls: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Trial {
    /// Thousands of attackers beside good clients.
    Siege,
    /// Twice as many requests as the server can answer.
    Overload,
    /// 500 clients of a server that may open 64 files.
    Files,
}

impl Options {
    pub(super) fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn has(&self, trial: Trial) -> bool {
        self.only.is_empty() || self.only.contains(&trial)
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(result) = artifacts::run_released() {
        return result;
    }
    raise_file_limit();
    let cores = Cores::choose()?;
    let named = options.rivals.iter().filter(|name| *name != "none").cloned().collect();
    let entries = entries::build(&Selection::Named(named), options.rivals_target_dir.as_deref())?;
    let needs = Needs { tls: options.is_tls, files: false };
    let mut is_well = true;
    if options.has(Trial::Siege) {
        let (lines, is_unharmed) = each(&entries, cores, needs, siege::HEADER, |contestant| {
            siege::run(contestant, cores, options)
        });
        is_well &= is_unharmed;
        let Options { attackers, rate, .. } = options;
        println!("{attackers} attackers beside {rate:.0} good requests a second\n{lines}");
    }
    if options.has(Trial::Overload) {
        for kind in overload::KINDS {
            let (lines, is_unharmed) =
                each(&entries, cores, needs, overload::HEADER, |contestant| {
                    overload::run(contestant, cores, kind, options.time())
                });
            is_well &= is_unharmed;
            println!("twice as many requests as each can answer, {}\n{lines}", kind.name);
        }
    }
    if options.has(Trial::Files) {
        let (lines, is_unharmed) = each(&entries, cores, needs, file_limit::HEADER, |contestant| {
            file_limit::run(contestant, cores)
        });
        is_well &= is_unharmed;
        println!("500 clients of a server that may open 64 files\n{lines}");
    }
    ensure!(is_well, "ours does not pass; its table says in what");
    Ok(())
}

/// What became of one server in one trial.
#[derive(Debug)]
pub(super) struct Verdict {
    /// The cells of its line.
    pub(super) cells: Vec<String>,
    /// No good client was harmed.
    pub(super) is_unharmed: bool,
}

/// Lets each server in turn go through a trial. The table, and whether ours was unharmed: a rival's
/// failure is a result.
fn each(
    entries: &[Entry],
    cores: Cores,
    needs: Needs,
    header: &[&str],
    trial: impl Fn(&mut Contestant<'_>) -> Result<Verdict>,
) -> (String, bool) {
    let mut lines = vec![header.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>()];
    let mut is_well = true;
    for entry in entries {
        eprintln!("{} …", entry.name);
        let verdict = Contestant::start(entry, cores, needs).and_then(|mut contestant| {
            let verdict = trial(&mut contestant);
            contestant.stop();
            verdict
        });
        let mut line = vec![entry.name.clone()];
        let is_unharmed = match verdict {
            Ok(verdict) => {
                line.extend(verdict.cells);
                verdict.is_unharmed
            }
            Err(error) => {
                line.push(format!("failed: {error:#}"));
                false
            }
        };
        is_well &= is_unharmed || entry.name != OURS;
        lines.push(line);
    }
    (align(&lines), is_well)
}
