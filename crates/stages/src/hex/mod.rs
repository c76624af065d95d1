//! Hexadecimal (RFC 4648 §8), decoded and encoded where the bytes lie.
//!
//! Two digits become one byte and the other way round. Decoding runs from the front, encoding from
//! the back, as for Base64; the transforms between disjoint pieces are those of `hex-simd`.

mod digits;
mod in_place;

pub use crate::hex::digits::{Fault, Hex};
