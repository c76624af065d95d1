//! Less room than declared gives the right result or an error.

use crate::{
    Direction, Room, Stage, StageError,
    testing::site::{Site, Surroundings},
};

/// Runs the stage in every room below the declared one, in steps for large ones.
pub(super) fn check(
    site: &Site,
    stage: &dyn Stage,
    direction: Direction,
    payload: &[u8],
    expected: &[u8],
) {
    let declared = Surroundings::declared(stage, direction, payload.len()).room;
    let starved_back = below(declared.back).map(|back| Room { back, ..declared });
    let starved_front = below(declared.front).map(|front| Room { front, ..declared });
    for room in starved_back.chain(starved_front) {
        let outcome = site.run(stage, direction, payload, Surroundings { room, filler: 0xdb });
        match outcome.result {
            Ok(result) => assert!(
                result == expected,
                "{} gives a wrong result instead of an error in {room:?}",
                stage.name()
            ),
            Err(StageError::NoRoom { .. }) => {}
            Err(other) => panic!("want of room in {room:?} is reported as: {other}"),
        }
    }
}

fn below(room_len: usize) -> impl Iterator<Item = usize> {
    (0..room_len).step_by(room_len.div_ceil(STEPS_MAX).max(1))
}

/// Rooms to try for one sample.
const STEPS_MAX: usize = 64;
