//! Bodies that are longer than anyone keeps: requests that are read while they come, and replies
//! that are written while they are sent.
//!
//! The futures that read and write belong to their connection (ADR 0014). Between it and them lie
//! an [`Inflow`](inflow::Inflow) of one window and an [`Outflow`](outflow::Outflow) that is bounded
//! by the limit on queued output: what nobody asks for is not received, and what the client does
//! not read is not made.

mod body_error;
mod events;
mod inflow;
mod outflow;
mod outgoing;
mod reader;
mod source;
mod writer;

pub use body_error::BodyError;
pub(crate) use body_error::stage_status;
pub use events::{Event, EventWriter, LastEventId};
pub(crate) use inflow::SharedInflow;
pub(crate) use outgoing::{Outgoing, StreamBody};
pub use reader::BodyReader;
pub(crate) use source::{Announced, Rest, Source, WINDOW_LEN_MAX};
pub use writer::{BodyWriter, Cut, WriteError};

/// The run between two stages: what a compressor takes at a time, and not much of a ring.
pub(crate) const BETWEEN_LEN: usize = 16 << 10;
