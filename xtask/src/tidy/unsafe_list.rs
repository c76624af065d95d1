//! Rule: unsafe code lives in the files listed here and nowhere else, so that an audit has an end.

use super::finding::Finding;
use super::source::{Line, Source, has_word};

/// The files with unsafe code, and why it has to be there.
const LISTED: &[(&str, &str)] = &[
    ("crates/reactor/src/disk/buffer.rs", "the promise of buffers that the kernel writes to"),
    ("crates/reactor/src/disk/uring.rs", "lends owned buffers to the kernel"),
    ("crates/reactor/src/ticks.rs", "the processor's count of time, an instruction to read"),
    ("crates/ring/src/lease.rs", "turns segments that were just taken into a run"),
    ("crates/ring/src/prefetch.rs", "a processor's instruction that is only a hint"),
    ("crates/ring/src/region.rs", "owns the mapping behind a raw address"),
    ("crates/ring/src/region_heap.rs", "stands in for the mapping where tools watch the heap"),
    ("crates/ring/src/run.rs", "turns a leased run into slices, on the thread that holds it"),
    ("crates/ring/tests/memory.rs", "a global allocator is an unsafe trait"),
    ("crates/runtime/src/config.rs", "asks for a promise about the program's descriptors"),
    ("crates/runtime/src/fs/buffer.rs", "promises that a run stays in place"),
    ("crates/runtime/src/own_files.rs", "gives a worker files of its own"),
    ("crates/stages/src/zstd/overlap.rs", "the library's call over overlapping buffers"),
    ("crates/waterwheel/src/bin/waterwheel/main.rs", "promises that its files stay with a worker"),
    ("crates/waterwheel/src/lab/allocations.rs", "a global allocator is an unsafe trait"),
    ("crates/waterwheel/src/server.rs", "asks for a promise about the program's descriptors"),
    ("crates/waterwheel/tests/own_files.rs", "promises that its files stay with a worker"),
    ("examples/arena.rs", "promises that its files stay with a worker"),
];

pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    check_against(LISTED, sources)
}

fn check_against(listed: &[(&str, &str)], sources: &[Source]) -> Vec<Finding> {
    let is_listed = |path: &str| listed.iter().any(|(entry, _)| *entry == path);
    let mut findings = Vec::new();
    for source in sources {
        if !is_listed(&source.path)
            && let Some((line_number, _)) =
                source.numbered().find(|(_, line)| has_word(&line.code, "unsafe"))
        {
            let text = "unsafe code in a file that is not on the list in xtask";
            findings.push(Finding::new(&source.path, line_number, text));
        }
        findings.extend(check_attributes(listed, source));
        findings.extend(check_forbids(listed, source));
    }
    for (path, _) in listed {
        let source = sources.iter().find(|source| source.path == *path);
        let has_unsafe =
            |source: &Source| source.lines.iter().any(|line| has_word(&line.code, "unsafe"));
        if !source.is_some_and(has_unsafe) {
            let text = format!("{path} has no unsafe code; take it off the list");
            findings.push(Finding::new("xtask/src/tidy/unsafe_list.rs", 1, text));
        }
    }
    findings
}

/// Every attribute that opens a module to unsafe code must open a listed one.
fn check_attributes(listed: &[(&str, &str)], source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line_number, _) in
        source.numbered().filter(|(_, line)| has_word(&line.code, "unsafe_code"))
    {
        let attribute = attribute_around(source, line_number);
        if attribute.contains("allow(") {
            let text = "`allow(unsafe_code)` outlives its cause; use `expect`, with the reason";
            findings.push(Finding::new(&source.path, line_number, text));
        } else if attribute.contains("expect(") {
            let opened = opened_paths(source, line_number);
            let is_listed = listed.iter().any(|(entry, _)| {
                opened.iter().any(|path| match path.strip_suffix('/') {
                    Some(_) => entry.starts_with(path),
                    None => entry == path,
                })
            });
            if !is_listed {
                let text = "opens a module to unsafe code that is not on the list in xtask";
                findings.push(Finding::new(&source.path, line_number, text));
            }
        }
    }
    findings
}

/// The attribute from its `#` to the line that names the lint.
fn attribute_around(source: &Source, line_number: usize) -> String {
    let before = &source.lines[..line_number];
    let start = before.iter().rposition(|line| line.code.contains('#')).unwrap_or(line_number - 1);
    before[start..].iter().map(|line| line.code.trim()).collect()
}

/// Where the code may lie that the attribute opens: the module declared below it, as a file or as a
/// folder (with a slash at its end), or else this file.
fn opened_paths(source: &Source, line_number: usize) -> Vec<String> {
    let below = source.lines[line_number..].iter().map(|line| line.code.trim());
    let mut below = below.skip_while(|code| {
        let is_attribute_rest = code.starts_with('#') || code.ends_with(']') || code.ends_with(',');
        code.is_empty() || is_attribute_rest || code.starts_with("reason")
    });
    let declared = below.next().and_then(|code| {
        let (_, module) = code.strip_suffix(';')?.rsplit_once("mod ")?;
        Some(module)
    });
    let Some(module) = declared else { return vec![source.path.clone()] };
    let (folder, file) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
    let own = file.trim_end_matches(".rs");
    [format!("{folder}/{module}"), format!("{folder}/{own}/{module}")]
        .into_iter()
        .flat_map(|stem| [format!("{stem}.rs"), format!("{stem}/")])
        .collect()
}

/// A library without a listed file must say so, in the words that cannot be taken back.
fn check_forbids(listed: &[(&str, &str)], source: &Source) -> Option<Finding> {
    let folder = source.path.strip_suffix("lib.rs").filter(|path| path.starts_with("crates/"))?;
    let has_listed = listed.iter().any(|(path, _)| path.starts_with(folder));
    let forbids = |line: &Line| line.code.contains("#![forbid(unsafe_code)]");
    if has_listed || source.lines.iter().any(forbids) {
        return None;
    }
    let text = "a crate without unsafe code says `#![forbid(unsafe_code)]`";
    Some(Finding::new(&source.path, 1, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &[(&str, &str)] =
        &[("crates/a/src/lease.rs", "a reason"), ("crates/a/src/sys/map.rs", "a reason")];
    const UNSAFE: &str = "unsafe { f() }\n";

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let mut sources: Vec<_> =
            LIST.iter().map(|(path, _)| Source::parse(path, UNSAFE)).collect();
        sources.extend(files.iter().map(|(path, text)| Source::parse(path, text)));
        check_against(LIST, &sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn listed_modules_may_be_opened() {
        let root = "#[expect(unsafe_code, reason = \"a\")]\nmod lease;\n\
            #[expect(\n    unsafe_code,\n    reason = \"a\"\n)]\npub(crate) mod sys;\n";
        assert_eq!(found(&[("crates/a/src/lib.rs", root)]), [""; 0]);
    }

    #[test]
    fn unlisted_module_is_found_where_it_is_opened() {
        let root = "#[expect(unsafe_code, reason = \"a\")]\nmod hand;\n";
        let found = found(&[("crates/a/src/lib.rs", root)]);
        assert!(found[0].starts_with("crates/a/src/lib.rs:1: opens a module"), "{found:?}");
    }

    #[test]
    fn opening_one_item_opens_its_file() {
        let text = "#[expect(unsafe_code, reason = \"a\")]\nfn f() {}\n";
        assert_eq!(found(&[("crates/a/src/hand.rs", text)]).len(), 1);
    }

    #[test]
    fn unsafe_code_elsewhere_is_found() {
        let found = found(&[("crates/a/src/hand.rs", UNSAFE)]);
        assert!(found[0].starts_with("crates/a/src/hand.rs:1: unsafe code"), "{found:?}");
    }

    #[test]
    fn allow_is_refused_even_when_listed() {
        let root = "#[allow(unsafe_code, reason = \"a\")]\nmod lease;\n";
        assert_eq!(found(&[("crates/a/src/lib.rs", root)]).len(), 1);
    }

    #[test]
    fn crate_without_unsafe_code_forbids_it() {
        assert_eq!(found(&[("crates/b/src/lib.rs", "//! B.\n")]).len(), 1);
        assert!(found(&[("crates/b/src/lib.rs", "#![forbid(unsafe_code)]\n")]).is_empty());
    }

    #[test]
    fn entry_without_unsafe_code_is_found() {
        let sources = [Source::parse("crates/a/src/lease.rs", "fn f() {}\n")];
        assert_eq!(check_against(LIST, &sources).len(), 2);
    }
}
