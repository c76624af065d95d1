//! The content of a reply, where it already is.

use std::ops::Range;
use std::rc::Rc;

use waterwheel_ring::{Lease, Runs};

/// A reply's content. Nothing here is copied before it is clear that it must be.
#[derive(Debug, Default)]
pub(crate) enum Body {
    #[default]
    Empty,
    /// Part of the program.
    Static(&'static [u8]),
    /// Made by the handler on the heap.
    Heap(Vec<u8>),
    /// A part of bytes that a cache keeps, and where it begins and ends.
    Shared(Rc<[u8]>, Range<usize>),
    /// In the ring: the request's own bytes, or a run that the reply reserved.
    Run(Lease),
}

impl Body {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes().len()
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Static(bytes) => bytes,
            Self::Heap(bytes) => bytes,
            Self::Shared(bytes, part) => &bytes[part.start..part.end],
            Self::Run(lease) => lease.payload(),
        }
    }

    /// Whether it is sent from where it is. Shorter content is copied behind its head.
    #[inline]
    pub(crate) fn goes_apart(&self) -> bool {
        match self {
            Self::Empty => false,
            Self::Static(bytes) => bytes.len() > MERGED_LEN_MAX,
            Self::Heap(bytes) => bytes.len() > MERGED_LEN_MAX,
            Self::Shared(_, part) => part.len() > MERGED_LEN_MAX,
            Self::Run(_) => true,
        }
    }

    /// Queues the content as a piece of its own.
    pub(crate) fn queue(self, outbound: &mut Runs) {
        match self {
            Self::Empty => {}
            Self::Static(bytes) => outbound.push_static(bytes),
            Self::Heap(bytes) => outbound.push_heap(bytes),
            Self::Shared(bytes, part) => outbound.push_shared(bytes, part),
            Self::Run(lease) => outbound.push(lease),
        }
    }
}

/// A piece of a vectored write costs about as much as copying 1 KiB.
const MERGED_LEN_MAX: usize = 1024;
