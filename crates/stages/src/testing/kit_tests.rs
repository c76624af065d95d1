//! The kit must notice each broken rule: a check that was never seen to fail proves nothing.

use crate::{
    Direction, Growth, Identity, Stage, StageError, Window,
    testing::{conformance, no_allocation},
};

const SAMPLES: &[&[u8]] = &[b"", b"a", b"abc", b"a longer sample than the others"];

#[derive(Clone, Copy, Debug)]
enum Broken {
    GrowsUndeclared,
    LosesBytes,
    PanicsOnNoise,
    ReadsTheRoom,
    TakesTheFront,
    HidesWantOfRoom,
    CutsTheFront,
    Allocates,
}

impl Stage for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn growth(&self, direction: Direction) -> Growth {
        match (self, direction) {
            (Self::GrowsUndeclared, Direction::Outbound) => Growth::fixed(0, 0),
            (Self::TakesTheFront, _) => Growth::fixed(0, 1),
            (_, Direction::Outbound) => Growth::fixed(0, 1),
            (_, Direction::Inbound) => Growth::Shrinks,
        }
    }

    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let malformed = StageError::Malformed { stage: "broken", at: None, cause: "is empty" };
        let last = window.len().checked_sub(1).ok_or(malformed)?;
        match self {
            Self::PanicsOnNoise => assert_eq!(window.payload()[last], b'.'),
            Self::CutsTheFront => window.advance(1),
            Self::Allocates => drop(std::hint::black_box(vec![1])),
            Self::LosesBytes if last > 3 => window.truncate(last - 1),
            _ => {}
        }
        window.truncate(last);
        Ok(())
    }

    fn outbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let no_room = |source| StageError::NoRoom { stage: "broken", source };
        match self {
            Self::TakesTheFront if window.headroom() > 0 => {
                window.grow_front(1).map_err(no_room)?;
                let len = window.len();
                window.copy_within(1..len, 0);
            }
            Self::HidesWantOfRoom if window.tailroom() == 0 => return Ok(()),
            _ => window.grow_back(1).map_err(no_room)?,
        }
        let last = window.len() - 1;
        if !matches!(self, Self::ReadsTheRoom) {
            window.payload_mut()[last] = b'.';
        }
        Ok(())
    }
}

fn complaint(stage: Broken) -> String {
    complaint_of(|| conformance(&stage, SAMPLES))
}

pub(super) fn complaint_of(check: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(check).expect_err("the kit passed a broken stage");
    panic.downcast_ref::<String>().expect("a message with details").clone()
}

fn allocations(call: &mut dyn FnMut()) -> u64 {
    allocation_counter::measure(call).count_total
}

#[test]
fn identity_passes() {
    conformance(&Identity, SAMPLES);
}

#[test]
fn undeclared_growth_is_noticed() {
    assert!(complaint(Broken::GrowsUndeclared).contains("Outbound, sample 0"));
}

#[test]
fn lost_bytes_are_noticed() {
    assert!(complaint(Broken::LosesBytes).contains("does not give sample 3"));
}

#[test]
fn panic_on_noise_is_noticed() {
    assert!(complaint(Broken::PanicsOnNoise).contains("left == right"));
}

#[test]
fn reading_the_room_is_noticed() {
    assert!(complaint(Broken::ReadsTheRoom).contains("depends on the rooms"));
}

#[test]
fn taking_the_front_is_noticed() {
    assert!(complaint(Broken::TakesTheFront).contains("in front, declared 0"));
}

#[test]
fn hidden_want_of_room_is_noticed() {
    assert!(complaint(Broken::HidesWantOfRoom).contains("instead of an error"));
}

#[test]
fn a_cut_front_is_noticed() {
    assert!(complaint(Broken::CutsTheFront).contains("puts only 0 back"));
}

#[test]
fn an_allocation_is_noticed() {
    let complaint = complaint_of(|| no_allocation(&Broken::Allocates, &[b"a"], allocations));
    assert!(complaint.contains("Inbound allocates"), "{complaint}");
}

#[test]
#[should_panic(expected = "and not counted")]
fn a_counter_that_does_not_count_is_noticed() {
    no_allocation(&Identity, SAMPLES, |call| {
        call();
        0
    });
}
