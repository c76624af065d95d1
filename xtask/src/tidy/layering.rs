//! Rule: edges between the crates point down only, along the map in docs/architecture.md.

use super::finding::Finding;
use crate::metadata::Package;

const PREFIX: &str = "waterwheel";

/// Each package on the map and the packages of ours that it may name.
const MAP: [(&str, &[&str]); 8] = [
    ("waterwheel-ring", &[]),
    ("waterwheel-reactor", &[]),
    ("waterwheel-stages", &["waterwheel-ring"]),
    ("waterwheel-tls", &["waterwheel-ring"]),
    ("waterwheel-runtime", &["waterwheel-ring", "waterwheel-reactor", "waterwheel-tls"]),
    ("waterwheel-http", &["waterwheel-stages", "waterwheel-ring", "waterwheel-runtime"]),
    ("waterwheel-client", &["waterwheel-http", "waterwheel-ring", "waterwheel-runtime"]),
    (
        "waterwheel",
        &[
            "waterwheel-client",
            "waterwheel-ring",
            "waterwheel-reactor",
            "waterwheel-stages",
            "waterwheel-runtime",
            "waterwheel-http",
            "waterwheel-tls",
        ],
    ),
];

/// What a package with a contributed stage may name, whatever the stage is called.
const STAGE: (&str, &[&str]) = ("waterwheel-stage-", &["waterwheel-stages", "waterwheel-ring"]);

/// Packages that are not published and may name any of ours.
const OUTSIDE: [&str; 3] = ["waterwheel-benches", "waterwheel-examples", "waterwheel-properties"];

pub(crate) fn check(package: &Package, path: &str, manifest: &str) -> Vec<Finding> {
    if OUTSIDE.contains(&package.name.as_str()) {
        return Vec::new();
    }
    let own = package.dependencies.iter().filter(|name| name.starts_with(PREFIX));
    let allowed = match MAP.iter().find(|(name, _)| *name == package.name) {
        Some((_, allowed)) => *allowed,
        None if package.name.starts_with(STAGE.0) => STAGE.1,
        None if package.name.starts_with(PREFIX) => {
            let text = format!("{} is not on the map; a new crate needs a place", package.name);
            return vec![Finding::new(path, 1, text)];
        }
        None => &[],
    };
    own.filter(|name| !allowed.contains(&name.as_str()))
        .map(|name| {
            let text = format!("{} depends on {name}; edges point down only", package.name);
            Finding::new(path, line_of(manifest, name), text)
        })
        .collect()
}

/// The line of the manifest that names the dependency.
fn line_of(manifest: &str, name: &str) -> usize {
    let is_entry =
        |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    manifest.lines().position(is_entry).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata;

    fn check_one(package: &str, dependency: &str, kind: &str) -> Vec<String> {
        let json = format!(
            r#"{{"packages":[{{"name":"{package}","manifest_path":"Cargo.toml","targets":[],
                "dependencies":[{{"name":"{dependency}","kind":{kind}}}]}}]}}"#
        );
        let package = &metadata::parse(&json).unwrap()[0];
        let manifest = format!("[dependencies]\n{dependency}.workspace = true\n");
        check(package, "Cargo.toml", &manifest).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn edges_on_the_map_pass() {
        assert!(check_one("waterwheel-http", "waterwheel-stages", "null").is_empty());
        assert!(check_one("waterwheel-ring", "libc", "null").is_empty());
        assert!(check_one("waterwheel-examples", "waterwheel", "null").is_empty());
        assert!(check_one("waterwheel-stage-lz4", "waterwheel-stages", "null").is_empty());
    }

    #[test]
    fn edge_upwards_is_found_on_its_line() {
        let found = check_one("waterwheel-ring", "waterwheel-reactor", "null");
        let text = "waterwheel-ring depends on waterwheel-reactor; edges point down only";
        assert_eq!(found, [format!("Cargo.toml:2: {text}")]);
        assert_eq!(check_one("xtask", "waterwheel-ring", "null").len(), 1);
        assert_eq!(check_one("waterwheel-stage-lz4", "waterwheel-http", "null").len(), 1);
    }

    #[test]
    fn test_dependencies_make_no_edge() {
        assert!(check_one("waterwheel-ring", "waterwheel-reactor", r#""dev""#).is_empty());
    }

    #[test]
    fn crate_without_a_place_is_found() {
        assert_eq!(check_one("waterwheel-cache", "libc", "null").len(), 1);
    }
}
