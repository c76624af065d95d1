//! What fuzzing has found worth keeping holds on the stable compiler, and so does what is near it.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use waterwheel_properties::PROPERTIES;

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.sort();
    files
}

fn names_in(folder: &str) -> Vec<String> {
    let name = |file: &PathBuf| file.file_stem().expect("a name").to_string_lossy().into_owned();
    files_in(&fuzz_folder().join(folder)).iter().map(name).collect()
}

/// Runs a property on `data`; false when it panics, which the test then reports with the input.
fn holds(property: fn(&[u8]), data: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| property(data))).is_ok()
}

#[test]
fn every_property_has_a_target_and_a_corpus() {
    let names: Vec<_> = PROPERTIES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert!(names.is_sorted());
    assert_eq!(names_in("fuzz_targets"), names);
    assert_eq!(names_in("corpus"), names);
}

#[test]
fn corpus_holds() {
    for (name, property) in PROPERTIES {
        property(&[]);
        let files = files_in(&fuzz_folder().join("corpus").join(name));
        assert!(!files.is_empty(), "{name} has an empty corpus");
        for file in files {
            assert!(holds(*property, &fs::read(&file).unwrap()), "{name} fails on {file:?}");
        }
    }
}

/// The same changes in every run: a first look, without libFuzzer, at what a change has broken.
#[test]
fn neighbours_of_the_corpus_hold() {
    for (name, property) in PROPERTIES {
        let files = files_in(&fuzz_folder().join("corpus").join(name));
        let inputs: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..NEIGHBOUR_COUNT {
            let mut data = random.choice(&inputs).expect("no corpus is empty").clone();
            change(&mut data, random.choice(&inputs).expect("no corpus is empty"), &mut random);
            assert!(holds(*property, &data), "{name} fails on b\"{}\"", data.escape_ascii());
        }
    }
}

/// Changes, drops, doubles or splices in a few bytes.
fn change(data: &mut Vec<u8>, other: &[u8], random: &mut fastrand::Rng) {
    for _ in 0..random.usize(1..4) {
        let at = random.usize(..=data.len());
        let end = (at + random.usize(1..9)).min(data.len());
        match random.u8(..5) {
            0 if at < data.len() => data[at] ^= 1 << random.u8(..8),
            1 => drop(data.drain(at..end)),
            2 => drop(data.splice(at..at, data[at..end].to_vec())),
            3 => data.insert(at, random.u8(..)),
            _ => {
                let start = random.usize(..=other.len());
                let end = (start + random.usize(1..33)).min(other.len());
                drop(data.splice(at..at, other[start..end].iter().copied()));
            }
        }
    }
}

/// Inputs per property: under a second for all of them.
const NEIGHBOUR_COUNT: usize = 20_000;
