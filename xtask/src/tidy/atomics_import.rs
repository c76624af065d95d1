//! Rule: atomics enter a crate through one file, so that the models replace them all and a reader
//! finds every shared word. In the ring this is `sync.rs`, which chooses std or loom.

use super::finding::Finding;
use super::source::{Source, has_word};

/// The files that may name atomics, and what crosses threads there.
const ALLOWED: [(&str, &str); 6] = [
    ("crates/ring/src/sync.rs", "releases that come back from other threads"),
    ("crates/reactor/src/sim/driver.rs", "the simulated waker, which any thread may call"),
    ("crates/runtime/src/control.rs", "the request to drain, and the workers' reports"),
    ("crates/runtime/src/metrics.rs", "what a worker counts"),
    ("crates/http/src/tally.rs", "what a worker counts of requests and replies"),
    ("crates/runtime/src/task/wakes.rs", "wakers, which any thread may call"),
];

pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let is_allowed = ALLOWED.iter().any(|(path, _)| *path == source.path);
    if is_allowed || !source.path.starts_with("crates/") {
        return Vec::new();
    }
    source
        .shipped()
        .filter(|(_, line)| names_atomics(&line.code))
        .map(|(line_number, _)| {
            let text = "atomics named here; they enter through the files listed in xtask";
            Finding::new(&source.path, line_number, text)
        })
        .collect()
}

fn names_atomics(code: &str) -> bool {
    let in_braces = code.contains("sync::{") && has_word(code, "atomic");
    in_braces
        || code.contains("sync::atomic")
        || (has_word(code, "loom") && code.contains("loom::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&Source::parse(path, text)).len()
    }

    #[test]
    fn import_elsewhere_is_found() {
        assert_eq!(count("crates/ring/src/a.rs", "use std::sync::atomic::AtomicU64;\n"), 1);
        assert_eq!(count("crates/ring/src/a.rs", "use std::sync::{Arc, atomic::fence};\n"), 1);
        assert_eq!(count("crates/ring/src/a.rs", "use loom::cell::UnsafeCell;\n"), 1);
    }

    #[test]
    fn listed_files_and_tests_pass() {
        let text = "use std::sync::atomic::AtomicU64;\n";
        assert_eq!(count("crates/ring/src/sync.rs", text), 0);
        assert_eq!(count("crates/ring/tests/a.rs", text), 0);
        assert_eq!(count("crates/ring/src/a.rs", "use std::sync::Arc;\n"), 0);
    }
}
