//! Rule: above every unsafe block and unsafe impl stands the proof that it is sound.

use super::finding::Finding;
use super::source::{Source, has_word};

/// How far above the proof may begin: a paragraph of prose and the head of a statement.
const REACH: usize = 12;
const MARK: &str = "// SAFETY:";

pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut previous = 0;
    let mut findings = Vec::new();
    for (line_number, line) in source.numbered() {
        let code = line.code.replace("unsafe impl", "unsafe {");
        if !has_word(&code, "unsafe") || !code.contains("unsafe {") {
            continue;
        }
        // A proof belongs to one block: it stands below the block before.
        let reach = REACH.min(line_number - 1 - previous);
        if !source.has_mark(MARK, line_number, reach) {
            let text = "unsafe without a proof above it; write `// SAFETY:` and the facts";
            findings.push(Finding::new(&source.path, line_number, text));
        }
        previous = line_number;
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        check(&Source::parse("a.rs", text)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn proof_above_passes() {
        assert!(lines("// SAFETY: R2, so\n// it fits.\nlet a = unsafe { f() };\n").is_empty());
        assert!(lines("// SAFETY: owned.\nunsafe impl Send for A {}\n").is_empty());
        assert!(lines("/// # Safety\nunsafe fn f() {}\n").is_empty());
    }

    #[test]
    fn missing_proof_is_found() {
        assert!(lines("// Fast.\nunsafe { f() }\n")[0].starts_with("a.rs:2: unsafe without"));
    }

    #[test]
    fn proof_serves_one_block() {
        let text = "// SAFETY: a.\nlet a = unsafe { f() };\nlet b = unsafe { g() };\n";
        assert!(lines(text)[0].starts_with("a.rs:3: "));
        assert_eq!(lines(text).len(), 1);
    }
}
