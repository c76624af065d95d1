//! Base64 in place beside the same transform out of place.

#![cfg(feature = "base64")]

use base64_simd::Out;
use waterwheel_ring::{Config, Ring};
use waterwheel_stages::{Chain, StageError, base64::Base64};

const FORMS: [(Base64, &base64_simd::Base64); 4] = [
    (Base64::STANDARD, &base64_simd::STANDARD),
    (Base64::STANDARD_NO_PAD, &base64_simd::STANDARD_NO_PAD),
    (Base64::URL_SAFE, &base64_simd::URL_SAFE),
    (Base64::URL_SAFE_NO_PAD, &base64_simd::URL_SAFE_NO_PAD),
];

/// Every short length, and long ones around what a segment, a record and a body hold.
fn lengths() -> impl Iterator<Item = usize> {
    (0..6000).chain([16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 100_001])
}

fn noise(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(len as u64);
    (0..len).map(|_| random.u8(..)).collect()
}

fn text_of(reference: &base64_simd::Base64, raw: &[u8]) -> Vec<u8> {
    let mut text = vec![0; reference.encoded_length(raw.len())];
    let _ = reference.encode(raw, Out::from_slice(&mut text));
    text
}

#[test]
fn encoding_in_place_equals_encoding_elsewhere() {
    for len in lengths() {
        let raw = noise(len);
        for (form, reference) in FORMS {
            let expected = text_of(reference, &raw);
            assert_eq!(form.encoded_len(len), expected.len());
            let mut bytes = raw.clone();
            bytes.resize(expected.len() + 3, 0xdb);
            assert_eq!(form.encode_in_place(&mut bytes, len), expected.len(), "{form:?} {len}");
            let (text, rest) = bytes.split_at(expected.len());
            assert!(text == expected, "{form:?} {len}");
            assert_eq!(rest, [0xdb; 3], "{form:?} {len}: bytes behind the text changed");
        }
    }
}

#[test]
fn decoding_in_place_gives_the_raw_bytes() {
    for len in lengths() {
        let raw = noise(len);
        for (form, reference) in FORMS {
            let mut text = text_of(reference, &raw);
            let decoded = form.decode_in_place(&mut text).expect("text of the reference");
            assert!(text[..decoded] == raw, "{form:?} {len}");
        }
    }
}

#[test]
#[should_panic(expected = "the caller's to give")]
fn encoding_without_room_is_refused() {
    Base64::STANDARD.encode_in_place(&mut [0; 7], 5);
}

/// Last groups of every length, of symbols with and without spare bits, padding and other bytes, at
/// the end of each of the first pieces.
#[test]
fn last_group_is_accepted_only_when_canonical() {
    let alphabet: Vec<u8> = [b'A', b'B', b'Q', b'g', b'w', b'/', b'_', b'8', b'=', b' ', b'\n', 0]
        .into_iter()
        .chain(b'a'..=b'z')
        .collect();
    for (form, reference) in FORMS {
        for prefix_len in [0, 4, 508, 512, 516, 680, 684, 1024] {
            for symbols in groups(&alphabet) {
                let mut text = vec![b'A'; prefix_len];
                text.extend(&symbols);
                let whole = text.clone();
                let result = form.decode_in_place(&mut text);
                let canonical = result.is_ok_and(|len| text_of(reference, &text[..len]) == whole);
                let expected = reference.check(&whole).is_ok();
                assert_eq!(result.is_ok(), expected, "{form:?} {prefix_len} {symbols:?}");
                assert_eq!(canonical, expected, "{form:?} {prefix_len} {symbols:?}");
            }
        }
    }
}

/// Groups of one to four symbols; of the longer ones, those that begin with a few symbols.
fn groups(alphabet: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let one = alphabet.iter().map(|a| vec![*a]);
    let two = alphabet.iter().flat_map(|a| alphabet.iter().map(|b| vec![*a, *b]));
    let three = pairs(alphabet).map(|[b, c]| vec![b'A', b, c]);
    let four = pairs(alphabet).flat_map(|[c, d]| [vec![b'A', b'Q', c, d], vec![b'=', b'A', c, d]]);
    one.chain(two).chain(three).chain(four)
}

fn pairs(alphabet: &[u8]) -> impl Iterator<Item = [u8; 2]> {
    alphabet.iter().flat_map(|c| alphabet.iter().map(|d| [*c, *d]))
}

#[test]
fn first_byte_at_fault_is_named() {
    for len in [8, 508, 512, 516, 680, 684, 1024, 3000, 65_536] {
        for at in (0..len).step_by(len / 50 + 1).chain([len - 5]) {
            for (form, cause) in [
                (Base64::STANDARD, "is outside the alphabet"),
                (Base64::URL_SAFE_NO_PAD, "is outside the alphabet"),
            ] {
                let mut text = vec![b'A'; len];
                text[at] = b'!';
                text[len - 1] = b'!';
                let fault = form.decode_in_place(&mut text).unwrap_err();
                assert_eq!((fault.at, fault.cause), (Some(at), cause), "{form:?} {len}");
            }
        }
    }
}

#[test]
fn padding_before_the_end_is_refused_wherever_a_piece_ends() {
    for group in 0..1000 {
        let mut text = vec![b'A'; 4004];
        text[4 * group + 3] = b'=';
        let fault = Base64::STANDARD.decode_in_place(&mut text).unwrap_err();
        assert_eq!(fault.at, Some(4 * group + 3));
        assert_eq!(fault.cause, "is padding before the end");
    }
}

#[test]
fn causes_tell_the_rules_apart() {
    let cause = |form: Base64, text: &[u8]| {
        let fault = form.decode_in_place(&mut text.to_vec()).unwrap_err();
        (fault.at, fault.cause)
    };
    let (padded, bare) = (Base64::STANDARD, Base64::STANDARD_NO_PAD);
    assert_eq!(cause(padded, b"QUI"), (None, "length is no multiple of 4"));
    assert_eq!(cause(bare, b"QUJDR"), (Some(4), "is alone in the last group"));
    assert_eq!(cause(padded, b"QR=="), (Some(1), "has spare bits that are not zero"));
    assert_eq!(cause(bare, b"QUJ"), (Some(2), "has spare bits that are not zero"));
    assert_eq!(cause(bare, b"QQ=="), (Some(2), "is padding in a form without it"));
    assert_eq!(cause(padded, b"Q==="), (Some(1), "is padding before the end"));
    assert_eq!(cause(padded, b"===="), (Some(0), "is padding before the end"));
    assert_eq!(cause(padded, b"QU-D"), (Some(2), "is outside the alphabet"));
}

#[test]
fn stage_error_names_stage_and_byte_alone() {
    let mut lease = Ring::new(&Config::default()).unwrap().reserve(1).unwrap();
    lease.append(b"QUJDQUJDQUJDQUJDQ!JD").unwrap();
    let error = Chain::new().then(Base64::STANDARD).inbound(&mut lease).unwrap_err();
    assert_eq!(error.to_string(), "base64: byte 17 is outside the alphabet");
    assert!(matches!(error, StageError::Malformed { at: Some(17), .. }));
}
