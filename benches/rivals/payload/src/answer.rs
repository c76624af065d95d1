//! The answers that no request changes, and the one that is serialised afresh for each.

use serde::Serialize;

/// What `/plaintext` answers.
pub const PLAINTEXT: &str = "Hello, World!";

/// What the routes answer that are about when, not about what.
pub const OK: &str = "ok";

/// What `/` answers.
pub const INDEX: &str = "arena\n";

/// What `/json` serialises.
#[derive(Debug, Serialize)]
pub struct Message {
    message: &'static str,
}

/// The value behind `/json`, for frameworks that serialise themselves.
#[must_use]
pub fn json() -> Message {
    Message { message: PLAINTEXT }
}

/// Appends the answer to `/json`, serialised anew.
///
/// # Panics
/// Never: a struct with one string always serialises, and a vector takes every byte.
pub fn json_into(answer: &mut Vec<u8>) {
    serde_json::to_writer(answer, &json()).expect("a struct with one string serialises");
}
