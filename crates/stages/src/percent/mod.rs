//! Percent-encoding (RFC 3986 §2.1), decoded and encoded where the bytes lie.

mod code;
mod flow;

pub use crate::percent::code::{Fault, Percent};
