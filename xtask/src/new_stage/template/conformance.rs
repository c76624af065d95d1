//! The stage obeys the contract.

use waterwheel_stage_new_name::NewName;
use waterwheel_stages::testing;

/// What handlers could write: short ones, the edges of the format, and more than a segment.
const SAMPLES: [&[u8]; 5] = [b"", b"a", b"ab", b"water", &[0xa5; 5_000]];

#[test]
fn stage_conforms() {
    testing::conformance(&NewName::new(), &SAMPLES);
}

#[test]
fn no_call_allocates() {
    testing::no_allocation(&NewName::new(), &SAMPLES, |call| {
        allocation_counter::measure(call).count_total
    });
}
