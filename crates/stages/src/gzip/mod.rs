//! The deflate algorithm (RFC 1951) in the two wrappers that HTTP knows: `gzip` (RFC 1952), and
//! `deflate`, which means zlib (RFC 1950, RFC 9110 §8.4.1).
//!
//! How much a body becomes is known at its end only, so it flows from run to run, under a limit.

mod compress;
mod decompress;
mod member;
mod stage;

pub use crate::gzip::stage::{Deflate, Gzip};
