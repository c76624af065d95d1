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
    /// Byte offsets; those of a run that is not there are both 0. Starts lie apart from ends, or the
    /// compiler reads the two as one word, right after their halves were written, and such a read
    /// waits until both have reached the cache.
    starts: [Cell<u32>; 2],
    ends: [Cell<u32>; 2],
    segment_len: u32,
}

impl Spare {
    pub(crate) fn new(segment_len: u32) -> Self {
        Self { starts: Default::default(), ends: Default::default(), segment_len }
    }

    /// Takes the run that has exactly the segments which `len` bytes need.
    #[inline]
    pub(crate) fn take(&self, len: usize) -> Option<Taken> {
        let at = self.index(len);
        let (start, end) = (self.starts[at].get(), self.ends[at].get());
        let (kept_len, len) = ((end - start) as usize, len.max(1));
        if kept_len < len || kept_len - len >= self.segment_len as usize {
            return None;
        }
        self.starts[at].set(0);
        self.ends[at].set(0);
        Some(Taken { start, end })
    }

    /// Keeps the whole segments `start..end`, unless it has a run like them already.
    #[inline]
    pub(crate) fn keep(&self, start: u32, end: u32) -> bool {
        let at = self.index((end - start) as usize);
        let is_vacant = self.ends[at].get() == 0;
        if is_vacant {
            self.starts[at].set(start);
            self.ends[at].set(end);
        }
        is_vacant
    }

    /// Takes whatever there is.
    pub(crate) fn take_all(&self) -> impl Iterator<Item = Taken> {
        self.starts
            .iter()
            .zip(&self.ends)
            .map(|(start, end)| Taken { start: start.take(), end: end.take() })
            .filter(|taken| taken.start < taken.end)
    }

    /// Bytes of what there is.
    pub(crate) fn len(&self) -> usize {
        let lens = self.starts.iter().zip(&self.ends);
        lens.map(|(start, end)| (end.get() - start.get()) as usize).sum()
    }

    #[inline]
    fn index(&self, len: usize) -> usize {
        usize::from(len > self.segment_len as usize)
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
