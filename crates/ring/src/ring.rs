//! The ring of one worker: reserve, receive, collect.
//!
//! `Core` is what a ring and its leases share on the owner's thread, `Shared` what they share with
//! leases on other threads.

use std::fmt::{self, Write as _};

use crate::config::Config;
use crate::error::{BuildError, Full};
use crate::hand::{Passed, Taken, Wheel};
use crate::lease::Lease;
use crate::quarantine::Quarantine;
use crate::region::{Base, Region};
use crate::remote::{RemoteLease, Shared};
use crate::run::{Run, offset};
use crate::seeded::{self, Bug};
use crate::stats::{Counters, Stats, add};
use crate::sync::{Arc, Cell, Rc};
use crate::wipe::Wipe;

/// The segments of one worker.
///
/// A ring and its leases stay on one thread. Dropping the ring before its leases is fine: the
/// memory lives until the last one is gone.
pub struct Ring {
    pub(crate) core: Rc<Core>,
}

impl Ring {
    /// Maps the memory of a ring.
    ///
    /// # Errors
    /// [`BuildError`] when the configuration is out of bounds or the system refuses the memory.
    pub fn new(config: &Config) -> Result<Self, BuildError> {
        let capacity = config.capacity()?;
        let region = Region::new(capacity).map_err(BuildError::Map)?;
        let segment_shift = config.segment_len.ilog2();
        let wipe = config.wipe == Wipe::OnRelease;
        let core = Core {
            wheel: Wheel::new(config.segment_count),
            base: region.base(),
            segment_shift,
            inside_segment: offset(config.segment_len - 1),
            wipe,
            segment_count: config.segment_count,
            sharers: (0..config.segment_count).map(|_| Cell::new(0)).collect(),
            counters: Counters::default(),
            quarantine: Quarantine::new(config.segment_count),
            shared: Arc::new(Shared::new(region, config.segment_count, segment_shift, wipe)),
        };
        Ok(Self { core: Rc::new(core) })
    }

    /// Leases `segment_count` contiguous segments, found from the hand onwards; 0 is treated as 1.
    ///
    /// # Errors
    /// [`Full`] when there is no such run. It never waits.
    #[inline]
    pub fn reserve(&self, segment_count: usize) -> Result<Lease, Full> {
        if self.core.shared.returns.any() {
            self.core.collect_returns();
        }
        match self.core.wheel.take_at_hand(segment_count) {
            Some(taken) => {
                self.core.reserved();
                Ok(Lease::over(&self.core, taken))
            }
            None => self.reserve_by_search(segment_count.max(1)),
        }
    }

    /// Leases the contiguous segments that `len` bytes need.
    ///
    /// # Errors
    /// As [`reserve`](Self::reserve).
    #[inline]
    pub fn reserve_bytes(&self, len: usize) -> Result<Lease, Full> {
        self.reserve(self.core.segments_for(len))
    }

    /// Takes back what other threads have released and returns how many segments that were.
    /// Reservations do this by themselves.
    pub fn collect_returns(&self) -> usize {
        self.core.collect_returns()
    }

    /// Takes a lease home from its journey.
    ///
    /// # Errors
    /// The lease itself, when it belongs to another ring.
    pub fn receive(&self, mut remote: RemoteLease) -> Result<Lease, RemoteLease> {
        if !Arc::ptr_eq(&remote.shared, &self.core.shared) {
            return Err(remote);
        }
        Ok(Lease { core: Rc::clone(&self.core), run: remote.run.take() })
    }

    /// Bytes of one segment.
    #[must_use]
    pub fn segment_len(&self) -> usize {
        1 << self.core.segment_shift
    }

    /// Segments of the ring.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.core.segment_count
    }

    /// Bytes of the ring.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.core.segment_count << self.core.segment_shift
    }

    /// Leased segments, those that other threads have released and nobody has collected yet
    /// included.
    #[must_use]
    pub fn leased(&self) -> usize {
        self.core.wheel.leased() - self.core.quarantine.segment_count()
    }

    /// What the ring has counted so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core.counters.stats(self.leased())
    }

    /// Counts a copy of `len` payload bytes that a caller made inside a lease's payload by itself,
    /// so that [`Stats::copies`] tells of all copies. Nothing is counted for no bytes.
    pub fn count_copy(&self, len: usize) {
        if len > 0 {
            self.core.counters.copied(len);
        }
    }

    #[inline(never)]
    fn reserve_by_search(&self, segment_count: usize) -> Result<Lease, Full> {
        let core = &self.core;
        let mut found = core.wheel.take(segment_count);
        if found.is_none() && core.end_quarantine(u64::MAX) {
            found = core.wheel.take(segment_count);
        }
        let Some((taken, passed)) = found else { return Err(core.full(segment_count)) };
        match passed {
            Passed::Nothing => {}
            Passed::Leased => add(&core.counters.skips, 1),
            Passed::End => {
                core.end_quarantine(core.counters.laps.get());
                add(&core.counters.laps, 1);
            }
        }
        core.reserved();
        Ok(Lease::over(core, taken))
    }
}

impl fmt::Debug for Ring {
    /// Draws at most 64 cells: `.` for free, `#` for leased, `+` where a cell is partly leased.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, len) = (self.segment_count(), self.segment_len());
        let wheel = &self.core.wheel;
        let (leased, hand) = (wheel.leased(), wheel.hand());
        write!(f, "Ring {{ {count} x {len} B, leased {leased}, hand {hand}, [")?;
        let cell = count.div_ceil(DEBUG_CELLS);
        for first in (0..count).step_by(cell) {
            f.write_char(match wheel.leased_in(first, cell) {
                0 => '.',
                leased if leased == cell => '#',
                _ => '+',
            })?;
        }
        f.write_str("] }")
    }
}

/// What a ring and its leases share on their thread.
pub(crate) struct Core {
    pub(crate) wheel: Wheel,
    /// Of the region in `shared`.
    pub(crate) base: Base,
    segment_shift: u32,
    /// Mask of the offsets inside one segment.
    inside_segment: u32,
    pub(crate) wipe: bool,
    segment_count: usize,
    /// For each segment, how many leases beyond the first touch it (R5).
    sharers: Box<[Cell<u32>]>,
    pub(crate) counters: Counters,
    pub(crate) quarantine: Quarantine,
    /// After `base`, whose memory it keeps alive.
    pub(crate) shared: Arc<Shared>,
}

impl Core {
    #[inline]
    pub(crate) fn byte_range(&self, taken: &Taken) -> (u32, u32) {
        let start = taken.first << self.segment_shift;
        let end = (taken.first + taken.count) << self.segment_shift;
        (offset(start), offset(end))
    }

    /// First and count of the segments that a run touches.
    pub(crate) fn touched(&self, run: &Run) -> (usize, usize) {
        let (start, end) = run.bounds();
        touched(start, end, self.segment_shift)
    }

    /// Where the segment ends that has the byte in front of `at`; `at` itself on a border.
    pub(crate) fn segment_end(&self, at: u32) -> u32 {
        at.next_multiple_of(1 << self.segment_shift)
    }

    #[inline]
    pub(crate) fn segments_for(&self, len: usize) -> usize {
        len.div_ceil(1 << self.segment_shift)
    }

    /// Counts a reservation that has just succeeded.
    #[inline]
    pub(crate) fn reserved(&self) {
        add(&self.counters.reservations, 1);
        self.note_leased();
    }

    #[inline]
    fn note_leased(&self) {
        let leased = self.wheel.leased();
        if leased > self.counters.leased_max.get() {
            self.counters.leased_max.set(leased);
        }
    }

    /// Counts and describes a reservation that found no room.
    #[cold]
    pub(crate) fn full(&self, asked: usize) -> Full {
        add(&self.counters.full, 1);
        Full::new(asked, self.wheel.free_count())
    }

    /// Takes the segments from byte `end` on, which must be a segment's first.
    pub(crate) fn take_behind(&self, end: u32, count: usize) -> Option<Taken> {
        if self.segment_end(end) != end {
            return None;
        }
        if self.shared.returns.any() {
            self.collect_returns();
        }
        let taken = self.wheel.take_exact(end as usize >> self.segment_shift, count)?;
        self.note_leased();
        Some(taken)
    }

    /// Gives the bytes `start..end` back and returns how many segments became free. A segment that
    /// another lease touches stays leased.
    #[inline]
    pub(crate) fn release(&self, start: u32, end: u32) -> usize {
        if (start | end) & self.inside_segment != 0 {
            return self.release_at_borders(start, end);
        }
        let count = (end - start) as usize >> self.segment_shift;
        if count > 0 {
            self.wheel.give(start as usize >> self.segment_shift, count);
        }
        count
    }

    #[inline(never)]
    fn release_at_borders(&self, start: u32, end: u32) -> usize {
        let (first, count) = self.freed_by(start, end);
        if count > 0 {
            self.wheel.give(first, count);
        }
        count
    }

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

    /// Whether the range is one whole segment that only one lease touches.
    #[inline]
    pub(crate) fn is_one_segment(&self, (start, end): (u32, u32)) -> bool {
        end - start == self.inside_segment + 1 && start & self.inside_segment == 0
    }

    /// Whether another lease touches the first or last segment of these bytes.
    pub(crate) fn is_shared(&self, (start, end): (u32, u32)) -> bool {
        let (first, count) = touched(start, end, self.segment_shift);
        count > 0 && (self.sharers[first].get() > 0 || self.sharers[first + count - 1].get() > 0)
    }

    #[cold]
    pub(crate) fn collect_returns(&self) -> usize {
        let mut returned = 0;
        self.shared
            .returns
            .collect(|word, segments| returned += self.wheel.give_word(word, segments));
        add(&self.counters.returned, returned);
        returned
    }
}

/// First and count of the segments that the bytes `start..end` touch.
pub(crate) fn touched(start: u32, end: u32, segment_shift: u32) -> (usize, usize) {
    if start == end {
        return (0, 0);
    }
    let first = start as usize >> segment_shift;
    let last = (end as usize - 1) >> segment_shift;
    (first, last + 1 - first)
}

/// Enough to see a pattern, few enough for one line of a log.
const DEBUG_CELLS: usize = 64;

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
