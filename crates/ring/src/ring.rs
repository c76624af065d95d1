//! The ring of one worker: reserve, receive, collect.
//!
//! `Core` is what a ring and its leases share on the owner's thread, `Shared` what they share with
//! leases on other threads.

#[path = "borders.rs"]
mod borders;

use crate::config::Config;
use crate::error::{BuildError, Full};
use crate::hand::{Taken, Wheel};
use crate::lease::Lease;
use crate::quarantine::Quarantine;
use crate::region::{Base, Region};
use crate::remote::{RemoteLease, Shared};
use crate::run::{Run, offset};
use crate::spare::Spare;
use crate::stats::{Counters, Stats, add};
use crate::sync::{Arc, Cell, Rc};
use crate::wipe::Wipe;

/// The segments of one worker.
///
/// A ring and its leases stay on one thread. Dropping the ring before its leases is fine: the
/// memory lives until the last one is gone. A clone is another handle to the same segments.
#[derive(Clone)]
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
            wheel: Wheel::new(config.segment_count, segment_shift),
            spare: Spare::new(offset(config.segment_len)),
            base: region.base(),
            segment_shift,
            segment_len: offset(config.segment_len),
            inside_segment: offset(config.segment_len - 1),
            wipe,
            segment_count: config.segment_count,
            watermarks: config
                .watermarks
                .map(|percent| (config.segment_count as u64 * u64::from(percent)).div_ceil(100)),
            sharers: (0..config.segment_count).map(|_| Cell::new(0)).collect(),
            counters: Counters::default(),
            quarantine: Quarantine::new(config.segment_count),
            shared: Arc::new(Shared::new(region, config.segment_count, segment_shift, wipe)),
        };
        Ok(Self { core: Rc::new(core) })
    }

    /// Leases `segment_count` contiguous segments; 0 is treated as 1. It is the run that was
    /// released last if that has as many, else the lowest free run.
    ///
    /// # Errors
    /// [`Full`] when there is no such run. It never waits.
    #[inline]
    pub fn reserve(&self, segment_count: usize) -> Result<Lease, Full> {
        let core = &self.core;
        let one = if segment_count <= 1 { core.spare.take_one() } else { None };
        // Both ways meet before the lease is made: made twice, it would be put together in memory
        // and copied from there.
        let taken = match one {
            Some(taken) => taken,
            None => core.search(segment_count).ok_or_else(|| core.full(segment_count))?,
        };
        add(&core.counters.reservations, 1);
        Ok(Lease::over(core, taken))
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
        self.core.segment_len as usize
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
        self.core.leased()
    }

    /// How many [watermarks](Config::watermarks) the leased segments have reached. A comparison
    /// while it is none, for a worker to ask in every turn; what other threads have released is
    /// collected first.
    #[must_use]
    #[inline]
    pub fn level(&self) -> usize {
        self.core.collect_if_any();
        // Spares are counted here, so fewer may be leased, never more.
        if (self.core.wheel.leased() as u64) < self.core.watermarks[0] {
            return 0;
        }
        self.level_reached()
    }

    #[inline(never)]
    fn level_reached(&self) -> usize {
        let leased = self.core.leased() as u64;
        self.core.watermarks.iter().filter(|&&watermark| leased >= watermark).count()
    }

    /// What the ring has counted so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core.counters.stats(self.core.leased(), self.core.wheel.laps())
    }

    /// Counts a copy of `len` payload bytes that a caller made inside a lease's payload by itself,
    /// so that [`Stats::copies`] tells of all copies. Nothing is counted for no bytes.
    pub fn count_copy(&self, len: usize) {
        if len > 0 {
            self.core.counters.copied(len);
        }
    }
}

/// What a ring and its leases share on their thread.
pub(crate) struct Core {
    pub(crate) wheel: Wheel,
    /// Its runs count as leased in the wheel.
    spare: Spare,
    /// Of the region in `shared`.
    pub(crate) base: Base,
    segment_shift: u32,
    segment_len: u32,
    /// Mask of the offsets inside one segment.
    inside_segment: u32,
    pub(crate) wipe: bool,
    segment_count: usize,
    /// In segments.
    watermarks: [u64; 4],
    /// For each segment, how many leases beyond the first touch it (R5).
    sharers: Box<[Cell<u32>]>,
    pub(crate) counters: Counters,
    pub(crate) quarantine: Quarantine,
    /// After `base`, whose memory it keeps alive.
    pub(crate) shared: Arc<Shared>,
}

impl Core {
    /// First and count of the segments that a run touches.
    pub(crate) fn touched(&self, run: &Run) -> (usize, usize) {
        let (start, end) = run.bounds();
        touched(start, end, self.segment_shift)
    }

    /// Where the segment ends that has the byte in front of `at`; `at` itself on a border.
    pub(crate) fn segment_end(&self, at: u32) -> u32 {
        at.next_multiple_of(1 << self.segment_shift)
    }

    /// Where the segment starts that has byte `at`.
    pub(crate) fn segment_start(&self, at: u32) -> u32 {
        at & !self.inside_segment
    }

    #[inline]
    pub(crate) fn segments_for(&self, len: usize) -> usize {
        len.div_ceil(1 << self.segment_shift)
    }

    /// Leased segments.
    pub(crate) fn leased(&self) -> usize {
        let spare = self.spare.len() >> self.segment_shift;
        self.wheel.leased() - spare - self.quarantine.segment_count()
    }

    /// Takes `count` segments that are no spare single one.
    #[inline(never)]
    fn search(&self, count: usize) -> Option<Taken> {
        let count = count.max(1);
        if let Some(taken) =
            self.spare.take_several(count.saturating_mul(self.segment_len as usize))
        {
            return Some(taken);
        }
        self.collect_if_any();
        // A single segment kept aside may be the one that a run lacks.
        if count > 1 || self.wheel.free_count() == 0 {
            self.empty_spare();
        }
        let mut found = self.wheel.take(count);
        if found.is_none() && self.end_quarantine() {
            found = self.wheel.take(count);
        }
        let (taken, skipped) = found?;
        if skipped {
            add(&self.counters.skips, 1);
        }
        self.note_leased();
        Some(taken)
    }

    /// Gives the spare runs to the map, where runs of every length and neighbours find them.
    pub(crate) fn empty_spare(&self) {
        for Taken { start, end } in self.spare.take_all() {
            let (first, count) = touched(start, end, self.segment_shift);
            self.wheel.give(first, count);
        }
    }

    #[inline]
    pub(crate) fn collect_if_any(&self) {
        if self.shared.returns.any() {
            self.collect_returns();
        }
    }

    pub(crate) fn note_leased(&self) {
        let leased = self.wheel.leased();
        if leased > self.counters.leased_max.get() {
            self.counters.leased_max.set(leased);
        }
    }

    /// Counts and describes a reservation that found no room.
    #[cold]
    pub(crate) fn full(&self, asked: usize) -> Full {
        add(&self.counters.full, 1);
        Full::new(asked.max(1), self.segment_count - self.leased())
    }

    /// Takes the segments from byte `end` on, which must be a segment's first.
    pub(crate) fn take_behind(&self, end: u32, count: usize) -> Option<Taken> {
        if self.segment_end(end) != end {
            return None;
        }
        self.take_exact(end as usize >> self.segment_shift, count)
    }

    /// Takes the segments up to byte `start`, which must be a segment's first.
    pub(crate) fn take_in_front(&self, start: u32, count: usize) -> Option<Taken> {
        if start & self.inside_segment != 0 {
            return None;
        }
        self.take_exact((start as usize >> self.segment_shift).checked_sub(count)?, count)
    }

    fn take_exact(&self, first: usize, count: usize) -> Option<Taken> {
        self.collect_if_any();
        self.empty_spare();
        let taken = self.wheel.take_exact(first, count)?;
        self.note_leased();
        Some(taken)
    }

    /// Keeps the bytes `start..end` for the next reservation, if they are one whole segment and
    /// none is kept yet.
    #[inline]
    pub(crate) fn keep_one(&self, start: u32, end: u32) -> bool {
        self.is_one_segment((start, end)) && self.spare.keep_one(start)
    }

    /// Gives the bytes `start..end` back and returns how many segments became free. A segment that
    /// another lease touches stays leased.
    pub(crate) fn release(&self, start: u32, end: u32) -> usize {
        if (start | end) & self.inside_segment != 0 {
            return self.release_at_borders(start, end);
        }
        let (first, count) = touched(start, end, self.segment_shift);
        if count > 0 && !(count > 1 && self.spare.keep_several(start, end)) {
            self.wheel.give(first, count);
        }
        count
    }

    fn release_at_borders(&self, start: u32, end: u32) -> usize {
        let (first, count) = self.freed_by(start, end);
        if count > 0 {
            self.wheel.give(first, count);
        }
        count
    }

    /// Whether the range is one whole segment, which therefore no other lease touches.
    #[inline]
    pub(crate) fn is_one_segment(&self, (start, end): (u32, u32)) -> bool {
        end - start == self.segment_len && start & self.inside_segment == 0
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

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
