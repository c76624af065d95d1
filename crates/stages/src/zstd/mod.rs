//! Zstandard (RFC 8878), as HTTP uses it (RFC 9659).
//!
//! Inbound a body is decompressed from run to run, or over itself where that needs fewer segments;
//! outbound it is compressed from run to run. The work is that of the reference library; the frame
//! headers, which say how much memory a frame may claim, are judged here before it sees them.

mod compress;
mod decompress;
mod frame;
#[expect(unsafe_code, reason = "the library's safe interface has no form for overlapping buffers")]
mod overlap;
mod stage;

pub use crate::zstd::stage::Zstd;
