//! Rule: every page in docs/ can be reached from the pages that people read first.

use std::collections::BTreeSet;

use super::finding::Finding;

const STARTS: [&str; 3] = ["README.md", "CONTRIBUTING.md", "docs/architecture.md"];

/// Takes every document as path and text.
pub(crate) fn check(documents: &[(String, String)]) -> Vec<Finding> {
    let starts = documents.iter().filter(|(path, _)| STARTS.contains(&path.as_str()));
    let linked: BTreeSet<_> = starts.flat_map(|(path, text)| links(path, text)).collect();
    documents
        .iter()
        .filter(|(path, _)| path.starts_with("docs/"))
        // A link to a folder reaches what lies in it.
        .filter(|(path, _)| !linked.iter().any(|link| reaches(link, path)))
        .map(|(path, _)| {
            let text = format!("no link leads here from {}", STARTS.join(", "));
            Finding::new(path, 1, text)
        })
        .collect()
}

fn reaches(link: &str, path: &str) -> bool {
    path == link
        || (link != "docs" && path.strip_prefix(link).is_some_and(|rest| rest.starts_with('/')))
}

/// The targets of a page's links, from the root of the workspace.
fn links<'a>(path: &'a str, text: &'a str) -> impl Iterator<Item = String> + 'a {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    text.split("](").skip(1).map(move |rest| {
        let target = rest.split([')', '#', ' ']).next().unwrap_or(rest);
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
        check(&documents).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn linked_pages_pass() {
        let documents = [
            ("README.md", "[a](docs/architecture.md#map) [b](./docs/b.md)"),
            ("docs/architecture.md", "[c](c.md) [d](decisions/) [r](../README.md)"),
            ("docs/b.md", ""),
            ("docs/c.md", ""),
            ("docs/decisions/0001-d.md", ""),
        ];
        assert_eq!(found(&documents), [""; 0]);
    }

    #[test]
    fn page_without_a_link_is_found() {
        let documents = [("README.md", "docs/a.md"), ("docs/a.md", "[b](b.md)"), ("docs/b.md", "")];
        assert_eq!(found(&documents).len(), 2);
    }
}
