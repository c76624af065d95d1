//! A claim that not every stage makes: once it is warm, no call allocates.

use crate::{
    Direction, Stage,
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
    let surroundings = Surroundings::declared(stage, direction, payload.len());
    let warmed = site.run(stage, direction, payload, surroundings).result;
    let expected = warmed.unwrap_or_else(|error| panic!("{direction:?}: {error}"));
    let allocations = site.count(stage, direction, payload, surroundings, count);
    assert_eq!(allocations, 0, "{}: {direction:?} allocates", stage.name());
    expected
}
