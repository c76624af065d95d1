//! One piece of a queue of bytes: where it is, and what of it is still to be sent.

use std::fmt;
use std::ops::Range;

use crate::lease::Lease;
use crate::sync::Rc;

pub(crate) enum Piece {
    Lease(Lease),
    /// A buffer and how many of its bytes are sent.
    Heap(Vec<u8>, usize),
    Static(&'static [u8]),
    /// Bytes that others hold too, and which of them are unsent.
    Shared(Rc<[u8]>, Range<usize>),
}

impl Piece {
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Lease(lease) => lease.payload(),
            Self::Heap(bytes, sent) => &bytes[*sent..],
            Self::Static(bytes) => bytes,
            Self::Shared(bytes, part) => &bytes[part.start..part.end],
        }
    }

    #[inline]
    pub(crate) fn tailroom(&self) -> usize {
        match self {
            Self::Lease(lease) => lease.tailroom(),
            Self::Heap(..) | Self::Static(_) | Self::Shared(..) => 0,
        }
    }

    /// Makes the first `len` bytes behind the payload part of it, to be written now.
    #[inline(always)]
    pub(crate) fn place(&mut self, len: usize) -> &mut [u8] {
        match self {
            Self::Lease(lease) => lease.run.place(len),
            Self::Heap(bytes, _) => {
                let end = bytes.len();
                bytes.resize(end + len, 0);
                &mut bytes[end..]
            }
            Self::Static(_) | Self::Shared(..) => &mut [],
        }
    }

    pub(crate) fn advance(&mut self, n: usize) {
        match self {
            Self::Lease(lease) => lease.advance(n),
            Self::Heap(_, sent) => *sent += n,
            Self::Static(bytes) => *bytes = &bytes[n..],
            Self::Shared(_, part) => part.start += n,
        }
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lease(lease) => lease.fmt(f),
            Self::Heap(bytes, sent) => write!(f, "Heap({})", bytes.len() - sent),
            Self::Static(bytes) => write!(f, "Static({})", bytes.len()),
            Self::Shared(_, part) => write!(f, "Shared({})", part.len()),
        }
    }
}
