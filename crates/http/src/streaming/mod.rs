//! Bodies that are longer than anyone keeps: replies that are written while they are sent.
//!
//! The future that writes belongs to its connection (ADR 0014). Between the two lies an
//! [`Outflow`](outflow::Outflow), bounded by the limit on queued output: what the client does not
//! read is not made.

mod events;
mod outflow;
mod outgoing;
mod writer;

pub use events::{Event, EventWriter, LastEventId};
pub(crate) use outgoing::{Outgoing, StreamBody};
pub use writer::{BodyWriter, Cut, WriteError};
