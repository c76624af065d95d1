//! How a ring looks in a log: which of its segments are leased.

use std::fmt::{self, Write as _};

use crate::ring::Ring;

impl fmt::Debug for Ring {
    /// Draws at most 64 cells: `.` for free, `#` for leased, `+` where a cell is partly leased.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, len) = (self.segment_count(), self.segment_len());
        self.core.empty_spare();
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

/// Enough to see a pattern, few enough for one line of a log.
const DEBUG_CELLS: usize = 64;
