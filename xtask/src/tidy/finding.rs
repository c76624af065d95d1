//! One breach of one rule, printed the way editors can jump to.

use std::fmt;

/// Where a rule is broken, and how.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// Counted from 1.
    line_number: usize,
    text: String,
}

impl Finding {
    pub(crate) fn new(path: &str, line_number: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line_number, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line_number, self.text)
    }
}
