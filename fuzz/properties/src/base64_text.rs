//! Base64 in place does what another library does elsewhere, for any text and any bytes.
//!
//! First byte: the form.

use base64::Engine as _;
use base64::alphabet::{self, Alphabet};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use waterwheel_stages::base64::Base64;

use crate::split_choice;

/// See the module.
pub fn base64_text(data: &[u8]) {
    let (choice, bytes) = split_choice(data);
    let (form, engine) = form(choice);
    let mut text = bytes.to_vec();
    match (form.decode_in_place(&mut text), engine.decode(bytes)) {
        (Ok(len), Ok(raw)) => assert_eq!(text[..len], raw),
        (Err(fault), Err(_)) => assert!(fault.at.is_none_or(|at| at < bytes.len())),
        (ours, theirs) => panic!("{form:?}: {ours:?}, elsewhere {theirs:?}"),
    }

    let expected = engine.encode(bytes);
    let encoded_len = form.encoded_len(bytes.len());
    let mut room = bytes.to_vec();
    room.resize(encoded_len + GUARD.len(), 0);
    room[encoded_len..].copy_from_slice(GUARD);
    assert_eq!(form.encode_in_place(&mut room, bytes.len()), encoded_len);
    let (text, guard) = room.split_at(encoded_len);
    assert!(text == expected.as_bytes() && guard == GUARD, "{form:?}: encoding differs");
}

/// One of the four forms, ours and the other library's.
pub(crate) fn form(choice: u8) -> (Base64, GeneralPurpose) {
    let (form, alphabet, padded) = match choice % 4 {
        0 => (Base64::STANDARD, &alphabet::STANDARD, true),
        1 => (Base64::STANDARD_NO_PAD, &alphabet::STANDARD, false),
        2 => (Base64::URL_SAFE, &alphabet::URL_SAFE, true),
        _ => (Base64::URL_SAFE_NO_PAD, &alphabet::URL_SAFE, false),
    };
    (form, engine(alphabet, padded))
}

/// Strict, as ours is: canonical padding or none, and no spare bits.
fn engine(alphabet: &Alphabet, padded: bool) -> GeneralPurpose {
    let mode =
        if padded { DecodePaddingMode::RequireCanonical } else { DecodePaddingMode::RequireNone };
    let config =
        GeneralPurposeConfig::new().with_encode_padding(padded).with_decode_padding_mode(mode);
    GeneralPurpose::new(alphabet, config)
}

const GUARD: &[u8] = b"guard";
