//! A claim that not every stage makes: once it is warm, no call allocates.

use crate::{
    Direction, Flow, Next, Placement, Progress, Stage,
    testing::forms::{Forms, outcome},
    testing::site::{Site, Surroundings},
};

/// Holds a stage to the claim that no call of it allocates on the heap once the worker's thread has
/// used it. `count` runs what it is given and returns the allocations made meanwhile; the crate
/// `allocation-counter` can do that, or an allocator of one's own:
///
/// ```
/// use waterwheel_stages::{Identity, testing};
///
/// testing::no_allocation(&Identity, &[b"", b"water"], |call| {
///     allocation_counter::measure(call).count_total
/// });
/// ```
///
/// # Panics
/// When a call allocates, or fails. Also when `count` does not count: it is shown one allocation.
pub fn no_allocation(
    stage: &dyn Stage,
    samples: &[&[u8]],
    count: impl Fn(&mut dyn FnMut()) -> u64,
) {
    let shown = count(&mut || drop(std::hint::black_box(Box::new(1_u8))));
    assert!(shown > 0, "an allocation was made, and not counted");
    let site = Site::new();
    for sample in samples {
        let text = check(&site, stage, Direction::Outbound, sample, &count);
        check(&site, stage, Direction::Inbound, &text, &count);
    }
}

fn check(
    site: &Site,
    stage: &dyn Stage,
    direction: Direction,
    payload: &[u8],
    count: &impl Fn(&mut dyn FnMut()) -> u64,
) -> Vec<u8> {
    let warmed = outcome(site, stage, direction, payload);
    let expected = warmed.unwrap_or_else(|error| panic!("{direction:?}: {error}"));
    let Forms { window, flow } = Forms::of(stage, direction);
    let name = stage.name();
    if window {
        let surroundings = Surroundings::declared(stage, direction, payload.len());
        let allocations = site.count(stage, direction, payload, surroundings, count);
        assert_eq!(allocations, 0, "{name}: {direction:?} allocates in the window");
    }
    if flow {
        // The first one takes a context with it, which the second one then finds.
        flow_once(stage, direction, payload, &mut vec![0; expected.len() + Flow::ROOM_MIN]);
        let mut room = vec![0; expected.len() + Flow::ROOM_MIN];
        let allocations = count(&mut || flow_once(stage, direction, payload, &mut room));
        assert_eq!(allocations, 0, "{name}: {direction:?} allocates in its flow");
    }
    expected
}

fn flow_once(stage: &dyn Stage, direction: Direction, payload: &[u8], room: &mut [u8]) {
    let mut flow = stage.flow(direction).expect("the same flow was lent before");
    let (mut read, mut written) = (0, 0);
    if stage.placement(direction) == Placement::Run {
        stage.measure(direction, payload).expect("the payload has been turned before");
    }
    loop {
        let step = flow.step(&payload[read..], &mut room[written..], true);
        let Progress { read: more, written: made, next } =
            step.expect("the payload has been turned before");
        (read, written) = (read + more, written + made);
        match next {
            Next::Done => break,
            Next::Room => assert!(more + made > 0, "{} stalls", stage.name()),
            Next::Input => panic!("{} asks for input behind the last piece", stage.name()),
        }
    }
}
