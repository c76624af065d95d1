//! A folder as a page.

use std::fmt::Write as _;

use waterwheel_http::{HeaderValue, Reply, header};

use crate::fs::{Entry, Kind};

/// The page of the folder at `path`, decoded: its things by name, folders first.
pub(super) fn page(path: &str, entries: Vec<Entry>, shows_hidden: bool) -> Reply {
    let is_cut = entries.len() >= ENTRIES_MAX;
    let mut named: Vec<(bool, String, u64)> = entries
        .into_iter()
        .filter_map(|entry| {
            let is_file = entry.metadata.kind == Kind::File;
            // A path that is not UTF-8 is none that we serve.
            let name = String::from_utf8(entry.name).ok()?;
            (shows_hidden || !name.starts_with('.')).then_some((is_file, name, entry.metadata.len))
        })
        .collect();
    named.sort_unstable();
    let title = Text(&format!("/{path}")).to_string();
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>body{{font-family:monospace;margin:2em}}td{{padding-right:2em}}\
         td+td{{text-align:right}}</style>\n<h1>{title}</h1>\n<table>\n"
    );
    if !path.is_empty() {
        page.push_str("<tr><td><a href=\"../\">../</a><td>\n");
    }
    for (is_file, name, len) in &named {
        let slash = if *is_file { "" } else { "/" };
        let (link, text) = (Escaped(name), Text(name));
        // Writing to a string cannot fail.
        let _ = match is_file {
            true => writeln!(page, "<tr><td><a href=\"./{link}\">{text}</a><td>{len}"),
            false => writeln!(page, "<tr><td><a href=\"./{link}{slash}\">{text}{slash}</a><td>"),
        };
    }
    page.push_str("</table>\n");
    if is_cut {
        let _ = writeln!(page, "<p>Only the first {ENTRIES_MAX} are shown.</p>");
    }
    // Nothing in the page needs more than its own style.
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    Reply::bytes(page)
        .with_content_type("text/html; charset=utf-8")
        .with_header(header::CONTENT_SECURITY_POLICY, policy)
}

/// Text in a page: nothing in it is markup.
struct Text<'a>(&'a str);

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                char if char.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                char => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

/// A name in a link: all but unreserved characters as escapes (RFC 3986 §2.3).
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    f.write_char(char::from(byte))?;
                }
                byte => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

/// Most things of a folder that are listed.
pub(super) const ENTRIES_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_neither_markup_nor_other_links() {
        let name = "<script>\"x\"&'y'\n</script>";
        assert_eq!(
            Text(name).to_string(),
            "&lt;script&gt;&quot;x&quot;&amp;&#39;y&#39;\u{fffd}&lt;/script&gt;"
        );
        assert_eq!(Escaped("a b/ü?#%\"").to_string(), "a%20b%2F%C3%BC%3F%23%25%22");
        assert_eq!(Escaped("javascript:x").to_string(), "javascript%3Ax");
    }
}
