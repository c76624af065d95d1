//! The texts that are taken, and those that are not.

use waterwheel_ring::{Config, Ring};
use waterwheel_stage_ascii85::Ascii85;
use waterwheel_stages::{Chain, StageError};

fn decode(text: &[u8], limit: usize) -> Result<Vec<u8>, StageError> {
    let ring = Ring::new(&Config::default()).expect("a ring of default size");
    let mut lease = ring.reserve_bytes(text.len().max(1)).expect("the ring is empty");
    lease.append(text).expect("reserved for it");
    Chain::new().then(Ascii85::new().limit(limit)).inbound(&mut lease)?;
    Ok(lease.payload().to_vec())
}

/// Position and rule.
fn fault(text: &[u8]) -> (Option<usize>, &'static str) {
    match decode(text, 100) {
        Err(StageError::Malformed { at, cause, .. }) => (at, cause),
        other => panic!("{other:?} for {}", text.escape_ascii()),
    }
}

#[test]
fn texts_of_other_encoders_are_taken() {
    assert_eq!(decode(b"G@>T)EW", 100).unwrap(), b"water");
    assert_eq!(decode(b"s8W-!", 100).unwrap(), [0xff; 4]);
    assert_eq!(decode(b"z@:B", 100).unwrap(), b"\0\0\0\0ab");
    assert_eq!(decode(b"!!!!!", 100).unwrap(), [0; 4]);
    // Here the text before it has freed the room that the `z` needs, and nothing is copied.
    let text = [b"G@>T)G@>T)G@>T)".as_slice(), b"z!!"].concat();
    assert_eq!(decode(&text, 100).unwrap(), b"watewatewate\0\0\0\0\0");
}

#[test]
fn first_fault_is_named() {
    assert_eq!(fault(b"G@>T)G@ T)"), (Some(7), "is no digit"));
    assert_eq!(fault(b"G@z"), (Some(2), "is a `z` inside a group"));
    assert_eq!(fault(b"zG@>z)"), (Some(4), "is a `z` inside a group"));
    assert_eq!(fault(b"s8W-\""), (Some(4), "ends a group above 32 bits"));
    assert_eq!(fault(b"G@>T)G"), (Some(5), "ends a group that no encoder writes"));
    assert_eq!(fault(b"EX"), (Some(1), "ends a group that no encoder writes"));
}

#[test]
fn short_text_of_long_content_stops_at_the_limit() {
    assert_eq!(decode(&[b'z'; 25], 100).unwrap(), [0; 100]);
    let error = decode(&[b'z'; 26], 100).unwrap_err();
    assert!(matches!(error, StageError::TooLong { limit: 100, .. }), "{error}");
}
