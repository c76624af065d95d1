//! Reports kept in docs/benchmarks: as JSON for the next comparison, as a page for people.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::page;
use super::results::{FORMAT, Report};
use crate::process::root;

const FOLDER: &str = "docs/benchmarks";

pub(crate) fn save(report: &Report, id: &str) -> Result<()> {
    fs::create_dir_all(root().join(FOLDER))?;
    let json = serde_json::to_string_pretty(report)? + "\n";
    fs::write(path(id, "json")?, json)?;
    fs::write(path(id, "html")?, page::page(report, id))?;
    println!("\nsaved as {FOLDER}/{id}.json and {FOLDER}/{id}.html");
    Ok(())
}

/// Adds the rounds of this report to a kept one; without one it is kept as it is.
pub(crate) fn add(report: Report, id: &str) -> Result<()> {
    if !path(id, "json")?.exists() {
        return save(&report, id);
    }
    let mut kept = load(id)?;
    let is_same = kept.machine.is_like(&report.machine)
        && kept.machine.rustc == report.machine.rustc
        && kept.machine.commit == report.machine.commit;
    ensure!(is_same, "report {id} is of another machine, compiler or commit");
    kept.add(report);
    save(&kept, id)
}

pub(crate) fn load(id: &str) -> Result<Report> {
    let text = fs::read_to_string(path(id, "json")?)
        .with_context(|| format!("there is no report {FOLDER}/{id}.json"))?;
    let report: Report = serde_json::from_str(&text)
        .with_context(|| format!("{FOLDER}/{id}.json is no report that can be read today"))?;
    ensure!(report.format == FORMAT, "report {id} has format {}, not {FORMAT}", report.format);
    Ok(report)
}

/// A name from the command line stays inside the folder.
fn path(id: &str, extension: &str) -> Result<PathBuf> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure!(!id.is_empty() && id.chars().all(is_plain), "{id} is no name for a report");
    Ok(root().join(FOLDER).join(format!("{id}.{extension}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_the_folder() {
        assert!(path("2026-01-a.b", "json").unwrap().ends_with("docs/benchmarks/2026-01-a.b.json"));
        assert!(path("../x", "json").is_err());
        assert!(path("", "json").is_err());
    }
}
