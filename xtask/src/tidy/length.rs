//! Rule: a file is one concept, at most 400 lines without its tests.

use super::finding::Finding;
use super::source::Source;

const LINE_COUNT_MAX: usize = 400;

pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let line_count = source.shipped().count();
    if line_count <= LINE_COUNT_MAX {
        return Vec::new();
    }
    let text = format!("{line_count} lines without tests; split by concept, at {LINE_COUNT_MAX}");
    vec![Finding::new(&source.path, LINE_COUNT_MAX + 1, text)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&Source::parse(path, text)).len()
    }

    #[test]
    fn line_401_is_one_too_many() {
        assert_eq!(count("crates/a/src/a.rs", &"a();\n".repeat(400)), 0);
        assert_eq!(count("crates/a/src/a.rs", &"a();\n".repeat(401)), 1);
    }

    #[test]
    fn tests_do_not_count() {
        let long = "a();\n".repeat(401);
        let foot = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert_eq!(count("crates/a/src/a.rs", &foot), 0);
        assert_eq!(count("crates/a/tests/a.rs", &long), 0);
        assert_eq!(count("crates/a/src/a_tests.rs", &long), 0);
    }
}
