//! Rule: what is left to do is an issue; a comment may only point to it, with its number.

use super::finding::Finding;
use super::source::{Source, has_word};

pub(crate) fn check(source: &Source) -> Vec<Finding> {
    source
        .numbered()
        .filter(|(_, line)| {
            let comment = &line.comment;
            (has_word(comment, "TODO") || has_word(comment, "FIXME")) && !has_issue(comment)
        })
        .map(|(line_number, _)| {
            Finding::new(&source.path, line_number, "what is left to do needs its issue: `#12`")
        })
        .collect()
}

fn has_issue(comment: &str) -> bool {
    comment
        .match_indices('#')
        .any(|(at, _)| comment[at + 1..].starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        check(&Source::parse("a.rs", text)).len()
    }

    #[test]
    fn number_of_the_issue_is_needed() {
        assert_eq!(count("// TODO: later\n"), 1);
        assert_eq!(count("a(); // FIXME(me)\n"), 1);
        assert_eq!(count("// TODO(#12): later\n"), 0);
    }

    #[test]
    fn strings_and_longer_words_pass() {
        assert_eq!(count("f(\"TODO\"); // TODOS\n"), 0);
    }
}
