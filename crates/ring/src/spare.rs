//! The runs that were released last, kept aside for the next reservations of their lengths.
//!
//! Owner's thread only. A lease is often dropped shortly before one of the same length is reserved,
//! and then the run, still in the caches, need not go through the map of free segments.

use crate::hand::Taken;
use crate::sync::Cell;

/// One run of one segment and one of several, if any. They are free, though they are not in the map
/// of free segments.
#[derive(Debug)]
pub(crate) struct Spare {
    /// Start of the single segment, or [`NONE`]. On its own, because most leases are one segment:
    /// where two kinds are told apart by an index, its computation delays the next reservation.
    one: Cell<u32>,
    /// Start and end of the longer run; equal while there is none.
    several: Cell<(u32, u32)>,
    segment_len: u32,
}

impl Spare {
    pub(crate) fn new(segment_len: u32) -> Self {
        Self { one: Cell::new(NONE), several: Cell::default(), segment_len }
    }

    /// Takes the single segment.
    #[inline]
    pub(crate) fn take_one(&self) -> Option<Taken> {
        let start = self.one.get();
        if start == NONE {
            return None;
        }
        self.one.set(NONE);
        Some(Taken { start, end: start + self.segment_len })
    }

    /// Keeps the single segment at `start`, unless there is one.
    #[inline]
    pub(crate) fn keep_one(&self, start: u32) -> bool {
        let is_vacant = self.one.get() == NONE;
        if is_vacant {
            self.one.set(start);
        }
        is_vacant
    }

    /// Takes the longer run if it has exactly `len` bytes.
    pub(crate) fn take_several(&self, len: usize) -> Option<Taken> {
        let (start, end) = self.several.get();
        if start == end || (end - start) as usize != len {
            return None;
        }
        self.several.set((0, 0));
        Some(Taken { start, end })
    }

    /// Keeps the segments `start..end`, several, unless there are some.
    pub(crate) fn keep_several(&self, start: u32, end: u32) -> bool {
        let (kept_start, kept_end) = self.several.get();
        let is_vacant = kept_start == kept_end;
        if is_vacant {
            self.several.set((start, end));
        }
        is_vacant
    }

    /// Takes whatever there is.
    pub(crate) fn take_all(&self) -> impl Iterator<Item = Taken> {
        let (start, end) = self.several.take();
        let several = (start < end).then_some(Taken { start, end });
        self.take_one().into_iter().chain(several)
    }

    /// Bytes of what there is.
    pub(crate) fn len(&self) -> usize {
        let (start, end) = self.several.get();
        let one = if self.one.get() == NONE { 0 } else { self.segment_len };
        (end - start + one) as usize
    }
}

/// Past the start of every segment: a region ends at 2 GiB (R1).
const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_segments_serve_only_their_own_length() {
        let spare = Spare::new(64);
        for len in [0, 64, 128] {
            assert_eq!(spare.take_several(len), None);
        }
        assert!(spare.keep_several(64, 192));
        assert!(!spare.keep_several(256, 512), "there is a longer run already");
        for len in [0, 64, 192, usize::MAX] {
            assert_eq!(spare.take_several(len), None, "{len}");
        }
        assert_eq!(spare.take_several(128), Some(Taken { start: 64, end: 192 }));
        assert_eq!((spare.len(), spare.take_several(128)), (0, None));
    }

    #[test]
    fn one_segment_and_several_are_kept_apart() {
        let spare = Spare::new(64);
        assert!(spare.keep_several(64, 192) && spare.keep_one(0) && !spare.keep_one(192));
        assert_eq!(spare.len(), 192);
        assert_eq!(spare.take_one(), Some(Taken { start: 0, end: 64 }));
        assert_eq!(spare.take_all().collect::<Vec<_>>(), [Taken { start: 64, end: 192 }]);
        assert_eq!((spare.len(), spare.take_all().count()), (0, 0));
    }
}
