//! Who takes part: our arena example, the programs of benches/rivals, built by cargo, and servers
//! that are installed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::file_server::{FileServer, OWN_NAME, RIVAL_NAME, rival_program};
use super::packaged::{PACKAGES, Package};
use super::rows::Needs;
use crate::artifacts::{self, Artifact};
use crate::metadata;
use crate::process::{cargo, output, root};

/// One server.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) launch: Launch,
}

/// How a server is started.
#[derive(Debug)]
pub(crate) enum Launch {
    /// By the arena's command line, and arguments of its own behind it.
    Program { path: PathBuf, arguments: &'static [&'static str] },
    /// By a configuration.
    Packaged(Package),
    /// By the command line of a server of files.
    FileServer(FileServer),
}

impl Launch {
    /// Whether there is any use in trying.
    pub(crate) fn may_serve(&self, needs: Needs) -> bool {
        needs.files || !matches!(self, Self::FileServer(_))
    }
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
    let mut entries = vec![program(OURS.into(), build_ours()?, &[])];
    let names = select(selection, rivals()?)?;
    let built: Vec<_> = names.iter().filter(|name| is_program(name)).collect();
    let artifacts = build_rivals(&built, rivals_target_dir)?;
    for name in names {
        if let Some(package) = Package::find(&name) {
            match package.program() {
                Some(_) => entries.push(Entry { name, launch: Launch::Packaged(package) }),
                None => missing(selection, &name)?,
            }
            continue;
        }
        if name == OWN_NAME {
            let launch = Launch::FileServer(FileServer::Ours(build_own_command()?));
            entries.push(Entry { name, launch });
            continue;
        }
        if name == RIVAL_NAME {
            match rival_program() {
                Some(_) => {
                    let launch = Launch::FileServer(FileServer::StaticWebServer);
                    entries.push(Entry { name, launch });
                }
                None => missing(selection, &name)?,
            }
            continue;
        }
        let (source, arguments) = variant(&name).unwrap_or((&name, &[]));
        match artifacts.iter().find(|artifact| artifact.name == source) {
            Some(artifact) => {
                let path = artifact.path.clone();
                entries.push(program(name, path, arguments));
            }
            None => eprintln!("{name} does not compile and is left out"),
        }
    }
    Ok(entries)
}

/// Whether a rival is a program of benches/rivals.
fn is_program(name: &str) -> bool {
    Package::find(name).is_none() && name != OWN_NAME && name != RIVAL_NAME
}

fn program(name: String, path: PathBuf, arguments: &'static [&'static str]) -> Entry {
    Entry { name, launch: Launch::Program { path, arguments } }
}

/// A server that is not installed is an error only where it was asked for by name.
fn missing(selection: &Selection, name: &str) -> Result<()> {
    let is_named = matches!(selection, Selection::Named(_));
    ensure!(!is_named, "{name} is not installed; --install installs it");
    eprintln!("{name} is not installed and is left out; --install installs it");
    Ok(())
}

/// The program behind an entry that is another way of running it, and the arguments for that.
fn variant(name: &str) -> Option<(&'static str, &'static [&'static str])> {
    let found = VARIANTS.iter().find(|(variant, ..)| *variant == name)?;
    Some((found.1, found.2))
}

/// Builds the arena example and returns where cargo put it.
pub(crate) fn build_ours() -> Result<PathBuf> {
    let arguments = ["build", "--release", "--package=waterwheel-examples", "--example=arena"];
    let built = artifacts::build(&mut cargo(&arguments))?;
    let arena = built.into_iter().find(|artifact| artifact.name == "arena");
    Ok(arena.context("cargo did not build the example arena")?.path)
}

/// Builds the ready-made server.
fn build_own_command() -> Result<PathBuf> {
    let arguments = ["build", "--release", "--package=waterwheel", "--bin=waterwheel"];
    let built = artifacts::build(&mut cargo(&arguments))?;
    let program = built.into_iter().find(|artifact| artifact.name == "waterwheel");
    Ok(program.context("cargo did not build the ready-made server")?.path)
}

fn build_rivals(names: &[&String], rivals_target_dir: Option<&Path>) -> Result<Vec<Artifact>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut command = cargo(&["build", "--release", "--keep-going", "--manifest-path", MANIFEST]);
    let programs = names.iter().map(|name| variant(name).map_or(name.as_str(), |(of, _)| of));
    command.args(programs.flat_map(|program| ["--bin", program]));
    command.args(rivals_target_dir.map(|dir| format!("--target-dir={}", dir.display())));
    artifacts::build(&mut command)
}

/// The names of all rivals; none where the folder is missing.
fn rivals() -> Result<Vec<String>> {
    if !root().join(MANIFEST).exists() {
        return Ok(Vec::new());
    }
    let arguments = ["metadata", "--format-version=1", "--no-deps", "--manifest-path", MANIFEST];
    let packages = metadata::parse(&output(&mut cargo(&arguments))?)?;
    let programs = packages.into_iter().flat_map(|package| package.programs);
    let mut names: Vec<_> = programs.filter(|name| name != CHECKER).collect();
    for (name, of, _) in VARIANTS {
        if let Some(index) = names.iter().position(|name| *name == of) {
            names.insert(index + 1, name.to_owned());
        }
    }
    names.extend(PACKAGES.map(|package| package.name.to_owned()));
    names.extend([OWN_NAME, RIVAL_NAME].map(str::to_owned));
    Ok(names)
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

/// Entries that are another way of running a program: name, program, arguments.
const VARIANTS: [(&str, &str, &[&str]); 1] = [("hyper-current", "hyper", &["--current-thread"])];
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
    fn variants_are_programs_with_arguments() {
        assert_eq!(variant("hyper-current"), Some(("hyper", &["--current-thread"][..])));
        assert_eq!(variant("hyper"), None);
    }

    #[test]
    fn what_is_asked_for_by_name_must_be_installed() {
        assert!(missing(&Selection::All, "h2o").is_ok());
        let error = missing(&Selection::Named(vec!["h2o".into()]), "h2o").unwrap_err();
        assert!(error.to_string().contains("--install"), "{error}");
    }

    #[test]
    fn named_rivals_must_be_there() {
        let named = |name: &str| selected(&Selection::Named(vec![name.to_owned()]));
        assert_eq!(named("may").unwrap(), ["may"]);
        assert_eq!(named("nginx"), None);
    }
}
