//! Rule: a comment ends within 100 columns. Code is rustfmt's business; links cannot be broken.

use super::finding::Finding;
use super::source::Source;

const COLUMN_COUNT_MAX: usize = 100;

pub(crate) fn check(source: &Source) -> Vec<Finding> {
    source
        .numbered()
        .filter(|(_, line)| line.column_count > COLUMN_COUNT_MAX && !line.comment.is_empty())
        .filter(|(_, line)| !line.comment.contains("://"))
        .map(|(line_number, line)| {
            let text =
                format!("{} columns; a comment ends within {COLUMN_COUNT_MAX}", line.column_count);
            Finding::new(&source.path, line_number, text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        check(&Source::parse("a.rs", text)).len()
    }

    #[test]
    fn columns_are_characters() {
        assert_eq!(count(&format!("// {}", "ä".repeat(97))), 0);
        assert_eq!(count(&format!("// {}", "ä".repeat(98))), 1);
    }

    #[test]
    fn code_and_links_may_be_longer() {
        assert_eq!(count(&format!("f(\"{}\");", "a".repeat(120))), 0);
        assert_eq!(count(&format!("/// <https://example.org/{}>", "a".repeat(100))), 0);
    }
}
