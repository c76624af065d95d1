//! What a ring counts.

use crate::sync::Cell;

/// What a ring has counted since it was built.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Segments leased now, those not yet collected from other threads included.
    pub leased: usize,
    /// Most segments that were leased at once, a run kept for the next reservation included.
    pub leased_max: usize,
    /// Leases handed out, each piece of a scattered reservation being one.
    pub reservations: u64,
    /// Laps of the hand: how often a release has called it back to a lower segment.
    pub laps: u64,
    /// Reservations that had to pass over leased segments, or over free ones in too short a run.
    pub skips: u64,
    /// Scattered reservations that found no contiguous run.
    pub scattered: u64,
    /// Reservations and extensions answered with [`Full`](crate::Full).
    pub full: u64,
    /// Segments released on other threads and collected.
    pub returned: u64,
    /// Payload copies: moves inside a lease, relocations and evacuations.
    pub copies: u64,
    /// Bytes those copies moved.
    pub copied_bytes: u64,
}

/// The running counts behind [`Stats`], written by the owner alone.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) leased_max: Cell<usize>,
    pub(crate) reservations: Cell<u64>,
    pub(crate) skips: Cell<u64>,
    pub(crate) scattered: Cell<u64>,
    pub(crate) full: Cell<u64>,
    pub(crate) returned: Cell<u64>,
    copies: Cell<u64>,
    copied_bytes: Cell<u64>,
}

impl Counters {
    pub(crate) fn copied(&self, len: usize) {
        add(&self.copies, 1);
        add(&self.copied_bytes, len);
    }

    pub(crate) fn stats(&self, leased: usize, laps: u64) -> Stats {
        Stats {
            leased,
            leased_max: self.leased_max.get(),
            reservations: self.reservations.get(),
            laps,
            skips: self.skips.get(),
            scattered: self.scattered.get(),
            full: self.full.get(),
            returned: self.returned.get(),
            copies: self.copies.get(),
            copied_bytes: self.copied_bytes.get(),
        }
    }
}

#[inline]
pub(crate) fn add(counter: &Cell<u64>, n: usize) {
    counter.set(counter.get().wrapping_add(n as u64));
}
