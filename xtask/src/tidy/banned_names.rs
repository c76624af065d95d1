//! Rule: a file, a folder or a module is named after what it is about.

use super::finding::Finding;
use super::source::Source;

const BANNED: [&str; 7] = ["utils", "helpers", "common", "misc", "types", "manager", "impl"];

pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let in_path = source.path.trim_end_matches(".rs").split('/').map(|name| (1, name));
    let in_code = source.numbered().filter_map(|(line_number, line)| {
        let (before, after) = line.code.split_once("mod ")?;
        let is_item = before.is_empty() || before.ends_with(' ');
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        (is_item && after[end..].trim_start().starts_with('{'))
            .then_some((line_number, &after[..end]))
    });
    in_path
        .chain(in_code)
        .filter(|(_, name)| BANNED.contains(name))
        .map(|(line_number, name)| {
            let text = format!("the name `{name}` says nothing; name what it is about");
            Finding::new(&source.path, line_number, text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&Source::parse(path, text)).len()
    }

    #[test]
    fn banned_files_folders_and_modules_are_found() {
        assert_eq!(count("crates/a/src/utils.rs", ""), 1);
        assert_eq!(count("crates/a/src/common/b.rs", ""), 1);
        assert_eq!(count("crates/a/src/a.rs", "pub(crate) mod misc {\n}\n"), 1);
    }

    #[test]
    fn longer_names_pass() {
        assert_eq!(count("crates/a/src/media_types.rs", "mod types_of_media {}"), 0);
    }
}
