//! The content of a reply, where it already is.

use waterwheel_ring::Lease;

/// A reply's content. Nothing here is copied before it is clear that it must be.
#[derive(Debug, Default)]
pub(crate) enum Body {
    #[default]
    Empty,
    /// Part of the program.
    Static(&'static [u8]),
    /// Made by the handler on the heap.
    Heap(Vec<u8>),
    /// In the ring: the request's own bytes, or a run that the reply reserved.
    Run(Lease),
}

impl Body {
    pub(crate) fn len(&self) -> usize {
        self.bytes().len()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Static(bytes) => bytes,
            Self::Heap(bytes) => bytes,
            Self::Run(lease) => lease.payload(),
        }
    }
}
