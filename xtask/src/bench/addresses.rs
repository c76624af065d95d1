//! Instructions by address: what a callgrind profile says, and where in the source an address is.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};

use crate::process::{Guarded, root};

/// An instruction: the file of its code, its address there, and the function around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    object: String,
    function: String,
    offset: u64,
}

/// How often each instruction ran.
pub(crate) type Costs = BTreeMap<Address, u64>;

/// The source file that an instruction counts for, or its function where there is none.
pub(crate) type Place = String;

/// Reads a profile with addresses, without compression; calls are left out, because what was called
/// is counted where it is.
pub(crate) fn costs(profile: &str) -> Option<Costs> {
    let mut costs = Costs::new();
    let (mut object, mut function) = ("", "");
    let mut lines = profile.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("ob=") {
            object = name;
        } else if let Some(name) = line.strip_prefix("fn=") {
            function = name;
        } else if line.starts_with("calls=") {
            lines.next()?;
        } else if let Some(rest) = line.strip_prefix("0x") {
            let mut words = rest.split_whitespace();
            let offset = u64::from_str_radix(words.next()?, 16).ok()?;
            let count: u64 = words.nth(1)?.parse().ok()?;
            let address =
                Address { object: object.to_owned(), function: function.to_owned(), offset };
            *costs.entry(address).or_default() += count;
        }
    }
    Some(costs)
}

/// The places of all addresses; those outside the program are known by their function.
pub(crate) fn places(program: &Path, costs: &Costs) -> Result<BTreeMap<Address, Place>> {
    let is_ours = |address: &Address| Path::new(&address.object) == program;
    let offsets: BTreeSet<u64> =
        costs.keys().filter(|address| is_ours(address)).map(|address| address.offset).collect();
    let sources = sources(program, &offsets)?;
    let place = |address: &Address| {
        let source = sources.get(&address.offset).filter(|_| is_ours(address));
        source.unwrap_or(&address.function).clone()
    };
    Ok(costs.keys().map(|address| (address.clone(), place(address))).collect())
}

/// Asks addr2line, which comes with every linker.
fn sources(program: &Path, offsets: &BTreeSet<u64>) -> Result<BTreeMap<u64, Place>> {
    let mut command = Command::new("addr2line");
    command.args(["--inlines", "--addresses", "--exe"]).arg(program);
    let mut tool = Guarded::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
    let mut input = tool.child_mut().stdin.take().context("addr2line has no input")?;
    let output = tool.child_mut().stdout.take().context("addr2line has no output")?;
    let asked: String = offsets.iter().map(|offset| format!("{offset:#x}\n")).collect();
    // It answers while it is asked, so one of the two has to wait elsewhere.
    let asking = thread::spawn(move || input.write_all(asked.as_bytes()));
    let printed = std::io::read_to_string(output)?;
    asking.join().expect("writing does not panic")?;
    ensure!(tool.child_mut().wait()?.success(), "addr2line finds no debug information");
    Ok(parse(&printed, &root().display().to_string()))
}

/// Of the files that an address was inlined through, innermost first: the first one of this
/// project; else the last one of another crate, which is the function that was called.
fn parse(printed: &str, root: &str) -> BTreeMap<u64, Place> {
    let mut sources = BTreeMap::new();
    let mut lines = printed.lines().peekable();
    while let Some(line) = lines.next() {
        let offset = line.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok());
        let mut files = Vec::new();
        while let Some(file) = lines.next_if(|line| !line.starts_with("0x")) {
            files.push(file);
        }
        let ours = files.iter().find_map(|file| file.strip_prefix(root));
        let place = ours.or_else(|| {
            let foreign = files.iter().rev().find(|file| file.contains("/registry/"));
            foreign.or(files.last()).copied()
        });
        sources.extend(offset.zip(place.map(str::to_owned)));
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_not_counted_twice() {
        let profile = "ob=/bin/a\nfn=f\n0x10 1 5\n0x10 1 2\ncfn=g\ncalls=1 0x20 \n0x14 1 900\n\
            ob=/lib/b\nfn=g\n0x10 0 7\n";
        let costs = costs(profile).unwrap();
        let counted: Vec<_> =
            costs.iter().map(|(at, count)| (at.object.as_str(), at.offset, *count)).collect();
        assert_eq!(counted, [("/bin/a", 0x10, 7), ("/lib/b", 0x10, 7)]);
    }

    #[test]
    fn inlined_code_counts_for_the_innermost_file_of_the_project() {
        let printed = "0x10\n/rustc/1/library/core/src/slice.rs:5\n/src/p/crates/a/src/x.rs:1\n\
            /src/p/crates/b/src/y.rs:2\n0x20\n/rustc/1/library/core/src/slice.rs:5\n\
            /home/registry/src/i/vsimd-1/src/m.rs:3\n0x30\n??:0\n";
        let sources = parse(printed, "/src/p");
        assert_eq!(sources[&0x10], "/crates/a/src/x.rs:1");
        assert!(sources[&0x20].contains("/vsimd-1/"));
        assert_eq!(sources[&0x30], "??:0");
    }
}
