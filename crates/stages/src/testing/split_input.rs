//! A flow gives the same result wherever its input is cut and whatever room it finds.

use crate::{
    Direction, Flow, Next, Stage, StageError,
    testing::forms::{WHOLE, agree},
    testing::passage::{Cut, Passage, pass},
    testing::site::FILLERS,
};

/// Cuts a payload that has this outcome in every way there is, or in many ways when it is long.
pub(super) fn check(
    stage: &dyn Stage,
    direction: Direction,
    payload: &[u8],
    expected: &Result<Vec<u8>, StageError>,
) {
    let check_cut = |cut: Cut<'_>| {
        let result = pass(stage, direction, payload, cut);
        assert!(
            agree(stage, direction, payload, &result, expected),
            "{}: {direction:?} of {} bytes depends on {cut:?}",
            stage.name(),
            payload.len(),
        );
    };
    for filler in FILLERS {
        check_cut(Cut { filler, ..WHOLE });
    }
    let step = payload.len().div_ceil(SPLITS_MAX).max(1);
    for at in (0..=payload.len()).step_by(step) {
        check_cut(Cut {
            piece_lens: &[at, payload.len() - at + 1],
            room_lens: &[ROOMY_LEN],
            filler: 0,
        });
    }
    for (piece_lens, room_lens) in [
        (&[1][..], &[ROOMY_LEN][..]),
        (&[1], &[Flow::ROOM_MIN]),
        (&[0, 1, 0, 2], &[0, 1, Flow::ROOM_MIN, 3, 17]),
        (&[7, 64, 3], &[Flow::ROOM_MIN, 100]),
        (&[WHOLE_LEN], &[Flow::ROOM_MIN]),
        (&[WHOLE_LEN], &[1, 2, 5, Flow::ROOM_MIN]),
    ] {
        check_cut(Cut { piece_lens, room_lens, filler: FILLERS[1] });
    }
}

/// A body that is given up leaves nothing behind, and two at a time do not meet.
pub(super) fn check_apart(
    stage: &dyn Stage,
    direction: Direction,
    payload: &[u8],
    expected: &[u8],
) {
    let name = stage.name();
    let start = || {
        Passage::start(stage, direction, payload)
            .unwrap_or_else(|error| panic!("{direction:?}: no flow for one more body: {error}"))
    };
    let half = payload.len() / 2;
    let mut left_alone = start();
    let _ = left_alone.step(half, Flow::ROOM_MIN, 0);
    let among = pass(stage, direction, payload, WHOLE);
    let meets = among.map_or(true, |result| result != expected);
    assert!(!meets, "{name}: {direction:?}, a body changes while another one has begun");
    drop(left_alone);
    let after = pass(stage, direction, payload, WHOLE);
    let remembers = after.map_or(true, |result| result != expected);
    assert!(!remembers, "{name}: {direction:?}, a body that was given up changes the next");

    // A worker must not run out of contexts because bodies are given up.
    for _ in 0..GIVEN_UP_COUNT {
        let next = start().step(payload.len(), 1, 0);
        assert!(matches!(next, Ok(Next::Room | Next::Done)), "{name}: {direction:?}: {next:?}");
    }
}

/// Places to cut one payload at.
const SPLITS_MAX: usize = 192;
/// Room in which most steps use up their input.
const ROOMY_LEN: usize = 2048;
/// Longer than any sample.
const WHOLE_LEN: usize = 1 << 20;
/// More than the contexts that a worker lends at a time.
const GIVEN_UP_COUNT: usize = 100;
