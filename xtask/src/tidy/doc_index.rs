//! Rules about links between pages: every page in docs/ can be reached from the pages that people
//! read first, and what a page links to or a source names is there.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::source::Source;

const STARTS: [&str; 4] =
    ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/decisions/README.md"];

/// Takes every document as path and text.
pub(crate) fn check_reach(documents: &[(String, String)]) -> Vec<Finding> {
    let starts = documents.iter().filter(|(path, _)| STARTS.contains(&path.as_str()));
    let linked: BTreeSet<_> = starts.flat_map(|(path, text)| links(path, text)).collect();
    documents
        .iter()
        .filter(|(path, _)| path.starts_with("docs/"))
        // A link to a folder is one to its README.
        .filter(|(path, _)| !linked.contains(path.trim_end_matches("/README.md")))
        .filter(|(path, _)| !linked.contains(path))
        .map(|(path, _)| {
            let text = format!("no link leads here from {}", STARTS.join(", "));
            Finding::new(path, 1, text)
        })
        .collect()
}

/// Every relative link of a page leads to something that `exists`.
pub(crate) fn check_links(
    documents: &[(String, String)],
    exists: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in documents {
        for (line_number, line) in (1..).zip(text.lines()) {
            for link in links(path, line).filter(|link| !exists(link)) {
                findings.push(Finding::new(path, line_number, format!("no {link} to link to")));
            }
        }
    }
    findings
}

/// Every page in `docs/` that a comment names is there.
pub(crate) fn check_mentions(source: &Source, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line_number, line) in source.numbered() {
        for (start, _) in line.comment.match_indices("docs/") {
            let rest = &line.comment[start..];
            let page = rest.find(".md").map_or("", |end| &rest[..end + 3]);
            if !page.is_empty() && !page.contains(char::is_whitespace) && !exists(page) {
                findings.push(Finding::new(&source.path, line_number, format!("no {page}")));
            }
        }
    }
    findings
}

/// The targets of a page's relative links, in place or at the page's foot, from the root of the
/// workspace.
fn links<'a>(path: &'a str, text: &'a str) -> impl Iterator<Item = String> + 'a {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let in_place = text.split("](").skip(1);
    let at_foot = text.lines().filter(|line| line.starts_with('['));
    let at_foot = at_foot.filter_map(|line| Some(line.split_once("]: ")?.1));
    let targets = in_place.chain(at_foot).map(|rest| rest.split([')', '#', ' ']).next());
    let relative = |target: &&str| !target.is_empty() && !target.contains("://");
    targets.flatten().filter(relative).map(move |target| {
        let mut parts: Vec<_> = folder.split('/').filter(|part| !part.is_empty()).collect();
        for part in target.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                _ => parts.push(part),
            }
        }
        parts.join("/")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(documents: &[(&str, &str)]) -> Vec<String> {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        let documents: Vec<_> = documents.iter().map(owned).collect();
        check_reach(&documents).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn linked_pages_pass() {
        let documents = [
            ("README.md", "[a](docs/architecture.md#map) [b](./docs/b.md)"),
            ("docs/architecture.md", "[c](c.md) [d](decisions/) [r](../README.md)"),
            ("docs/b.md", ""),
            ("docs/c.md", ""),
            ("docs/decisions/README.md", "[1](0001-d.md)"),
            ("docs/decisions/0001-d.md", ""),
        ];
        assert_eq!(found(&documents), [""; 0]);
    }

    #[test]
    fn page_without_a_link_is_found() {
        let documents = [("README.md", "docs/a.md"), ("docs/a.md", "[b](b.md)"), ("docs/b.md", "")];
        assert_eq!(found(&documents).len(), 2);
    }

    #[test]
    fn link_to_nothing_is_found() {
        let text = "[a](../a.md#b) [b](https://c.d/e) [f](#g)\n[h](h.md)\n[i]: j.md".to_owned();
        let findings = check_links(&[("docs/x.md".to_owned(), text)], |path| path == "a.md");
        let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
        let absent =
            ["docs/x.md:2: no docs/h.md to link to", "docs/x.md:3: no docs/j.md to link to"];
        assert_eq!(found, absent);
    }

    #[test]
    fn mention_of_no_page_is_found() {
        let text = "// see docs/a.md\nlet a = 1; // docs/ and docs/b.md";
        let findings = check_mentions(&Source::parse("x.rs", text), |path| path == "docs/a.md");
        let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["x.rs:2: no docs/b.md"]);
    }
}
