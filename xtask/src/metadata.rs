//! What cargo knows about the packages of this workspace, reduced to what the commands ask.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::{cargo, output};

/// One package of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest: PathBuf,
    /// Normal dependencies, optional ones included; neither build nor test dependencies.
    pub(crate) dependencies: Vec<String>,
    /// Names of the benchmark targets.
    pub(crate) benches: Vec<String>,
    /// Names of the programs.
    pub(crate) programs: Vec<String>,
}

/// Asks cargo for every package of the workspace.
pub(crate) fn packages() -> Result<Vec<Package>> {
    parse(&output(&mut cargo(&["metadata", "--format-version=1", "--no-deps"]))?)
}

pub(crate) fn parse(metadata: &str) -> Result<Vec<Package>> {
    let metadata: Value = serde_json::from_str(metadata).context("cargo metadata is no JSON")?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    packages
        .iter()
        .map(|package| parse_package(package).context("a package lacks a field"))
        .collect()
}

fn parse_package(package: &Value) -> Option<Package> {
    let is_normal = |dependency: &&Value| dependency["kind"].is_null();
    let targets_of = |kind: &str| {
        let targets = package["targets"].as_array()?.iter();
        Some(targets.filter(|target| target["kind"][0] == *kind).filter_map(name).collect())
    };
    Some(Package {
        name: name(package)?,
        manifest: package["manifest_path"].as_str()?.into(),
        dependencies: package["dependencies"]
            .as_array()?
            .iter()
            .filter(is_normal)
            .filter_map(name)
            .collect(),
        benches: targets_of("bench")?,
        programs: targets_of("bin")?,
    })
}

fn name(value: &Value) -> Option<String> {
    value["name"].as_str().map(str::to_owned)
}
