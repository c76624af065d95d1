//! Rule: every file begins with `//!`: what it owns, what it refuses to know.

use super::finding::Finding;
use super::source::Source;

pub(crate) fn check(source: &Source) -> Vec<Finding> {
    if source.lines.first().is_some_and(|line| line.comment.starts_with("//! ")) {
        return Vec::new();
    }
    vec![Finding::new(&source.path, 1, "a file begins with `//!` and what it owns")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_line_must_be_module_docs() {
        assert!(check(&Source::parse("a.rs", "//! Owns a.\n")).is_empty());
        for text in ["", "// a\n", "use a;\n//! b\n", "//!\n"] {
            assert_eq!(check(&Source::parse("a.rs", text)).len(), 1, "{text:?}");
        }
    }
}
