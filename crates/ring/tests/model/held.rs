//! What the model expects of one lease, and of segments.

use waterwheel_ring::Lease;

use crate::{SEGMENT, SEGMENT_COUNT_MAX};

/// A lease and what the model expects of it. `bytes` is the whole run: `None` where this lease has
/// not written and growing must therefore show zero.
pub(crate) struct Held {
    pub(crate) lease: Lease,
    pub(crate) start: usize,
    pub(crate) bytes: Vec<Option<u8>>,
    pub(crate) head: usize,
    pub(crate) tail: usize,
}

/// What the model keeps of a lease while it travels.
pub(crate) struct Away {
    pub(crate) start: usize,
    pub(crate) bytes: Vec<Option<u8>>,
    pub(crate) head: usize,
    pub(crate) tail: usize,
}

impl Held {
    pub(crate) fn fresh(lease: Lease, base: usize) -> Self {
        let start = lease.address() - base;
        assert!(lease.is_empty() && lease.headroom() == 0);
        let bytes = vec![None; lease.capacity()];
        Self { lease, start, bytes, head: 0, tail: 0 }
    }

    pub(crate) fn end(&self) -> usize {
        self.start + self.bytes.len()
    }

    pub(crate) fn segments(&self) -> Segments {
        Segments::of(self.start, self.bytes.len())
    }

    pub(crate) fn expected(&self) -> Vec<u8> {
        self.bytes[self.head..self.tail].iter().map(|byte| byte.unwrap_or(0)).collect()
    }

    /// What is shown has been zeroed, if it was not written.
    pub(crate) fn show(&mut self, from: usize, to: usize) {
        for byte in &mut self.bytes[from..to] {
            byte.get_or_insert(0);
        }
    }

    pub(crate) fn check(&self, base: usize) {
        assert_eq!(self.lease.address() - base, self.start + self.head);
        assert_eq!(self.lease.capacity(), self.bytes.len());
        assert_eq!(self.lease.headroom(), self.head);
        assert_eq!(self.lease.tailroom(), self.bytes.len() - self.tail);
        assert_eq!(self.lease.payload(), self.expected());
    }
}

/// A set of segments.
#[derive(Clone, Copy, Default)]
pub(crate) struct Segments([u64; SEGMENT_COUNT_MAX / 64]);

impl Segments {
    /// The segments that so many bytes from `start` on touch.
    pub(crate) fn of(start: usize, len: usize) -> Self {
        let mut segments = Self::default();
        if len > 0 {
            for at in start / SEGMENT..=(start + len - 1) / SEGMENT {
                segments.0[at / 64] |= 1 << (at % 64);
            }
        }
        segments
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    pub(crate) fn remove(&mut self, other: Self) {
        for (word, less) in self.0.iter_mut().zip(other.0) {
            *word &= !less;
        }
    }

    pub(crate) fn contains(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    pub(crate) fn meets(&self, other: Self) -> bool {
        self.0.iter().zip(other.0).any(|(mine, theirs)| mine & theirs != 0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}
