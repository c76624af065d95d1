//! Runs that a failed stage has written to, kept out of use for a while.
//!
//! Whatever holds on to such a run by mistake then reads zeros, not the next connection's bytes.
//! Knows nothing of bytes: they are wiped before they get here.

use std::collections::VecDeque;

use crate::lease::Lease;
use crate::ring::{Core, Ring};
use crate::sync::{Cell, RefCell};

/// Segments that nobody holds and that are not free either.
#[derive(Debug)]
pub(crate) struct Quarantine {
    /// First and count of each run, the longest kept in front.
    kept: RefCell<VecDeque<(usize, usize)>>,
    segment_count: Cell<usize>,
    segment_count_max: usize,
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

    fn keep(&self, first: usize, count: usize) {
        self.segment_count.set(self.segment_count.get() + count);
        self.kept.borrow_mut().push_back((first, count));
    }

    fn is_over(&self) -> bool {
        let run_count = self.kept.borrow().len();
        run_count > RUN_COUNT_MAX || self.segment_count.get() > self.segment_count_max
    }

    /// Takes the run that was kept longest.
    fn leave(&self) -> Option<(usize, usize)> {
        let (first, count) = self.kept.borrow_mut().pop_front()?;
        self.segment_count.set(self.segment_count.get() - count);
        Some((first, count))
    }
}

impl Core {
    /// Gives bytes back, as [`release`](Self::release) does, but keeps their segments out of use.
    fn quarantine(&self, start: u32, end: u32) {
        let (first, count) = self.freed_by(start, end);
        // One that is too long would only drive the others out.
        if count > self.quarantine.segment_count_max {
            return self.wheel.give(first, count);
        }
        if count > 0 {
            self.quarantine.keep(first, count);
        }
        while self.quarantine.is_over()
            && let Some((first, count)) = self.quarantine.leave()
        {
            self.wheel.give(first, count);
        }
    }

    /// Frees what is quarantined and returns whether there was any: nothing else is free.
    #[cold]
    pub(crate) fn end_quarantine(&self) -> bool {
        let was_any = self.quarantine.segment_count() > 0;
        while let Some((first, count)) = self.quarantine.leave() {
            self.wheel.give(first, count);
        }
        was_any
    }
}

impl Lease {
    /// Gives the whole run up after a stage has failed on it. Every byte is wiped, whatever the
    /// ring wipes otherwise, also those that were written and not counted. Its segments are leased
    /// again only when sixteen later runs or an eighth of the ring came here, or when the ring has
    /// nothing else to give; a segment that another lease touches is released with that. The lease
    /// stays, without capacity.
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

/// Fixed, so that nothing is allocated later.
const RUN_COUNT_MAX: usize = 16;

/// A flood of failures takes no more than this part of the ring out of use.
const RING_SHARE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Wipe};

    fn ring(segment_count: usize) -> Ring {
        let config =
            Config { segment_len: 64, segment_count, wipe: Wipe::Never, ..Config::default() };
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

    #[test]
    fn quarantined_run_is_passed_over() {
        let ring = ring(64);
        let mut failed = ring.reserve(2).unwrap();
        let address = failed.address();
        failed.quarantine();
        assert_eq!((failed.capacity(), ring.leased(), ring.quarantined()), (0, 0, 2));
        for _ in 0..100 {
            assert_ne!(ring.reserve(2).unwrap().address(), address);
        }
        // More than an eighth of the ring: the oldest has to go.
        ring.reserve(7).unwrap().quarantine();
        assert_eq!((ring.quarantined(), ring.reserve(3).unwrap().address() == address), (7, false));
        assert_eq!(ring.reserve(2).unwrap().address(), address);
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
