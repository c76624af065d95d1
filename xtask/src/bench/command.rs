//! The command: which parts to run, how thoroughly, and what to do with the results.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use super::arena::{self, Settings};
use super::curves::{CURVES, Curve};
use super::entries::{self, Entry, OURS, Selection};
use super::machine::Machine;
use super::pinned::Cores;
use super::results::{FORMAT, Report};
use super::rows::{ROWS, Row};
use super::tool::{Tool, ToolName};
use super::{compare, criterion, crossing, disk, install, parts, scaling, store};
use crate::artifacts;

/// What was asked for on the command line.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) names: Vec<String>,
    pub(crate) depth: Depth,
    pub(crate) only: Vec<String>,
    pub(crate) rivals: Option<Vec<String>>,
    pub(crate) rounds: Option<u32>,
    pub(crate) save: Option<String>,
    pub(crate) add: bool,
    pub(crate) compare: Option<String>,
    /// The curves and the parts instead of the rows.
    pub(crate) scaling: bool,
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
    let wanted = select(options)?;
    // The arena's load comes from this program as well.
    if options.arena
        && let Some(outcome) = artifacts::run_released()
    {
        return outcome;
    }
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

    let report = measure(options, &wanted)?;
    if let Some((then, id)) = then.zip(options.compare.as_deref()) {
        println!("{}", compare::compare(&report, &then, id));
    }
    match &options.save {
        Some(id) if options.add => store::add(report, id),
        Some(id) => store::save(&report, id),
        None => Ok(()),
    }
}

fn measure(options: &Options, wanted: &Wanted) -> Result<Report> {
    let settings = settings(options)?;
    let machine = Machine::read();
    println!("{}", machine.line());
    println!(
        "{}; {} rounds of {} s, medians; server on core {}, load tool on core {}",
        settings.tool.name(),
        settings.rounds,
        settings.seconds,
        settings.cores.server,
        settings.cores.load
    );
    let mut report = Report {
        format: FORMAT,
        machine,
        rounds: settings.rounds,
        seconds_per_round: f64::from(settings.seconds),
        load_tool: settings.tool.name().to_owned(),
        rows: Vec::new(),
        curves: Vec::new(),
        parts: Vec::new(),
    };
    if !(wanted.rows.is_empty() && wanted.curves.is_empty() && !wanted.beside) {
        let dir = options.rivals_target_dir.as_deref();
        let entries = entries::build(&selection(options, wanted), dir)?;
        report.rows = arena::run(&settings, &entries, &wanted.rows)?;
        if wanted.beside {
            report.rows.extend(crossing::run(&settings, &met(&entries, options))?);
        }
        let settings = for_curves(settings, options);
        report.curves = scaling::run(&settings, &drawn(&entries, options), &wanted.curves)?;
    }
    if wanted.parts {
        report.parts = parts::run()?;
    }
    if wanted.disk {
        disk::measure()?;
    }
    Ok(report)
}

/// A curve has many points, so it takes its figures from shorter rounds.
fn for_curves(settings: Settings, options: &Options) -> Settings {
    Settings {
        rounds: options.rounds.unwrap_or(if options.depth == Depth::Quick { 1 } else { 3 }),
        seconds: settings.seconds.min(2),
        ..settings
    }
}

/// Who is drawn in curves: those who were named, or as many as can be told apart.
fn drawn<'a>(entries: &'a [Entry], options: &Options) -> Vec<&'a Entry> {
    let is_drawn = |entry: &&Entry| {
        let name = entry.name.as_str();
        options.rivals.is_some() || name == OURS || QUICK_RIVALS.contains(&name)
    };
    entries.iter().filter(is_drawn).collect()
}

/// Whom light and heavy requests are sent to: those who were named, or as many as have time.
fn met<'a>(entries: &'a [Entry], options: &Options) -> Vec<&'a Entry> {
    let is_met = |entry: &&Entry| {
        let name = entry.name.as_str();
        options.rivals.is_some() || name == OURS || BESIDE_RIVALS.contains(&name)
    };
    entries.iter().filter(is_met).collect()
}

fn settings(options: &Options) -> Result<Settings> {
    let rounds = options.rounds.unwrap_or(options.depth.rounds());
    ensure!(rounds > 0, "no round measures nothing");
    Ok(Settings {
        rounds,
        seconds: options.depth.seconds(),
        tool: Tool::choose(options.load)?,
        cores: Cores::choose()?,
    })
}

fn selection(options: &Options, wanted: &Wanted) -> Selection {
    match &options.rivals {
        Some(names) if names.iter().any(|name| name == "all") => Selection::All,
        Some(names) => Selection::Named(names.iter().filter(|n| *n != "none").cloned().collect()),
        None if options.depth == Depth::Quick || wanted.rows.is_empty() => {
            let needed = if wanted.beside { &QUICK_OR_BESIDE_RIVALS[..] } else { &QUICK_RIVALS };
            Selection::Usual(needed)
        }
        None => Selection::All,
    }
}

/// The floors that others are divided by, the server that most use, and the leanest one.
const QUICK_RIVALS: [&str; 4] = ["floor", "floor-payload", "hyper", "may"];

/// Those who serve light and heavy requests each in another way.
const BESIDE_RIVALS: [&str; 3] = ["hyper", "actix", "may"];
const QUICK_OR_BESIDE_RIVALS: [&str; 5] = ["floor", "floor-payload", "hyper", "may", "actix"];

/// What of the arena to measure.
#[derive(Debug, Default)]
struct Wanted {
    rows: Vec<&'static Row>,
    curves: Vec<&'static Curve>,
    beside: bool,
    parts: bool,
    disk: bool,
}

fn select(options: &Options) -> Result<Wanted> {
    let row_names = ROWS.iter().map(|row| row.name);
    let curve_names = CURVES.iter().map(|curve| curve.name);
    let parts = [crossing::NAME, parts::NAME, disk::NAME];
    let names: Vec<_> = row_names.chain(curve_names).chain(parts).collect();
    let Options { only, scaling, depth, .. } = options;
    if let Some(missing) = only.iter().find(|name| !names.contains(&name.as_str())) {
        bail!("there is no row {missing}; there are {}", names.join(", "));
    }
    let is_wanted = |name: &str, by_default: bool| {
        let is_named = only.iter().any(|wanted| wanted == name);
        if only.is_empty() { by_default } else { is_named }
    };
    let has_curves = *scaling || *depth == Depth::Full;
    Ok(Wanted {
        rows: ROWS.iter().filter(|row| is_wanted(row.name, !scaling)).collect(),
        curves: CURVES.iter().filter(|curve| is_wanted(curve.name, has_curves)).collect(),
        beside: is_wanted(crossing::NAME, !scaling && *depth != Depth::Quick),
        parts: is_wanted(parts::NAME, has_curves),
        // Its figures are printed and not kept.
        disk: is_wanted(disk::NAME, false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(names: &[&str]) -> Result<Wanted> {
        let only = names.iter().map(|name| (*name).to_owned()).collect();
        select(&Options { only, ..Options::default() })
    }

    #[test]
    fn rows_and_curves_are_selected_by_name() {
        assert_eq!(only(&["json"]).unwrap().rows[0].name, "json");
        let wanted = only(&["bodies", "parts"]).unwrap();
        assert!(wanted.rows.is_empty() && wanted.parts);
        assert_eq!(wanted.curves[0].name, "bodies");
        let error = only(&["jsno"]).unwrap_err().to_string();
        assert!(error.contains("there is no row jsno; there are plaintext, "), "{error}");
    }

    #[test]
    fn curves_take_their_time_only_when_asked_for() {
        let wanted = |scaling, depth| {
            let wanted = select(&Options { scaling, depth, ..Options::default() }).unwrap();
            (wanted.rows.len(), wanted.curves.len())
        };
        assert_eq!(wanted(false, Depth::Usual), (ROWS.len(), 0));
        assert_eq!(wanted(true, Depth::Usual), (0, CURVES.len()));
        assert_eq!(wanted(false, Depth::Full), (ROWS.len(), CURVES.len()));
    }

    #[test]
    fn rivals_are_all_named_or_none() {
        let of = |names: &[&str]| {
            let rivals = Some(names.iter().map(|name| (*name).to_owned()).collect());
            selection(&Options { rivals, ..Options::default() }, &Wanted::default())
        };
        assert!(matches!(of(&["all"]), Selection::All));
        assert!(matches!(of(&["none"]), Selection::Named(names) if names.is_empty()));
        assert!(matches!(of(&["may"]), Selection::Named(names) if names == ["may"]));
    }
}
