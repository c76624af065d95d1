//! Where a body ends, and taking the chunked coding off it in place.

mod chunk_line;
mod chunked;
mod content_length;
mod error;
mod framing;
mod trailer;

pub use chunked::{Chunked, ChunkedProgress, ChunkedWindow, DiscardProgress};
pub use error::ChunkError;
pub use framing::Framing;
