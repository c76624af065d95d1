//! JSON (RFC 8259): values read from where they were received, and written where they are sent.

mod read;
mod write;

pub use crate::json::read::{ReadError, read};
pub use crate::json::write::{WriteError, write};
