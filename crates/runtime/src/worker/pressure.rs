//! How short a worker is of memory, in the ring and outside it, and what is parked there.

use waterwheel_reactor::Driver;

use super::bench::{Bench, Outcome, Served};
use crate::Protocol;

impl<D: Driver, P: Protocol> Bench<D, P> {
    /// How many watermarks the worker's memory has reached: of the ring, or of what is parked.
    /// Asked once a turn.
    #[inline]
    pub(super) fn measure_pressure(&mut self) {
        let mut level = self.ring.level();
        let max = self.config.parked_len_max.max(1);
        if self.parked_len > max / 2 {
            let percent = self.parked_len.saturating_mul(100) / max;
            level = level.max(WATERMARKS.iter().filter(|&&mark| percent >= mark).count());
        }
        // There are four watermarks.
        self.pressure = u8::try_from(level).unwrap_or(u8::MAX);
    }

    /// Notes how much a connection keeps outside the ring after it was worked on. One that wants
    /// more than there is for all is closed: it is slow, or its peer is, and whoever is fast keeps
    /// nothing there.
    #[cold]
    pub(super) fn note_parked(&mut self, before: usize, after: usize, outcome: Outcome) -> Outcome {
        self.parked_len = self.parked_len.saturating_sub(before) + after;
        if after > before && self.parked_len > self.config.parked_len_max {
            self.metrics.parked_full += 1;
            return Outcome::Close;
        }
        outcome
    }

    /// Forgets what a connection kept outside the ring: it is gone.
    pub(super) fn forget_parked(&mut self, connection: &Served<D, P>) {
        self.parked_len = self.parked_len.saturating_sub(connection.parked_len());
    }
}

/// In percent, as those of the ring.
const WATERMARKS: [usize; 4] = [70, 85, 95, 98];
