//! Segments that several leases touch, because one was split inside them (R5).

use super::{Core, touched};
use crate::seeded::{self, Bug};

impl Core {
    /// First and count of the segments that nobody touches any more when these bytes are given up.
    pub(crate) fn freed_by(&self, start: u32, end: u32) -> (usize, usize) {
        let (mut first, count) = touched(start, end, self.segment_shift);
        if count == 0 {
            return (0, 0);
        }
        let mut last = first + count - 1;
        // Both ends in one segment are one lease on it, not two.
        if count > 1 && self.unshare(last) {
            last -= 1;
        }
        if self.unshare(first) {
            first += 1;
        }
        (first, (last + 1).saturating_sub(first))
    }

    /// Takes one lease off a segment that several touch; `false` if only one does.
    fn unshare(&self, segment: usize) -> bool {
        let sharers = &self.sharers[segment];
        let shared = sharers.get() > 0;
        if shared {
            sharers.set(sharers.get() - 1);
        }
        shared
    }

    /// Counts the segment at the border of two runs, just split, twice.
    #[inline]
    pub(crate) fn share_border(&self, front: (u32, u32), back: (u32, u32)) {
        if let Some(segment) = self.shared_segment(front, back)
            && !seeded::is(Bug::SplitUncounted)
        {
            let sharers = &self.sharers[segment];
            sharers.set(sharers.get() + 1);
        }
    }

    /// Counts the segment at the border of two runs, about to be joined, once.
    pub(crate) fn unshare_border(&self, front: (u32, u32), back: (u32, u32)) {
        if let Some(segment) = self.shared_segment(front, back) {
            let counted = self.unshare(segment);
            debug_assert!(counted, "R5: a segment of two leases is counted twice");
        }
    }

    #[inline]
    fn shared_segment(&self, front: (u32, u32), back: (u32, u32)) -> Option<usize> {
        let border = back.0;
        let inside = border & self.inside_segment != 0;
        // A run without bytes touches no segment.
        let both = front.0 < border && border < back.1;
        (inside && both).then_some(border as usize >> self.segment_shift)
    }

    /// Whether another lease touches the first or last segment of these bytes.
    pub(crate) fn is_shared(&self, (start, end): (u32, u32)) -> bool {
        let (first, count) = touched(start, end, self.segment_shift);
        count > 0 && (self.sharers[first].get() > 0 || self.sharers[first + count - 1].get() > 0)
    }
}
