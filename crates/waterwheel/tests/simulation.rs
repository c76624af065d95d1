//! The whole server in a simulated world, once per seed: faults, sizes, clients and their timing
//! all follow from the seed's number.
//!
//! The seeds are read from `WATERWHEEL_SIM_SEEDS` as `A..B`; without it a few hundred run, enough
//! to notice a broken build. A failing seed prints its number, and that number alone brings it
//! back: `cargo xtask sim --first K --seeds 1`. With `WATERWHEEL_SIM_STORY=1` it also prints what
//! was chosen, and what every client did and got.

#[path = "simulation/mod.rs"]
mod simulation;

mod scratch;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use simulation::{Ground, Summary, run, silence_planned_panics};

#[test]
fn every_seed_holds_every_promise() {
    silence_planned_panics();
    let seeds = seeds();
    let (first, count) = (seeds.start, seeds.end.saturating_sub(seeds.start));
    let ground = Arc::new(Ground::new());
    let open_before = open_descriptors();
    let queue = Mutex::new(seeds);
    let total = Mutex::new((Summary::default(), Vec::new()));
    let thread_count = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..thread_count {
            scope.spawn(|| {
                while let Some(seed) = next(&queue) {
                    let outcome = hold(seed, &ground);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    match outcome {
                        Ok(summary) => total.0.add(&summary),
                        Err(fault) => total.1.push((seed, fault)),
                    }
                    if total.1.len() >= FAULTS_SHOWN_MAX {
                        return;
                    }
                }
            });
        }
    });
    let (summary, mut faults) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{count} seeds from {first}: {summary}");
    faults.sort_unstable_by_key(|(seed, _)| *seed);
    for (seed, fault) in &faults {
        println!("seed {seed}: {fault}");
        println!("    again: cargo xtask sim --first {seed} --seeds 1");
    }
    assert_eq!(open_descriptors(), open_before, "files are left open");
    assert_eq!(ground.left_behind(), 0, "handlers were not dropped");
    assert!(faults.is_empty(), "{} seeds failed, the first is {}", faults.len(), faults[0].0);
}

/// Runs one seed, some of them twice: the same seed must give the same history.
fn hold(seed: u64, ground: &Arc<Ground>) -> Result<Summary, String> {
    let attempt = || match catch_unwind(AssertUnwindSafe(|| run(seed, ground))) {
        Ok(outcome) => outcome,
        Err(_) => Err("the server or the harness panicked; the message stands above".to_owned()),
    };
    let summary = attempt()?;
    if seed.is_multiple_of(SEEDS_PER_REPEAT) && attempt()?.trace_hash != summary.trace_hash {
        return Err("two runs of this seed differ".to_owned());
    }
    Ok(summary)
}

/// Descriptors of this process; the one that lists them is there each time.
fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

fn next(queue: &Mutex<Range<u64>>) -> Option<u64> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).next()
}

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("WATERWHEEL_SIM_SEEDS") else { return 0..SEEDS_BY_DEFAULT };
    let parsed = text.split_once("..").and_then(|(from, to)| {
        let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        Some(from..to)
    });
    parsed.unwrap_or_else(|| panic!("WATERWHEEL_SIM_SEEDS is `A..B`, not `{text}`"))
}

/// A few seconds without optimisation.
const SEEDS_BY_DEFAULT: u64 = 300;
/// Every so many seeds one is run again to compare histories.
const SEEDS_PER_REPEAT: u64 = 16;
/// More would only repeat the same cause.
const FAULTS_SHOWN_MAX: usize = 10;
