//! UTF-8 (RFC 3629): bodies that are text, or are refused.

mod flow;
mod validate;

pub use crate::utf8::validate::Utf8;
