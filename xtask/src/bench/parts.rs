//! Where the user-space instructions of a request go: callgrind counts them for each address, and
//! the debug information says which line of ours an address was inlined into. A function of the
//! standard library counts for the part that called it, unless it was called and not inlined.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use super::addresses::{Costs, Place, costs, places};
use super::content::Content;
use super::entries;
use super::guard_cases::post;
use super::results::PartsResult;
use super::table;
use crate::instructions::{self, Load, Profile};

/// How the parts are called on the command line.
pub(crate) const NAME: &str = "parts";

/// Counts every case and prints it.
pub(crate) fn run() -> Result<Vec<PartsResult>> {
    instructions::valgrind_version()?;
    let program = entries::build_ours()?;
    let counted = CASES.iter().map(|case| count(&program, case)).collect::<Result<Vec<_>>>()?;
    println!("\n{}", table::parts(&counted));
    Ok(counted)
}

/// A kind of request whose parts are told apart.
struct Case {
    name: &'static str,
    title: &'static str,
    load: fn() -> Load,
}

static CASES: [Case; 4] = [
    Case {
        name: "parts-plaintext",
        title: "/plaintext",
        load: || Load { connections: 64, ..short(Load::get("/plaintext")) },
    },
    Case {
        name: "parts-echo-4k",
        title: "/echo 4 KiB",
        load: || short(post("/echo", &Content::Base64(4 << 10).body())),
    },
    Case {
        name: "parts-echo64-4k",
        title: "/echo64 4 KiB",
        load: || short(post("/echo64", &Content::Base64(4 << 10).body())),
    },
    Case {
        name: "parts-echo64-64k",
        title: "/echo64 64 KiB",
        load: || Load {
            warm_up_count: 128,
            counted: 512,
            ..post("/echo64", &Content::Base64(64 << 10).body())
        },
    },
];

/// A tenth of an instruction is precise enough for a picture.
fn short(load: Load) -> Load {
    Load { warm_up_count: 1_024, counted: 4_096, ..load }
}

fn count(program: &Path, Case { name, title, load }: &Case) -> Result<PartsResult> {
    let load = load();
    let profile = |count| instructions::profile(program, &load, count, &OPTIONS);
    let short = profile(load.warm_up_count)?;
    let long = profile(load.warm_up_count + load.counted)?;
    let requests = (long.requests - short.requests) as f64;
    let read =
        |profile: &Profile| costs(&profile.text).context("callgrind's profile is unreadable");
    let (short, long) = (read(&short)?, read(&long)?);
    let sums = sum(program, &short, &long)?;
    let parts: Vec<_> = PARTS
        .iter()
        .map(|(part, _)| (*part).to_owned())
        .chain([REST.to_owned()])
        .map(|part| {
            let instructions = sums.get(part.as_str()).copied().unwrap_or(0);
            // A start that took a little less once must not show as work given back.
            (part, instructions.max(0) as f64 / requests)
        })
        .collect();
    Ok(PartsResult { name: (*name).to_owned(), title: (*title).to_owned(), parts })
}

/// Callgrind writes addresses, and nothing shortened.
const OPTIONS: [&str; 3] = ["--dump-instr=yes", "--compress-pos=no", "--compress-strings=no"];

/// The difference of two profiles, by part.
fn sum(program: &Path, short: &Costs, long: &Costs) -> Result<BTreeMap<&'static str, i64>> {
    let places = places(program, long)?;
    let mut sums = BTreeMap::new();
    for (counts, sign) in [(long, 1), (short, -1)] {
        for (address, count) in counts {
            // Code that only the short run met belongs to its start or end.
            let part = places.get(address).map_or(REST, part);
            *sums.entry(part).or_default() += sign * i64::try_from(*count)?;
        }
    }
    Ok(sums)
}

fn part(place: &Place) -> &'static str {
    let matches = |marks: &[&str]| marks.iter().any(|mark| place.contains(mark));
    PARTS.iter().find(|(_, marks)| matches(marks)).map_or(REST, |(part, _)| part)
}

const REST: &str = "rest";

/// Parts in the order of a request, with what the path of their source or the name of their
/// function holds. The first that fits counts.
const PARTS: [(&str, &[&str]); 12] = [
    (
        "loop and sockets",
        &[
            "crates/runtime/",
            "crates/reactor/",
            "/mio-",
            "recv",
            "send",
            "writev",
            "epoll_wait",
            "asynccancel",
        ],
    ),
    ("parse head", &["crates/http/src/parse/"]),
    ("framing", &["crates/http/src/body/"]),
    ("route", &["crates/http/src/router/", "crates/http/src/service"]),
    ("stages", &["crates/stages/", "base64-simd-", "vsimd-"]),
    (
        "handler",
        &[
            "examples/arena.rs",
            "crates/http/src/handler",
            "crates/http/src/extract/",
            "crates/http/src/request",
        ],
    ),
    ("encode head", &["crates/http/src/encode/", "crates/http/src/reply/"]),
    ("connection", &["crates/http/"]),
    ("ring", &["crates/ring/"]),
    // The ring fills what it releases with zeros. Valgrind counts a string instruction once for
    // each byte, so in time this is far less than it looks.
    ("wipe", &["memset"]),
    ("copy", &["memcpy", "memmove"]),
    ("heap", &["malloc", "calloc", "realloc", "free"]),
];
