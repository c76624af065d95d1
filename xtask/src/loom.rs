//! `loom`: the ring's concurrency models, every interleaving within their bounds. They are built
//! into a folder of their own, because their flag would otherwise throw away every other build.
//!
//! With `--weaken` they run once more for each ordering of the ring, with that one taken away, and
//! a model must fail each time: an ordering that no model misses is either too strong or unproven.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::process::{cargo, root, run as run_process, target_dir};
use crate::verdict::{Verdict, test_programs, verdict};

pub(crate) fn run(weaken: bool) -> Result<()> {
    run_process(&mut models())?;
    if weaken { weaken_each() } else { Ok(()) }
}

/// The `cargo test` that builds and runs the models.
fn models() -> Command {
    let mut command = cargo(&["test", "--release", "--package=waterwheel-ring", "--test=loom"]);
    command.env("RUSTFLAGS", "--cfg waterwheel_loom");
    command.env("CARGO_TARGET_DIR", target_dir().join("loom"));
    command
}

fn weaken_each() -> Result<()> {
    let accesses = accesses(&sources()?)?;
    let programs = test_programs(&mut models(), &["loom"])?;
    let mut survivors = Vec::new();
    println!("access  weakened            models that fail");
    for access in &accesses {
        let mut command = Command::new(&programs[0].path);
        command.env("WATERWHEEL_WEAKEN", access.number.to_string());
        let change = format!("{} → Relaxed", access.ordering);
        let models = match verdict(&mut command)? {
            Verdict::Failed(models) => models.join(", "),
            Verdict::Crashed => "one crashed".to_owned(),
            // A model that never ends has not been shown to fail.
            ended @ (Verdict::Passed | Verdict::Hung) => {
                survivors.push(access.number);
                format!("NONE ({ended:?})")
            }
        };
        println!("{:>6}  {change:<18}  {models}", access.number);
    }
    ensure!(survivors.is_empty(), "no model misses the ordering of these accesses: {survivors:?}");
    Ok(())
}

/// An access whose ordering can be taken away.
#[derive(Debug, PartialEq, Eq)]
struct Access {
    number: u8,
    ordering: String,
}

fn sources() -> Result<String> {
    let mut text = String::new();
    read_all(&root().join("crates/ring/src"), &mut text)?;
    Ok(text)
}

fn read_all(folder: &Path, text: &mut String) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {folder:?}"))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            read_all(&path, text)?;
        } else {
            *text += &fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))?;
        }
    }
    Ok(())
}

/// Every ordering stronger than `Relaxed`, by number. One that cannot be weakened is an error, for
/// it would be one that nothing proves.
fn accesses(sources: &str) -> Result<Vec<Access>> {
    let mut accesses = Vec::new();
    for (at, name) in sources.match_indices("Ordering::") {
        let ordering: String =
            sources[at + name.len()..].chars().take_while(|c| c.is_ascii_alphabetic()).collect();
        if !STRONG.contains(&ordering.as_str()) {
            continue;
        }
        let number = sources[..at]
            .trim_end()
            .strip_suffix(',')
            .and_then(|before| before.rsplit_once("strength("))
            .and_then(|(_, number)| number.trim().parse().ok());
        let Some(number) = number else {
            bail!("`Ordering::{ordering}` in crates/ring/src without `strength(number, …)`");
        };
        ensure!(
            accesses.iter().all(|access: &Access| access.number != number),
            "two accesses have the number {number}"
        );
        accesses.push(Access { number, ordering });
    }
    ensure!(!accesses.is_empty(), "crates/ring/src has no ordering to weaken");
    accesses.sort_by_key(|access| access.number);
    Ok(accesses)
}

const STRONG: [&str; 4] = ["Acquire", "Release", "AcqRel", "SeqCst"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strong_orderings_are_found_by_their_numbers() {
        let text = "a.swap(0, strength(2, Ordering::Acquire));\nb.load(Ordering::Relaxed);\n\
            c.fetch_or(1, strength(\n    1,\n    Ordering::Release,\n));";
        let found = accesses(text).unwrap();
        let found: Vec<_> =
            found.iter().map(|access| (access.number, access.ordering.as_str())).collect();
        assert_eq!(found, [(1, "Release"), (2, "Acquire")]);
    }

    #[test]
    fn ordering_that_cannot_be_weakened_is_refused() {
        assert!(accesses("a.load(Ordering::Acquire)").is_err());
        let twice = "a.swap(0, strength(1, Ordering::Acquire)); \
            b.swap(0, strength(1, Ordering::Acquire));";
        assert!(accesses(twice).is_err());
    }

    #[test]
    fn every_ordering_of_the_ring_can_be_weakened() {
        assert_eq!(accesses(&sources().unwrap()).unwrap().len(), 4);
    }
}
