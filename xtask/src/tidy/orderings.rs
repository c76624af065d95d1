//! Rule: above every atomic access stands the access that it pairs with.

use super::finding::Finding;
use super::source::{Line, Source, has_word};

/// How far above the reason may begin, and how many lines one access may span.
const REACH: usize = 8;
const SPAN: usize = 6;
const MARK: &str = "// ORDERING:";
const ACCESSES: [&str; 6] =
    [".load(", ".store(", ".swap(", ".fetch_", ".compare_exchange", "fence("];
const ORDERINGS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];

pub(crate) fn check(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("crates/") {
        return Vec::new();
    }
    source
        .shipped()
        .filter(|(line_number, _)| is_access(&source.lines[line_number - 1..]))
        .filter(|(line_number, _)| !source.has_mark(MARK, *line_number, REACH))
        .map(|(line_number, _)| {
            let text = "an atomic access without its reason; write `// ORDERING:` and the pair";
            Finding::new(&source.path, line_number, text)
        })
        .collect()
}

/// Whether an access begins on the first line: rustfmt may put its ordering on a later one.
fn is_access(lines: &[Line]) -> bool {
    ACCESSES.iter().any(|access| {
        let Some((_, first)) = lines[0].code.split_once(access) else { return false };
        let mut statement = first.to_owned();
        for line in lines[1..].iter().take(SPAN) {
            if statement.contains(';') {
                break;
            }
            statement.push_str(&line.code);
        }
        let end = statement.find(';').unwrap_or(statement.len());
        ORDERINGS.iter().any(|ordering| has_word(&statement[..end], ordering))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<String> {
        check(&Source::parse(path, text)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn access_without_a_reason_is_found() {
        let found = lines("crates/a/src/a.rs", "a.load(Ordering::Acquire);\n");
        assert!(found[0].starts_with("crates/a/src/a.rs:1: an atomic access"));
        let text = "a.compare_exchange(\n    b,\n    c,\n    AcqRel,\n    Relaxed,\n);\n";
        assert_eq!(lines("crates/a/src/a.rs", text).len(), 1);
    }

    #[test]
    fn access_with_a_reason_passes() {
        let text = "// ORDERING: pairs with `f`.\na.store(1, Ordering::Release);\n";
        assert!(lines("crates/a/src/a.rs", text).is_empty());
    }

    #[test]
    fn other_calls_of_the_same_name_pass() {
        assert!(lines("crates/a/src/a.rs", "a.swap(0, 1);\nb(Ordering::Relaxed);\n").is_empty());
    }

    #[test]
    fn tests_need_no_reason() {
        let text = "a.load(Ordering::Relaxed);\n";
        assert!(lines("crates/a/tests/a.rs", text).is_empty());
        let foot = format!("#[cfg(test)]\nmod tests {{\n{text}}}\n");
        assert!(lines("crates/a/src/a.rs", &foot).is_empty());
    }
}
