//! The conformance kit: what every stage must pass, whoever wrote it.
//!
//! ```
//! use waterwheel_stages::{Identity, testing};
//!
//! testing::conformance(&Identity, &[b"", b"a", b"any other payload"]);
//! ```

mod forms;
mod garbage;
mod no_allocation;
mod passage;
mod round_trip;
mod site;
mod split_input;
mod starve_output;

pub use crate::testing::no_allocation::no_allocation;

use crate::{
    Direction, Stage,
    testing::{forms::Forms, site::Site},
};

/// Holds a stage to the rules of its contract, with `samples` of what a handler would write.
///
/// | Rule | How it is checked |
/// | --- | --- |
/// | inbound undoes outbound | each sample, there and back, in every form that the stage has |
/// | growth is what was declared, and measured | in exactly that room, and in more |
/// | other bytes are untouched | the window lies between two leases in the same segments |
/// | rooms hold no meaning | the rooms are filled with several patterns; results are equal |
/// | hostile bytes never panic | samples cut at every byte, with bytes changed, and noise |
/// | too little room is an error | rooms from none to what was declared |
/// | a flow does not see where its input is cut | cut at every byte, and into pieces of 0 to 64 |
/// | a flow lives with little room | steps into 0 to 17 bytes; with enough, each gets on |
/// | bodies do not meet | two at a time; one after another that was given up, a hundred times |
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
        for (direction, payload, result) in
            [(Direction::Outbound, *sample, text.as_slice()), (Direction::Inbound, &text, sample)]
        {
            if Forms::of(stage, direction).window {
                starve_output::check(&site, stage, direction, payload, result);
            }
        }
        garbage::check_variants_of(&site, stage, &text);
    }
    garbage::check_noise(&site, stage);
}

/// Holds a stage to texts that it would not write itself, each with the content that it must read:
/// those of other encoders. All of [`conformance`] that concerns the way in applies to them.
///
/// # Panics
/// As [`conformance`]; and when the content is another one, or in one form another than in another.
pub fn reads(stage: &dyn Stage, texts: &[(&[u8], &[u8])]) {
    let site = Site::new();
    for (index, (text, content)) in texts.iter().enumerate() {
        let read = round_trip::agreed(&site, stage, Direction::Inbound, text, index);
        assert!(read == *content, "{} reads text {index} as something else", stage.name());
        garbage::check_variants_of(&site, stage, text);
    }
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
mod flow_tests;
#[cfg(test)]
mod kit_tests;
