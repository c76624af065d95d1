//! Inbound undoes outbound: in the room declared and in more, whatever that room contains, and in
//! every form.

use crate::{
    Direction, Room, Stage,
    testing::forms::{Forms, outcome},
    testing::site::{FILLERS, Site, Surroundings},
    testing::split_input,
};

/// Sends a sample out and back in; returns what goes to the network.
pub(super) fn check(site: &Site, stage: &dyn Stage, sample: &[u8], index: usize) -> Vec<u8> {
    let text = agreed(site, stage, Direction::Outbound, sample, index);
    let back = agreed(site, stage, Direction::Inbound, &text, index);
    assert!(
        back == sample,
        "{} does not give sample {index} ({} bytes) back",
        stage.name(),
        sample.len()
    );
    text
}

/// The one result that all forms must lead to.
pub(super) fn agreed(
    site: &Site,
    stage: &dyn Stage,
    direction: Direction,
    payload: &[u8],
    index: usize,
) -> Vec<u8> {
    let Forms { window, flow } = Forms::of(stage, direction);
    let result = if window {
        agreed_in_windows(site, stage, direction, payload, index)
    } else {
        outcome(site, stage, direction, payload)
            .unwrap_or_else(|error| panic!("{direction:?}, sample {index}: {error}"))
    };
    if flow {
        split_input::check_apart(stage, direction, payload, &result);
        split_input::check(stage, direction, payload, &Ok(result.clone()));
    }
    result
}

/// The one result that all rooms and fillers must lead to.
fn agreed_in_windows(
    site: &Site,
    stage: &dyn Stage,
    direction: Direction,
    payload: &[u8],
    index: usize,
) -> Vec<u8> {
    let declared = Surroundings::declared(stage, direction, payload.len()).room;
    let ample = Room { front: declared.front + AMPLE_LEN, back: declared.back + AMPLE_LEN };
    let mut results = Vec::with_capacity(2 * FILLERS.len());
    for room in [declared, ample] {
        for filler in FILLERS {
            let outcome = site.run(stage, direction, payload, Surroundings { room, filler });
            results.push(outcome.result.unwrap_or_else(|error| {
                panic!("{direction:?}, sample {index}, in {room:?}: {error}")
            }));
        }
    }
    let result = results.pop().expect("there are fillers");
    assert!(
        results.iter().all(|other| *other == result),
        "{}: {direction:?}, the result of sample {index} depends on the rooms",
        stage.name()
    );
    result
}

/// Spare room: more than a stage that works in vector registers would write past its end.
const AMPLE_LEN: usize = 300;
