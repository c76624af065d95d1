//! The marks of a run: which of its bytes it has written, and what is zeroed because of that (R6,
//! R10).

use super::Run;
use crate::seeded::{self, Bug};

impl Run {
    /// Zeroes all that this run has written.
    #[inline(always)]
    pub(crate) fn wipe(&mut self) {
        // Asked first: filling nothing in a page that was never touched takes about 100 ns where it
        // is a masked vector store.
        if !self.wipe_if_short() {
            let (low, high) = self.written();
            let bytes = self.lend(low, high);
            if bytes.len() <= WIPED_AT_ONCE { bytes.fill(0) } else { wipe_backwards(bytes) }
        }
    }

    /// As [`wipe`](Self::wipe), if there is nothing to do or as much as a request's head: two
    /// stores that may overlap are a third of what the call of a fill of any length costs.
    #[inline(always)]
    pub(crate) fn wipe_if_short(&mut self) -> bool {
        let (low, high) = self.written();
        if (SHORT_LEN..=2 * SHORT_LEN).contains(&(high - low)) {
            self.lend(low, low + SHORT_LEN).fill(0);
            self.lend(high - SHORT_LEN, high).fill(0);
            return true;
        }
        low == high
    }

    /// What a wipe has to zero.
    #[inline]
    fn written(&self) -> (u32, u32) {
        let (mut low, mut high) = (self.low, self.high);
        if seeded::is(Bug::LowMarkIgnored) {
            low = self.head.clamp(low, high);
        }
        if seeded::is(Bug::ShortWipe) {
            high = high.saturating_sub(1).max(low);
        }
        (low, high)
    }

    /// Zeroes the whole run, written or not.
    pub(crate) fn wipe_all(&mut self) {
        if seeded::is(Bug::QuarantineUnwiped) {
            return self.wipe();
        }
        self.lend(self.start, self.end).fill(0);
    }

    /// Notes that `from..to` has been written. A gap to what was written before is zeroed, so that
    /// one pair of marks is enough.
    #[inline]
    pub(super) fn note_written(&mut self, from: u32, to: u32) {
        if from == to {
            return;
        }
        if self.low == self.high {
            (self.low, self.high) = (from, to);
            return;
        }
        if from > self.high || to < self.low {
            self.zero_gap(from, to);
        }
        self.low = self.low.min(from);
        self.high = self.high.max(to);
    }

    #[cold]
    fn zero_gap(&mut self, from: u32, to: u32) {
        if from > self.high {
            self.lend(self.high, from).fill(0);
        } else {
            self.lend(to, self.low).fill(0);
        }
    }

    /// Zeroes what is unwritten of `from..to` and notes it as written.
    pub(super) fn zero_unwritten(&mut self, from: u32, to: u32) {
        if from == to || seeded::is(Bug::GrownUnzeroed) {
            return;
        }
        if self.low == self.high {
            self.lend(from, to).fill(0);
        } else {
            // At most one part in front of the marks and one behind them; the gap to a range that
            // does not touch them is zeroed along.
            if from < self.low {
                self.lend(from, self.low).fill(0);
            }
            if to > self.high {
                self.lend(self.high, to).fill(0);
            }
        }
        self.note_written(from, to);
    }
}

const SHORT_LEN: u32 = 32;

/// Zeroes the bytes read or written last first, for these are still in the first cache.
#[inline(never)]
fn wipe_backwards(bytes: &mut [u8]) {
    for part in bytes.rchunks_mut(WIPED_AT_ONCE) {
        part.fill(0);
    }
}

/// A part of a first cache, and long enough to make up for the call of a fill: measured from 512
/// bytes to 16 KiB, longer was faster.
const WIPED_AT_ONCE: usize = 16_384;
