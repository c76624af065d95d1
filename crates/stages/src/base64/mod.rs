//! Base64 (RFC 4648), strict and canonical, decoded and encoded where the bytes lie.
//!
//! Four symbols become three bytes and the other way round. Decoding runs from the front, encoding
//! from the back; in both, no byte is overwritten before it was read, and no room is needed beyond
//! the encoded text. The transforms between disjoint pieces are those of `base64-simd`.

mod alphabet;
mod decode;
mod encode;
mod flow;

pub use crate::base64::alphabet::Base64;
pub use crate::base64::decode::Fault;
