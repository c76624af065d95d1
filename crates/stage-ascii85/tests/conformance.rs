//! The stage obeys the contract.

use waterwheel_stage_ascii85::Ascii85;
use waterwheel_stages::testing;

/// Every length of a last group, zeros that other encoders would write as `z`, the largest group,
/// and more than a segment.
const SAMPLES: [&[u8]; 8] =
    [b"", b"a", b"ab", b"abc", b"water wheel", &[0; 12], &[0xff; 9], &[0xa5; 5_003]];

#[test]
fn stage_conforms() {
    testing::conformance(&Ascii85::new(), &SAMPLES);
}

#[test]
fn texts_with_z_conform() {
    let earned = [b"G@>T)G@>T)G@>T)".as_slice(), b"z!!"].concat();
    testing::reads(
        &Ascii85::new(),
        &[
            (b"z", &[0; 4]),
            (b"!!!!!", &[0; 4]),
            (b"zG@>T)zz@:B", b"\0\0\0\0wate\0\0\0\0\0\0\0\0ab"),
            (&earned, b"watewatewate\0\0\0\0\0"),
        ],
    );
}

#[test]
fn no_call_allocates() {
    testing::no_allocation(&Ascii85::new(), &SAMPLES, |call| {
        allocation_counter::measure(call).count_total
    });
}
