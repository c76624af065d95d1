//! Runs that a failed stage has written to, kept out of use for a while.
//!
//! Whatever holds on to such a run by mistake then reads zeros, not the next connection's bytes.
//! Knows nothing of bytes: they are wiped before they get here.

use std::collections::VecDeque;

use crate::hand::Taken;
use crate::lease::Lease;
use crate::ring::{Core, Ring};
use crate::sync::{Cell, RefCell};

/// Segments that nobody holds and that are not free either, the longest kept first.
#[derive(Debug)]
pub(crate) struct Quarantine {
    kept: RefCell<VecDeque<Kept>>,
    segment_count: Cell<usize>,
    segment_count_max: usize,
}

#[derive(Debug)]
struct Kept {
    taken: Taken,
    /// The laps of the hand when the run came here.
    laps: u64,
}

impl Quarantine {
    pub(crate) fn new(segment_count: usize) -> Self {
        Self {
            kept: RefCell::new(VecDeque::with_capacity(RUN_COUNT_MAX + 1)),
            segment_count: Cell::new(0),
            segment_count_max: segment_count / RING_SHARE,
        }
    }

    pub(crate) fn segment_count(&self) -> usize {
        self.segment_count.get()
    }

    /// Keeps a run, or returns it if it is too long.
    fn keep(&self, taken: Taken, laps: u64) -> Option<Taken> {
        if taken.count > self.segment_count_max {
            return Some(taken);
        }
        self.segment_count.set(self.segment_count.get() + taken.count);
        self.kept.borrow_mut().push_back(Kept { taken, laps });
        None
    }

    /// The run kept longest, if there are too many or if it came before the hand had made `laps`.
    fn leave(&self, laps: u64) -> Option<Taken> {
        let mut kept = self.kept.borrow_mut();
        let is_over =
            kept.len() > RUN_COUNT_MAX || self.segment_count.get() > self.segment_count_max;
        if !is_over && kept.front()?.laps >= laps {
            return None;
        }
        let taken = kept.pop_front()?.taken;
        self.segment_count.set(self.segment_count.get() - taken.count);
        Some(taken)
    }
}

impl Core {
    /// Gives bytes back, as [`release`](Self::release) does, but keeps the segments for a turn.
    fn quarantine(&self, start: u32, end: u32) {
        let (first, count) = self.freed_by(start, end);
        if count == 0 {
            return;
        }
        if let Some(Taken { first, count }) =
            self.quarantine.keep(Taken { first, count }, self.counters.laps.get())
        {
            self.wheel.give(first, count);
        }
        self.end_quarantine(0);
    }

    /// Frees what was quarantined before the hand had made so many laps; returns whether there was
    /// any.
    #[cold]
    pub(crate) fn end_quarantine(&self, laps: u64) -> bool {
        let before = self.quarantine.segment_count();
        while let Some(Taken { first, count }) = self.quarantine.leave(laps) {
            self.wheel.give(first, count);
        }
        self.quarantine.segment_count() < before
    }
}

impl Lease {
    /// Gives the whole run up after a stage has failed on it. Every byte is wiped, whatever the
    /// ring wipes otherwise, also those that were written and not counted. Its segments are leased
    /// again only after the hand has passed over them once, unless the ring has nothing else to
    /// give or sixteen later runs came here; a segment that another lease touches is released with
    /// that. The lease stays, without capacity.
    pub fn quarantine(&mut self) {
        let mut run = self.run.take();
        run.wipe_all();
        let (start, end) = run.release();
        self.core.quarantine(start, end);
    }
}

impl Ring {
    /// Segments in [quarantine](Lease::quarantine). They are not leased, and free when nothing else
    /// is.
    #[must_use]
    pub fn quarantined(&self) -> usize {
        self.core.quarantine.segment_count()
    }
}

/// Enough for the failures of one turn; fixed, so that nothing is allocated later.
const RUN_COUNT_MAX: usize = 16;

/// A flood of failures takes no more than this part of the ring out of use.
const RING_SHARE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Wipe};

    fn ring(segment_count: usize) -> Ring {
        let config = Config { segment_len: 64, segment_count, wipe: Wipe::Never };
        Ring::new(&config).unwrap()
    }

    fn room(lease: &mut Lease) -> Vec<u8> {
        let mut seen = Vec::new();
        let look = |room: &mut [u8]| {
            seen = room.to_vec();
            Ok::<_, ()>(0)
        };
        lease.append_with(look).unwrap();
        seen
    }

    /// Leases 13 single segments, one after the other, and returns their addresses.
    fn round(ring: &Ring) -> Vec<usize> {
        let leases: Vec<_> = (0..13).map(|_| ring.reserve(1).unwrap()).collect();
        leases.iter().map(Lease::address).collect()
    }

    #[test]
    fn quarantined_run_is_passed_over_once() {
        let ring = ring(16);
        let mut failed = ring.reserve(2).unwrap();
        let address = failed.address();
        let held = ring.reserve(1).unwrap();
        failed.quarantine();
        assert_eq!((failed.capacity(), ring.leased(), ring.quarantined()), (0, 1, 2));
        // The rest of the lap in which it came, a whole lap, and the end of that.
        for _ in 0..3 {
            assert!(!round(&ring).contains(&address));
        }
        assert_eq!((ring.stats().laps, ring.quarantined()), (2, 0));
        assert!(round(&ring).contains(&address));
        drop(held);
        assert_eq!(ring.leased(), 0);
    }

    #[test]
    fn all_of_a_quarantined_run_is_wiped() {
        let ring = ring(8);
        let mut failed = ring.reserve(1).unwrap();
        let address = failed.address();
        let fill = |room: &mut [u8]| {
            room.fill(7);
            Ok::<_, ()>(3)
        };
        failed.append_with(fill).unwrap();
        failed.quarantine();
        let mut all = ring.reserve(8).unwrap();
        assert_eq!(all.address(), address, "a full ring ends the quarantine");
        assert!(!room(&mut all).contains(&7));
    }

    #[test]
    fn flood_of_failures_keeps_an_eighth_of_the_ring() {
        let ring = ring(256);
        for _ in 0..40 {
            ring.reserve(3).unwrap().quarantine();
            assert!(ring.quarantined() <= 32 && ring.leased() == 0);
        }
        for _ in 0..40 {
            ring.reserve(1).unwrap().quarantine();
        }
        assert_eq!(ring.quarantined(), RUN_COUNT_MAX);
        ring.reserve(33).unwrap().quarantine();
        assert_eq!(ring.quarantined(), RUN_COUNT_MAX, "a run too long for it goes free at once");
        assert_eq!(ring.reserve_scattered(256 * 64).unwrap().segment_count(), 256);
    }

    #[test]
    fn shared_segment_leaves_with_its_other_part() {
        let ring = ring(16);
        let mut front = ring.reserve(2).unwrap();
        front.append(&[1; 100]).unwrap();
        let mut back = front.split_off(70);
        back.quarantine();
        assert_eq!((front.payload(), ring.leased(), ring.quarantined()), (&[1; 70][..], 2, 0));
        front.quarantine();
        assert_eq!((ring.leased(), ring.quarantined()), (0, 2));
    }
}
