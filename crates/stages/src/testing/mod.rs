//! The conformance kit: what every stage must pass, whoever wrote it.
//!
//! ```
//! use waterwheel_stages::{Identity, testing};
//!
//! testing::conformance(&Identity, &[b"", b"a", b"any other payload"]);
//! ```

mod garbage;
mod no_allocation;
mod round_trip;
mod site;
mod starve_output;

pub use crate::testing::no_allocation::no_allocation;

use crate::{Direction, Stage, testing::site::Site};

/// Holds a stage to the rules of its contract, with `samples` of what a handler would write.
///
/// | Rule | How it is checked |
/// | --- | --- |
/// | inbound undoes outbound | each sample, there and back, in exactly the room declared |
/// | growth is what was declared | same, and in more room than declared |
/// | other bytes are untouched | the window lies between two leases in the same segments |
/// | rooms hold no meaning | the rooms are filled with several patterns; results are equal |
/// | hostile bytes never panic | samples cut at every byte, with bytes changed, and noise |
/// | too little room is an error | rooms from none to what was declared |
///
/// Short samples make it thorough, long ones slow: a few of each, and the lengths where the format
/// changes its behaviour, are a good choice.
///
/// # Panics
/// When the stage breaks a rule; the message names it and the sample.
pub fn conformance(stage: &dyn Stage, samples: &[&[u8]]) {
    declarations_are_sound(stage);
    let site = Site::new();
    for (index, sample) in samples.iter().enumerate() {
        let text = round_trip::check(&site, stage, sample, index);
        starve_output::check(&site, stage, Direction::Outbound, sample, &text);
        starve_output::check(&site, stage, Direction::Inbound, &text, sample);
        garbage::check_variants_of(&site, stage, &text);
    }
    garbage::check_noise(&site, stage);
}

fn declarations_are_sound(stage: &dyn Stage) {
    let name = stage.name();
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    assert!(!name.is_empty() && name.bytes().all(is_word), "{name:?} is no lower-case word");
    for direction in [Direction::Inbound, Direction::Outbound] {
        let growth = stage.growth(direction);
        assert_eq!(growth, stage.growth(direction), "the growth of {name} is not constant");
        for len in 0..1024 {
            let (shorter, longer) = (growth.bound(len), growth.bound(len + 1));
            assert!(shorter <= longer, "{name} bounds {len} bytes above {} bytes", len + 1);
        }
    }
}

#[cfg(test)]
#[path = "kit_tests.rs"]
mod tests;
