//! Reservations that need not be contiguous.

use crate::error::Full;
use crate::lease::Lease;
use crate::ring::Ring;
use crate::runs::Runs;
use crate::stats::add;

impl Ring {
    /// Leases room for `len` bytes in as few runs as it finds quickly: one if there is a contiguous
    /// one, else the long ones first. All or nothing. The pieces are empty, ready to be filled by
    /// [`Runs::append`] or [`Runs::append_with`].
    ///
    /// # Errors
    /// [`Full`] when fewer segments are free than `len` bytes need.
    pub fn reserve_scattered(&self, len: usize) -> Result<Runs, Full> {
        let mut runs = Runs::new();
        self.scatter_into(len, &mut runs)?;
        Ok(runs)
    }

    pub(crate) fn scatter_into(&self, len: usize, runs: &mut Runs) -> Result<(), Full> {
        let core = &self.core;
        let count = core.segments_for(len).max(1);
        core.collect_if_any();
        core.empty_spare();
        if count > core.wheel.free_count() {
            core.end_quarantine();
        }
        if count > core.wheel.free_count() {
            return Err(core.full(count));
        }
        let mut add_room = |taken| {
            add(&core.counters.reservations, 1);
            core.note_leased();
            runs.push_room(Lease::over(core, taken));
        };
        if let Some((taken, _)) = core.wheel.take(count) {
            add_room(taken);
            return Ok(());
        }
        add(&core.counters.scattered, 1);
        // Each round takes the runs at least half as long as the round before: two passes over the
        // map per halving, however it is torn.
        let (mut missing, mut least) = (count, (count / 2).max(1));
        while missing > 0 {
            assert!(least > 0, "R5: the count of free segments agrees with their map");
            let mut from = 0;
            while let Some(taken) = core.wheel.take_some(from, least.min(missing), missing) {
                missing -= core.segments_for((taken.end - taken.start) as usize);
                from = core.segments_for(taken.end as usize);
                add_room(taken);
                if missing == 0 {
                    return Ok(());
                }
            }
            least /= 2;
        }
        Ok(())
    }
}
