//! Who takes part: our arena example and the programs of benches/rivals, built by cargo.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::artifacts::{self, Artifact};
use crate::metadata;
use crate::process::{cargo, output, root};

/// One server with the arena's command line.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
}

/// The name under which we are listed.
pub(crate) const OURS: &str = "waterwheel";

/// Which rivals to meet.
#[derive(Debug)]
pub(crate) enum Selection {
    All,
    /// Those of the list that there are.
    Usual(&'static [&'static str]),
    /// Those of the list; one that there is not is an error.
    Named(Vec<String>),
}

/// Builds everyone who takes part; ours comes first.
pub(crate) fn build(selection: &Selection, rivals_target_dir: Option<&Path>) -> Result<Vec<Entry>> {
    let mut entries = vec![Entry { name: OURS.into(), program: build_ours()? }];
    let names = select(selection, rivals()?)?;
    let artifacts = build_rivals(&names, rivals_target_dir)?;
    for name in names {
        match artifacts.iter().find(|artifact| artifact.name == name) {
            Some(artifact) => {
                entries.push(Entry { name, program: artifact.path.clone() });
            }
            None => eprintln!("{name} does not compile and is left out"),
        }
    }
    Ok(entries)
}

/// Builds the arena example and returns where cargo put it.
pub(crate) fn build_ours() -> Result<PathBuf> {
    let arguments = ["build", "--release", "--package=waterwheel-examples", "--example=arena"];
    let built = artifacts::build(&mut cargo(&arguments))?;
    let arena = built.into_iter().find(|artifact| artifact.name == "arena");
    Ok(arena.context("cargo did not build the example arena")?.path)
}

fn build_rivals(names: &[String], rivals_target_dir: Option<&Path>) -> Result<Vec<Artifact>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut command = cargo(&["build", "--release", "--keep-going", "--manifest-path", MANIFEST]);
    command.args(names.iter().flat_map(|name| ["--bin", name]));
    command.args(rivals_target_dir.map(|dir| format!("--target-dir={}", dir.display())));
    artifacts::build(&mut command)
}

/// The names of the rivals' programs; none where the folder is missing.
fn rivals() -> Result<Vec<String>> {
    if !root().join(MANIFEST).exists() {
        return Ok(Vec::new());
    }
    let arguments = ["metadata", "--format-version=1", "--no-deps", "--manifest-path", MANIFEST];
    let packages = metadata::parse(&output(&mut cargo(&arguments))?)?;
    let programs = packages.into_iter().flat_map(|package| package.programs);
    Ok(programs.filter(|name| name != CHECKER).collect())
}

fn select(selection: &Selection, mut rivals: Vec<String>) -> Result<Vec<String>> {
    match selection {
        Selection::All => {}
        Selection::Usual(usual) => rivals.retain(|name| usual.contains(&name.as_str())),
        Selection::Named(wanted) => {
            if let Some(missing) = wanted.iter().find(|name| !rivals.contains(name)) {
                bail!("there is no rival {missing}; there are {}", rivals.join(", "));
            }
            rivals.retain(|name| wanted.contains(name));
        }
    }
    Ok(rivals)
}

/// Asks rivals for answers, and gives none.
const CHECKER: &str = "check";
const MANIFEST: &str = "benches/rivals/Cargo.toml";

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(selection: &Selection) -> Option<Vec<String>> {
        select(selection, ["floor", "hyper", "may"].map(str::to_owned).into()).ok()
    }

    #[test]
    fn usual_rivals_may_be_missing() {
        assert_eq!(selected(&Selection::All).unwrap().len(), 3);
        assert_eq!(selected(&Selection::Usual(&["floor", "nginx"])).unwrap(), ["floor"]);
    }

    #[test]
    fn named_rivals_must_be_there() {
        let named = |name: &str| selected(&Selection::Named(vec![name.to_owned()]));
        assert_eq!(named("may").unwrap(), ["may"]);
        assert_eq!(named("nginx"), None);
    }
}
