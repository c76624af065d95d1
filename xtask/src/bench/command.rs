//! The command: which parts to run, how thoroughly, and what to do with the results.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use super::arena::{self, Settings};
use super::entries::{self, Selection};
use super::pinned::Cores;
use super::rows::{ROWS, Row};
use super::tool::{Tool, ToolName};
use super::{compare, criterion, install, own_load, store};

/// What was asked for on the command line.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) names: Vec<String>,
    pub(crate) depth: Depth,
    pub(crate) only: Vec<String>,
    pub(crate) rivals: Option<Vec<String>>,
    pub(crate) rounds: Option<u32>,
    pub(crate) save: Option<String>,
    pub(crate) compare: Option<String>,
    pub(crate) criterion: bool,
    pub(crate) arena: bool,
    pub(crate) load: Option<ToolName>,
    pub(crate) install: bool,
    pub(crate) rivals_target_dir: Option<PathBuf>,
}

/// How much time to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Depth {
    /// About two minutes: the rivals that matter most, short rounds.
    Quick,
    #[default]
    Usual,
    /// For figures that are kept.
    Full,
}

impl Depth {
    fn rounds(self) -> u32 {
        if self == Self::Full { 5 } else { 3 }
    }

    fn seconds(self) -> u32 {
        match self {
            Self::Quick => 1,
            Self::Usual => 2,
            Self::Full => 5,
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let rows = select(&options.only)?;
    if options.install {
        install::install()?;
    }
    let then = options.compare.as_deref().map(store::load).transpose()?;
    if options.criterion {
        criterion::run(&options.names, options.depth == Depth::Quick)?;
    }
    if !options.arena {
        return Ok(());
    }

    let report = arena::run(
        &settings(options)?,
        &entries::build(&selection(options), options.rivals_target_dir.as_deref())?,
        &rows,
    )?;
    if let Some((then, id)) = then.zip(options.compare.as_deref()) {
        println!("{}", compare::compare(&report, &then, id));
    }
    match &options.save {
        Some(id) => store::save(&report, id),
        None => Ok(()),
    }
}

fn settings(options: &Options) -> Result<Settings> {
    let rounds = options.rounds.unwrap_or(options.depth.rounds());
    ensure!(rounds > 0, "no round measures nothing");
    let own_load = own_load::build()?;
    Ok(Settings {
        rounds,
        seconds: options.depth.seconds(),
        tool: Tool::choose(options.load, &own_load)?,
        own_load,
        cores: Cores::choose()?,
    })
}

fn selection(options: &Options) -> Selection {
    match &options.rivals {
        Some(names) if names.iter().any(|name| name == "all") => Selection::All,
        Some(names) => Selection::Named(names.iter().filter(|n| *n != "none").cloned().collect()),
        None if options.depth == Depth::Quick => Selection::Usual(&QUICK_RIVALS),
        None => Selection::All,
    }
}

/// The floors that others are divided by, the server that most use, and the leanest one.
const QUICK_RIVALS: [&str; 4] = ["floor", "floor-payload", "hyper", "may"];

fn select(only: &[String]) -> Result<Vec<&'static Row>> {
    if let Some(missing) = only.iter().find(|name| ROWS.iter().all(|row| row.name != **name)) {
        let names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        bail!("there is no row {missing}; there are {}", names.join(", "));
    }
    let is_wanted = |row: &&Row| only.is_empty() || only.iter().any(|name| name == row.name);
    Ok(ROWS.iter().filter(is_wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_selected_by_name() {
        assert_eq!(select(&[]).unwrap().len(), ROWS.len());
        assert_eq!(select(&["json".into()]).unwrap()[0].name, "json");
        let error = select(&["jsno".into()]).unwrap_err().to_string();
        assert!(error.contains("there is no row jsno; there are plaintext, "), "{error}");
    }

    #[test]
    fn rivals_are_all_named_or_none() {
        let of = |names: &[&str]| {
            let rivals = Some(names.iter().map(|name| (*name).to_owned()).collect());
            selection(&Options { rivals, ..Options::default() })
        };
        assert!(matches!(of(&["all"]), Selection::All));
        assert!(matches!(of(&["none"]), Selection::Named(names) if names.is_empty()));
        assert!(matches!(of(&["may"]), Selection::Named(names) if names == ["may"]));
    }
}
