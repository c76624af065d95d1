//! Reading the head of a request: request line, fields, and what they say about framing.
//!
//! Nothing here allocates, blocks or keeps state beyond [`HeadScan`]. A head is either understood
//! in exactly one way or refused; it is never repaired.

mod authority;
pub(crate) mod charset;
mod error;
mod fault;
mod head;
mod header_block;
mod notes;
mod outline;
mod request_line;
mod scan;
mod status_head;

pub use error::HeadError;
pub use head::{Head, parse_head};
pub use header_block::{FIELD_SLOT_COUNT, HeaderSlots, Headers, HeadersIter};
use notes::Notes;
pub(crate) use notes::Single;
pub(crate) use outline::Outline;
pub use request_line::{METHOD_LEN_MAX, Method, Target, Version};
pub use scan::HeadScan;
pub use status_head::{StatusHead, StatusHeadError, parse_status_head};

/// Why the parser stopped before the end of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The bytes end here; so far nothing is wrong.
    Partial,
    /// The bytes cannot become a head; `fault` finds out why.
    Fault,
    /// The bytes are a head, but one that is refused.
    Judged(HeadError),
}
