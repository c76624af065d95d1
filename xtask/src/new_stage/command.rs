//! Writes the files of a new stage's crate. Knows what the crate consists of.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::name::StageName;
use crate::process::{cargo, root, run as run_process};

/// The files that do not depend on where the crate lies.
const FILES: [(&str, &str); 6] = [
    ("README.md", include_str!("template/README.md")),
    ("CHANGELOG.md", include_str!("template/CHANGELOG.md")),
    ("src/lib.rs", include_str!("template/lib.rs")),
    ("tests/conformance.rs", include_str!("template/conformance.rs")),
    ("tests/served.rs", include_str!("template/served.rs")),
    ("examples/serve.rs", include_str!("template/serve.rs")),
];
const WORKSPACE_MANIFEST: &str = include_str!("template/workspace.toml");
const STANDALONE_MANIFEST: &str = include_str!("template/standalone.toml");

/// Makes the crate in `folder`, or among the crates of the workspace.
pub(crate) fn run(name: &str, folder: Option<&Path>) -> Result<()> {
    let name = StageName::parse(name)?;
    let folder = match folder {
        Some(folder) => env::current_dir()?.join(folder),
        None => root().join("crates").join(format!("stage-{}", name.as_str())),
    };
    write(&name, &folder)?;
    let manifest = folder.join("Cargo.toml");
    run_process(cargo(&["fmt", "--manifest-path"]).arg(&manifest))?;
    println!("{} is ready; next:", folder.display());
    println!("  cargo test --manifest-path {}", manifest.display());
    println!("  change {}, see docs/writing-a-stage.md", folder.join("src/lib.rs").display());
    Ok(())
}

fn write(name: &StageName, folder: &Path) -> Result<()> {
    let crates = root().join("crates");
    let is_member = folder.parent() == Some(&crates);
    if !is_member && folder.starts_with(root()) {
        bail!("{} is inside the workspace, but not in crates/", folder.display());
    }
    if folder.exists() {
        bail!("{} exists already", folder.display());
    }
    let manifest = if is_member {
        WORKSPACE_MANIFEST.to_owned()
    } else {
        let crates = crates.to_str().context("the workspace's path is no UTF-8")?;
        STANDALONE_MANIFEST.replace("{crates}", crates)
    };
    let manifest = ("Cargo.toml", manifest.as_str());
    for (path, template) in FILES.into_iter().chain([manifest]) {
        let file: PathBuf = folder.join(path);
        let parent = file.parent().expect("every file is in the crate's folder");
        fs::create_dir_all(parent)?;
        fs::write(&file, name.fill(template))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
