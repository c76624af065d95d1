//! Hostile bytes give a result within bounds or an error, never a panic.

use crate::{
    Direction, Flow, Stage,
    testing::forms::{Forms, agree, outcome},
    testing::passage::{Cut, pass},
    testing::site::{FILLERS, Site},
};

/// What the network could have made of a text: cut at every byte, and with bytes changed.
pub(super) fn check_variants_of(site: &Site, stage: &dyn Stage, text: &[u8]) {
    let step = text.len().div_ceil(VARIANTS_MAX).max(1);
    for at in (0..text.len()).step_by(step) {
        attempt(site, stage, Direction::Inbound, &text[..at]);
        let mut changed = text.to_vec();
        for mask in [0x01, 0x80, 0xff] {
            changed[at] = text[at] ^ mask;
            attempt(site, stage, Direction::Inbound, &changed);
        }
    }
}

/// Noise of many lengths, both ways.
pub(super) fn check_noise(site: &Site, stage: &dyn Stage) {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    for len in (0..256).chain([1023, 1024, 4095, 4096, 4097]) {
        for direction in [Direction::Inbound, Direction::Outbound] {
            let payload: Vec<u8> = noise.by_ref().take(len).collect();
            attempt(site, stage, direction, &payload);
            attempt(site, stage, direction, &vec![0; len]);
            attempt(site, stage, direction, &vec![0xff; len]);
        }
    }
}

/// Either outcome will do, when it is the same in every form. All else was checked on the way.
fn attempt(site: &Site, stage: &dyn Stage, direction: Direction, payload: &[u8]) {
    let result = outcome(site, stage, direction, payload);
    if let Err(error) = &result {
        assert!(!error.to_string().is_empty(), "an error of {} has no text", stage.name());
    }
    if Forms::of(stage, direction).flow {
        let cut = Cut {
            piece_lens: &[1, 5, 31, 700],
            room_lens: &[Flow::ROOM_MIN, 900],
            filler: FILLERS[1],
        };
        let in_pieces = pass(stage, direction, payload, cut);
        assert!(
            agree(stage, direction, payload, &in_pieces, &result),
            "{}: {direction:?}, hostile bytes are {:?} at once, {:?} in pieces",
            stage.name(),
            result.map(|bytes| bytes.len()),
            in_pieces.map(|bytes| bytes.len()),
        );
    }
}

/// Marsaglia's xorshift: the same bytes in every run, without a dependency for users of the kit.
struct Noise(u64);

impl Iterator for Noise {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Some(self.0.to_be_bytes()[0])
    }
}

/// Places in one sample to cut and change at.
const VARIANTS_MAX: usize = 512;
