//! The code in docs/writing-a-stage.md is the code of this crate, so that it cannot go stale.

use std::fs;
use std::path::Path;

const SOURCES: [&str; 5] = [
    "src/lib.rs",
    "src/group.rs",
    "src/turning.rs",
    "tests/conformance.rs",
    "tests/first_stage.rs",
];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

fn blocks(document: &str) -> Vec<&str> {
    document.split("```rust\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

/// Parts that a block leaves out are marked by a line with `// …` alone.
fn parts(block: &str) -> Vec<&str> {
    block.split("// …").map(|part| part.trim_matches([' ', '\n'])).collect()
}

#[test]
fn every_block_stands_in_a_source() {
    let document = read("../../docs/writing-a-stage.md");
    let sources = SOURCES.map(read);
    let blocks = blocks(&document);
    assert!(blocks.len() >= 5, "{} blocks", blocks.len());
    for part in blocks.iter().flat_map(|block| parts(block)) {
        assert!(sources.iter().any(|source| source.contains(part)), "in no source:\n{part}");
    }
}

#[test]
fn first_stage_takes_under_30_lines() {
    let document = read("../../docs/writing-a-stage.md");
    let first = blocks(&document)[0];
    let count = first.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(first.contains("fn sum_of") && count < 30, "{count} lines");
}
