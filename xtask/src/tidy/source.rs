//! A Rust file split, line by line, into code and comment, so that a rule never mistakes a string
//! or a comment for code. Knows where strings and comments end, and no other grammar.

/// One Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the root of the workspace, with slashes.
    pub(crate) path: String,
    pub(crate) lines: Vec<Line>,
    /// How many lines come before the test module at the foot; all of them when there is none.
    pub(crate) code_line_count: usize,
}

/// One line of a file.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// The line without its comments; what strings contain is left out too.
    pub(crate) code: String,
    /// The comments of the line, with their marks.
    pub(crate) comment: String,
    /// Characters of the whole line.
    pub(crate) column_count: usize,
}

impl Source {
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let mut reader = Reader::Code;
        let mut lines: Vec<_> = text.lines().map(|line| reader.read(line)).collect();
        for (line, text) in lines.iter_mut().zip(text.lines()) {
            line.column_count = text.chars().count();
        }
        let code_line_count = foot(&lines).unwrap_or(lines.len());
        Self { path: path.to_owned(), lines, code_line_count }
    }

    /// Whether the whole file is a test, or a part of one.
    pub(crate) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("_tests.rs")
    }

    /// The lines that ship, with their numbers: no test file, no test module.
    pub(crate) fn shipped(&self) -> impl Iterator<Item = (usize, &Line)> {
        let line_count = if self.is_test() { 0 } else { self.code_line_count };
        self.numbered().take(line_count)
    }

    /// Every line with its number, from 1.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        (1..).zip(&self.lines)
    }

    /// Whether the comment on line `line_number`, or on one of the `reach` lines above, has `mark`.
    pub(crate) fn has_mark(&self, mark: &str, line_number: usize, reach: usize) -> bool {
        let first = line_number.saturating_sub(reach + 1);
        self.lines[first..line_number].iter().any(|line| line.comment.contains(mark))
    }
}

/// Whether `text` has `word` with no letter, digit or underscore on either side.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let joins = |c: char| c.is_alphanumeric() || c == '_';
        !text[..start].ends_with(joins) && !text[start + word.len()..].starts_with(joins)
    })
}

/// Where the test module at the foot begins: at its `#[cfg(test)]`, unindented, `mod` below it.
fn foot(lines: &[Line]) -> Option<usize> {
    let start = lines.iter().rposition(|line| line.code.starts_with("#[cfg(test)]"))?;
    let mut item = lines[start + 1..].iter().map(|line| line.code.trim());
    item.find(|code| !code.is_empty() && !code.starts_with("#["))?
        .starts_with("mod ")
        .then_some(start)
}

/// What the reader is inside of, from one line to the next.
enum Reader {
    Code,
    /// A block comment, this deep.
    Comment(usize),
    /// A string with escapes.
    Text,
    /// A raw string that ends at a quote and so many hashes.
    Raw(usize),
}

impl Reader {
    fn read(&mut self, text: &str) -> Line {
        let mut line = Line::default();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (len, kept) = match self {
                Self::Code if rest.starts_with("//") => (rest.len(), &mut line.comment),
                Self::Code => (self.read_code(rest, first, &line.code), &mut line.code),
                Self::Comment(depth) => {
                    let len = read_comment(rest, first, depth);
                    if *depth == 0 {
                        *self = Self::Code;
                    }
                    (len, &mut line.comment)
                }
                Self::Text | Self::Raw(_) => {
                    rest = &rest[self.read_string(rest, first)..];
                    continue;
                }
            };
            kept.push_str(&rest[..len]);
            rest = &rest[len..];
        }
        line
    }

    /// Takes one token's worth of code and notes what begins after it.
    fn read_code(&mut self, rest: &str, first: char, before: &str) -> usize {
        if rest.starts_with("/*") {
            *self = Self::Comment(0);
            return 0;
        }
        let in_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if first == 'r' && (!in_word || before.ends_with('b') || before.ends_with('c')) {
            let hash_count = rest[1..].chars().take_while(|&c| c == '#').count();
            if rest[1 + hash_count..].starts_with('"') {
                *self = Self::Raw(hash_count);
                return hash_count + 2;
            }
        }
        if first == '"' {
            *self = Self::Text;
        }
        if first == '\'' { quoted_len(rest) } else { first.len_utf8() }
    }

    /// Passes over a part of a string and notes its end; the end itself stays unread as code.
    fn read_string(&mut self, rest: &str, first: char) -> usize {
        let end_len = match self {
            Self::Text if first == '\\' => {
                return 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            }
            Self::Text if first == '"' => 1,
            Self::Raw(hash_count) if first == '"' => {
                let found = rest[1..].chars().take_while(|&c| c == '#').count();
                if found < *hash_count {
                    return 1;
                }
                1 + *hash_count
            }
            _ => return first.len_utf8(),
        };
        *self = Self::Code;
        end_len
    }
}

/// Takes one mark or character of a block comment; block comments nest.
fn read_comment(rest: &str, first: char, depth: &mut usize) -> usize {
    if rest.starts_with("/*") {
        *depth += 1;
        2
    } else if rest.starts_with("*/") {
        *depth -= 1;
        2
    } else {
        first.len_utf8()
    }
}

/// The length of a character literal, or 1 for the quote of a lifetime.
fn quoted_len(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => rest[3..].find('\'').map_or(1, |end| end + 4),
        Some((start, c)) if rest[start + c.len_utf8()..].starts_with('\'') => {
            start + c.len_utf8() + 1
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Vec<String> {
        Source::parse("a.rs", text).lines.into_iter().map(|line| line.code).collect()
    }

    #[test]
    fn comments_are_no_code() {
        let source = Source::parse("a.rs", "a; // unsafe\nb /* c /* d */\ne */ f");
        let code: Vec<_> = source.lines.iter().map(|line| line.code.as_str()).collect();
        assert_eq!(code, ["a; ", "b ", " f"]);
        assert_eq!(source.lines[0].comment, "// unsafe");
        assert_eq!(source.lines[2].comment, "e */");
    }

    #[test]
    fn what_strings_contain_is_left_out() {
        assert_eq!(code(r#"f("a // \" b", 'c');"#), [r#"f(", 'c');"#]);
        assert_eq!(code("f(r#\"a \" // b\"#, c)"), ["f(r#\", c)"]);
        assert_eq!(code("f(\"a\n// b\n\", c)"), ["f(\"", "", ", c)"]);
    }

    #[test]
    fn quotes_of_characters_and_lifetimes_open_no_string() {
        assert_eq!(code(r#"f('"', '\'', b'\\'); // g"#), [r#"f('"', '\'', b'\\'); "#]);
        assert_eq!(code("fn f<'a>(a: &'a str) {} // g"), ["fn f<'a>(a: &'a str) {} "]);
        assert_eq!(code(r"f('\u{41}') // g"), [r"f('\u{41}') "]);
    }

    #[test]
    fn code_ends_at_the_test_module() {
        let text = "//! a\nfn f() {}\n#[cfg(test)]\n#[path = \"a_tests.rs\"]\nmod tests;\n";
        assert_eq!(Source::parse("a.rs", text).code_line_count, 2);
        assert_eq!(Source::parse("a.rs", "#[cfg(test)]\nfn f() {}\n").code_line_count, 2);
    }

    #[test]
    fn words_have_edges() {
        assert!(has_word("unsafe {", "unsafe"));
        assert!(!has_word("unsafe_code", "unsafe"));
    }
}
