//! Walks the workspace and applies every rule to it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::finding::Finding;
use super::source::Source;
use super::{
    atomics_import, banned_names, columns, doc_index, layering, length, module_docs, orderings,
    safety, todo, unsafe_list,
};
use crate::{metadata, process};

/// Folders with Rust files; what is missing is skipped.
const FOLDERS: [&str; 5] = ["crates", "benches", "examples", "fuzz", "xtask"];

/// The rules that look at one file at a time.
const FILE_RULES: [fn(&Source) -> Vec<Finding>; 8] = [
    atomics_import::check,
    banned_names::check,
    columns::check,
    length::check,
    module_docs::check,
    orderings::check,
    safety::check,
    todo::check,
];

pub(crate) fn run() -> Result<()> {
    let root = process::root();
    let sources = read_sources(root)?;

    let mut findings: Vec<_> =
        sources.iter().flat_map(|source| FILE_RULES.map(|rule| rule(source))).flatten().collect();
    findings.extend(unsafe_list::check(&sources));
    let documents = read_documents(root)?;
    let exists = |path: &str| root.join(path).exists();
    findings.extend(doc_index::check_reach(&documents));
    findings.extend(doc_index::check_links(&documents, exists));
    findings.extend(sources.iter().flat_map(|source| doc_index::check_mentions(source, exists)));
    for package in metadata::packages()? {
        let manifest = fs::read_to_string(&package.manifest)?;
        let path = relative(root, &package.manifest)?;
        findings.extend(layering::check(&package, &path, &manifest));
    }

    findings.sort_unstable();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("one rule is broken; see docs/testing.md, tidy"),
        count => bail!("rules are broken in {count} places; see docs/testing.md, tidy"),
    }
}

fn read_sources(root: &Path) -> Result<Vec<Source>> {
    let read = |(path, text): (String, String)| Source::parse(&path, &text);
    Ok(read_files(root, &FOLDERS, "rs")?.into_iter().map(read).collect())
}

/// The documents at the root, in `docs/` and of the crates, as path and text.
fn read_documents(root: &Path) -> Result<Vec<(String, String)>> {
    let mut documents = read_files(root, &["docs", "crates", "benches"], "md")?;
    for name in ["README.md", "CONTRIBUTING.md"] {
        // A document that is missing links to nothing; the rule then names what nothing links to.
        documents.extend(fs::read_to_string(root.join(name)).map(|text| (name.to_owned(), text)));
    }
    Ok(documents)
}

fn read_files(root: &Path, folders: &[&str], extension: &str) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    let mut open: Vec<_> = folders.iter().map(|name| root.join(name)).collect();
    while let Some(folder) = open.pop() {
        if !folder.is_dir() || folder.ends_with("target") {
            continue;
        }
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                files.push((relative(root, &path)?, text));
            }
        }
    }
    Ok(files)
}

fn relative(root: &Path, path: &Path) -> Result<String> {
    let path = path.strip_prefix(root).context("a file lies outside the workspace")?;
    Ok(path.to_string_lossy().replace('\\', "/"))
}
