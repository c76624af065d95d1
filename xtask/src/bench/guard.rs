//! `bench --guard`: user-space instructions per request of ten fixed cases, beside the counts that
//! the repository keeps. It fails where a case costs more than 3 % above its count, so that no
//! change makes requests dearer unseen.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::entries;
use super::guard_cases::{CASES, Case};
use super::machine::Machine;
use super::samples::Samples;
use super::table::{align, number, spread};
use crate::instructions;
use crate::process::root;

/// The counts that the repository keeps.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// Another compiler writes other code, so the counts are this one's.
    rustc: String,
    valgrind: String,
    instructions_per_request: BTreeMap<String, f64>,
}

/// Counts every case, several times where the spread is of interest, and compares; with `accept`
/// the counts are kept instead.
pub(crate) fn run(rounds: u32, accept: bool) -> Result<()> {
    let versions = Kept {
        rustc: Machine::read().rustc,
        valgrind: instructions::valgrind_version()?,
        ..Kept::default()
    };
    let counted = count_all(&entries::build_ours()?, rounds)?;
    if accept {
        let counts = counted.into_iter().map(|(name, samples)| (name.to_owned(), samples.median()));
        let text = serde_json::to_string_pretty(&Kept {
            instructions_per_request: counts.collect(),
            ..versions
        })?;
        fs::write(path(), text + "\n")?;
        println!("kept in {FILE}");
        return Ok(());
    }

    let text = fs::read_to_string(path())
        .with_context(|| format!("{FILE} is missing; `cargo xtask bench --guard --accept`"))?;
    let kept: Kept = serde_json::from_str(&text).with_context(|| format!("{FILE} is no list"))?;
    let Verdict { table, grown, fallen } = compare(&kept, &counted);
    print!("user-space instructions per request\n{table}");
    for (what, then, now) in [
        ("compiler", &kept.rustc, &versions.rustc),
        ("valgrind", &kept.valgrind, &versions.valgrind),
    ] {
        if then != now {
            println!("the counts kept are those of another {what}: {then}, here {now}");
        }
    }
    if !grown.is_empty() {
        bail!(
            "grown by more than {SHARE_MAX} %: {}; where that is the price of something wanted, \
             `cargo xtask bench --guard --accept` keeps the new counts",
            grown.join(", ")
        );
    }
    if !fallen.is_empty() {
        println!(
            "fallen by more than {SHARE_MAX} %: {}; `cargo xtask bench --guard --accept` holds that",
            fallen.join(", ")
        );
    }
    Ok(())
}

/// Counts of each case, in the order of the cases. As many are counted at a time as there are
/// cores, because instructions do not depend on what else runs.
fn count_all(program: &Path, rounds: u32) -> Result<Vec<(&'static str, Samples)>> {
    let jobs: Vec<_> = (0..rounds).flat_map(|_| CASES.iter().enumerate()).collect();
    let waiting = Mutex::new(jobs.into_iter());
    let counted = Mutex::new(vec![Vec::new(); CASES.len()]);
    let work = || -> Result<()> {
        loop {
            let job = waiting.lock().expect("no count panics").next();
            let Some((index, Case { name, load })) = job else { return Ok(()) };
            let count = instructions::count(program, &load())
                .with_context(|| format!("the case {name} cannot be counted"))?;
            let mut counted = counted.lock().expect("no count panics");
            counted[index].push(count.per_request as f64);
        }
    };
    let worker_count = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..worker_count).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("no count panics"))
    })?;
    let counted = counted.into_inner().expect("no count panics");
    Ok(CASES.iter().zip(counted).map(|(case, counts)| (case.name, Samples::from(counts))).collect())
}

/// What a comparison says.
struct Verdict {
    table: String,
    grown: Vec<&'static str>,
    fallen: Vec<&'static str>,
}

fn compare(kept: &Kept, counted: &[(&'static str, Samples)]) -> Verdict {
    let header = ["case", "kept", "now", "spread", "change"];
    let mut lines = vec![header.map(str::to_owned).to_vec()];
    let (mut grown, mut fallen) = (Vec::new(), Vec::new());
    for (name, samples) in counted {
        let now = samples.median();
        let then = kept.instructions_per_request.get(*name).copied();
        let change = then.map(|then| (now / then - 1.0) * 100.0);
        match change {
            // A case without a count would never be guarded.
            None => grown.push(*name),
            Some(change) if change > SHARE_MAX => grown.push(*name),
            Some(change) if change < -SHARE_MAX => fallen.push(*name),
            Some(_) => {}
        }
        lines.push(vec![
            (*name).to_owned(),
            then.map_or("–".to_owned(), number),
            number(now),
            spread(samples),
            change.map_or("–".to_owned(), |change| format!("{change:+.1} %")),
        ]);
    }
    Verdict { table: align(&lines), grown, fallen }
}

fn path() -> PathBuf {
    root().join(FILE)
}

const FILE: &str = "docs/benchmarks/guard.json";
/// Percent. Ten times the spread between runs, and less than anybody would call a small price.
const SHARE_MAX: f64 = 3.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(kept: &[(&str, f64)], now: f64) -> Verdict {
        let counts = kept.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let kept = Kept { instructions_per_request: counts, ..Kept::default() };
        compare(&kept, &[("plaintext", Samples::from(vec![now]))])
    }

    #[test]
    fn three_percent_is_the_border() {
        let kept = [("plaintext", 1_000.0)];
        assert_eq!(verdict(&kept, 1_031.0).grown, ["plaintext"]);
        assert!(verdict(&kept, 1_029.0).grown.is_empty());
        assert!(verdict(&kept, 971.0).fallen.is_empty());
        assert_eq!(verdict(&kept, 969.0).fallen, ["plaintext"]);
    }

    #[test]
    fn case_without_a_count_fails() {
        assert_eq!(verdict(&[("json", 1_000.0)], 1_000.0).grown, ["plaintext"]);
    }

    #[test]
    fn ten_cases_have_counts_in_the_repository() {
        let text = fs::read_to_string(path()).unwrap();
        let kept: Kept = serde_json::from_str(&text).unwrap();
        let mut names: Vec<_> = CASES.iter().map(|case| case.name).collect();
        names.sort_unstable();
        assert_eq!(names.len(), 10);
        assert_eq!(kept.instructions_per_request.keys().collect::<Vec<_>>(), names);
    }
}
