//! Bytes to be written to a file.

use waterwheel_reactor::disk::{Buffer, HeapBuffer};
use waterwheel_ring::Lease;

use super::buffer::RunBuffer;

/// Bytes to be written to a file, from wherever they are.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "bytes are on the heap or in the ring")]
pub enum Bytes {
    /// On the heap.
    Heap(Vec<u8>),
    /// The payload of a lease: a request's body goes to the file from where it was received.
    Run(Lease),
}

impl Bytes {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Run(lease) => lease.payload(),
        }
    }

    /// For the disk to keep while it writes.
    pub(super) fn into_buffer(self) -> Box<dyn Buffer> {
        match self {
            Self::Heap(bytes) => Box::new(HeapBuffer::holding(bytes)),
            Self::Run(lease) => match lease.into_remote() {
                Ok(lease) => Box::new(RunBuffer::new(lease, 0)),
                // It shares a segment with another lease, and so cannot travel.
                Err(lease) => Box::new(HeapBuffer::holding(lease.payload().to_vec())),
            },
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Heap(bytes)
    }
}

impl From<String> for Bytes {
    fn from(text: String) -> Self {
        Self::Heap(text.into_bytes())
    }
}

/// A copy.
impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self::Heap(bytes.to_vec())
    }
}

/// A copy.
impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        Self::Heap(text.as_bytes().to_vec())
    }
}

impl From<Lease> for Bytes {
    fn from(lease: Lease) -> Self {
        Self::Run(lease)
    }
}
