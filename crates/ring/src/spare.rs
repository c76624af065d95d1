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
    one: Kept,
    several: Kept,
    segment_len: u32,
}

/// Byte offsets of the start and the end of a run; equal while there is none.
type Kept = Cell<(u32, u32)>;

impl Spare {
    pub(crate) fn new(segment_len: u32) -> Self {
        Self { one: Cell::default(), several: Cell::default(), segment_len }
    }

    /// Takes the run that has exactly the segments which `len` bytes need.
    #[inline]
    pub(crate) fn take(&self, len: usize) -> Option<Taken> {
        let kept = self.kept(len);
        let (start, end) = kept.get();
        let kept_len = (end - start) as usize;
        if kept_len < len.max(1) || kept_len - len.max(1) >= self.segment_len as usize {
            return None;
        }
        kept.set((0, 0));
        Some(Taken { start, end })
    }

    /// Keeps the whole segments `start..end`, unless it has a run like them already.
    #[inline]
    pub(crate) fn keep(&self, start: u32, end: u32) -> bool {
        let kept = self.kept((end - start) as usize);
        let (kept_start, kept_end) = kept.get();
        let is_vacant = kept_start == kept_end;
        if is_vacant {
            kept.set((start, end));
        }
        is_vacant
    }

    /// Takes whatever there is.
    pub(crate) fn take_all(&self) -> impl Iterator<Item = Taken> {
        let kept = [self.one.take(), self.several.take()];
        kept.into_iter().filter(|(start, end)| start < end).map(|(start, end)| Taken { start, end })
    }

    /// Bytes of what there is.
    pub(crate) fn len(&self) -> usize {
        let len = |kept: &Kept| (kept.get().1 - kept.get().0) as usize;
        len(&self.one) + len(&self.several)
    }

    #[inline]
    fn kept(&self, len: usize) -> &Kept {
        if len <= self.segment_len as usize { &self.one } else { &self.several }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_serves_only_what_needs_exactly_its_segments() {
        let spare = Spare::new(64);
        for len in [0, 1, 64, 65, usize::MAX] {
            assert!(spare.take(len).is_none());
        }
        assert!(spare.keep(64, 192));
        assert!(!spare.keep(256, 512), "there is a longer run already");
        for len in [0, 1, 64, 129, usize::MAX] {
            assert_eq!(spare.take(len), None, "{len}");
        }
        for len in [65, 128] {
            assert_eq!(spare.take(len), Some(Taken { start: 64, end: 192 }), "{len}");
            assert_eq!((spare.len(), spare.take(len)), (0, None));
            assert!(spare.keep(64, 192));
        }
    }

    #[test]
    fn one_segment_and_several_are_kept_apart() {
        let spare = Spare::new(64);
        assert!(spare.keep(64, 192) && spare.keep(0, 64) && !spare.keep(192, 256));
        assert_eq!(spare.len(), 192);
        assert_eq!(spare.take(0), Some(Taken { start: 0, end: 64 }), "no bytes are one segment");
        assert_eq!(spare.take_all().collect::<Vec<_>>(), [Taken { start: 64, end: 192 }]);
        assert_eq!((spare.len(), spare.take_all().count()), (0, 0));
    }
}
