//! `seeded-bugs`: puts each known bug into the ring and runs the checks on it. A bug that fewer
//! than two tests notice is an error, for the next one like it could be noticed by none.
//!
//! A check is a kind of test in a build that can see a kind of mistake. Only one of them has the
//! ring's own assertions, so that what the others notice they notice by themselves.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::asan;
use crate::nightly::install;
use crate::process::{cargo, root, target_dir};
use crate::verdict::{Verdict, test_programs, verdict};

/// One column of the table: a test program in some build.
struct Check {
    name: &'static str,
    build: Build,
    test: &'static str,
    /// Random operations, for the model.
    steps: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Build {
    /// As shipped, without the ring's own assertions.
    Plain,
    Assertions,
    Poison,
    Address,
    Loom,
}

const fn check(name: &'static str, build: Build, test: &'static str) -> Check {
    // Enough for each bug that the model can notice; sanitizers are ten times slower.
    let steps = if matches!(build, Build::Address) { 4_000 } else { 40_000 };
    Check { name, build, test, steps }
}

const CHECKS: [Check; 8] = [
    check("unit", Build::Plain, LIBRARY),
    check("leaks", Build::Plain, "leaks"),
    check("model", Build::Plain, "model"),
    check("threads", Build::Plain, "threads"),
    check("asserts", Build::Assertions, "model"),
    check("poison", Build::Poison, "model"),
    check("address", Build::Address, "model"),
    check("loom", Build::Loom, "loom"),
];

pub(crate) fn run() -> Result<()> {
    install(&[])?;
    let bugs = bugs(&source()?)?;
    let programs = programs()?;
    for (check, program) in CHECKS.iter().zip(&programs) {
        let ended = run_check(check, program, None)?;
        ensure!(ended == Verdict::Passed, "without a bug, `{}` ended as {ended:?}", check.name);
    }

    let mut unnoticed = Vec::new();
    println!("{}  bug", CHECKS.map(|check| format!("{:>7}", check.name)).join(" "));
    for (bug, meaning) in &bugs {
        let mut noticed_by = Vec::new();
        let mut row = String::new();
        for (check, program) in CHECKS.iter().zip(&programs) {
            let mark = match run_check(check, program, Some(bug))? {
                Verdict::Passed => ".",
                Verdict::Failed(_) => "fails",
                Verdict::Crashed => "crashes",
                Verdict::Hung => bail!("`{}` does not end with {bug}", check.name),
            };
            if mark != "." && !noticed_by.contains(&check.test) {
                noticed_by.push(check.test);
            }
            row += &format!("{mark:>7} ");
        }
        println!("{row} {bug}: {meaning}");
        if noticed_by.len() < NOTICED_BY_MIN {
            unnoticed.push(bug);
        }
    }
    ensure!(unnoticed.is_empty(), "fewer than {NOTICED_BY_MIN} tests notice {unnoticed:?}");
    println!("{} bugs, each noticed by at least {NOTICED_BY_MIN} tests", bugs.len());
    Ok(())
}

fn run_check(check: &Check, program: &PathBuf, bug: Option<&str>) -> Result<Verdict> {
    let mut command = Command::new(program);
    command.current_dir(root().join("crates/ring"));
    command.env("WATERWHEEL_MODEL_STEPS", check.steps.to_string());
    if let Some(bug) = bug {
        command.env("WATERWHEEL_SEEDED_BUG", bug);
    }
    verdict(&mut command)
}

/// The test program of each check.
fn programs() -> Result<Vec<PathBuf>> {
    let mut programs = vec![PathBuf::new(); CHECKS.len()];
    for build in [Build::Plain, Build::Assertions, Build::Poison, Build::Address, Build::Loom] {
        let wanted = || CHECKS.iter().enumerate().filter(|(_, check)| check.build == build);
        let names: Vec<_> = wanted().map(|(_, check)| check.test).collect();
        let built = test_programs(&mut tests(build)?, &names)
            .with_context(|| format!("cannot build the tests as {build:?}"))?;
        for ((index, _), artifact) in wanted().zip(built) {
            programs[index] = artifact.path;
        }
    }
    Ok(programs)
}

/// The `cargo test` of a build, in a folder of its own.
fn tests(build: Build) -> Result<Command> {
    let flags = match build {
        Build::Address => {
            return asan::tests("seeded/address", "--cfg waterwheel_seeded_bugs");
        }
        Build::Plain => "-Cdebug-assertions=off",
        Build::Assertions => "",
        Build::Poison => "-Cdebug-assertions=off --cfg waterwheel_poison",
        Build::Loom => "--cfg waterwheel_loom",
    };
    let mut command = cargo(&["test", "--package=waterwheel-ring"]);
    match build {
        Build::Loom => command.args(["--release", "--test=loom"]),
        _ => command.args(["--lib", "--test=leaks", "--test=model", "--test=threads"]),
    };
    command.env("RUSTFLAGS", format!("{flags} --cfg waterwheel_seeded_bugs"));
    let folder = format!("{build:?}").to_lowercase();
    command.env("CARGO_TARGET_DIR", target_dir().join("seeded").join(folder));
    Ok(command)
}

fn source() -> Result<String> {
    let path = root().join("crates/ring/src/seeded.rs");
    fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))
}

/// The names and meanings of the bugs, from the `enum` that lists them.
fn bugs(source: &str) -> Result<Vec<(String, String)>> {
    let (_, list) = source.split_once("enum Bug {").context("there is no list of bugs")?;
    let (list, _) = list.split_once("\n}").context("the list of bugs has no end")?;
    let mut bugs = Vec::new();
    let mut meaning = String::new();
    for line in list.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            meaning += text;
        } else if let Some(name) = line.strip_suffix(',') {
            bugs.push((name.to_owned(), std::mem::take(&mut meaning)));
        }
    }
    Ok(bugs)
}

/// How cargo calls the program with the library's own tests.
const LIBRARY: &str = "waterwheel_ring";

/// One test may notice a bug by luck. The same test in two builds counts once.
const NOTICED_BY_MIN: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bugs_are_read_with_their_meanings() {
        let found = bugs("enum Bug {\n    /// It bites.\n    Ant,\n    Bee,\n}\n").unwrap();
        let bug = |name: &str, meaning: &str| (name.to_owned(), meaning.to_owned());
        assert_eq!(found, [bug("Ant", "It bites."), bug("Bee", "")]);
    }

    #[test]
    fn ring_has_at_least_twelve_bugs_to_seed() {
        let bugs = bugs(&source().unwrap()).unwrap();
        assert!(bugs.len() >= 12 && bugs.iter().all(|(_, meaning)| !meaning.is_empty()));
    }
}
