//! A lease away from its ring's thread, and what the two share.

use std::fmt;

use crate::error::NoRoom;
use crate::lease::debug_run;
use crate::region::Region;
use crate::returns::Returns;
use crate::ring::touched;
use crate::run::Run;
use crate::seeded::{self, Bug};
use crate::sync::Arc;

/// A [`Lease`](crate::Lease) that may leave the thread of its ring.
///
/// It comes home by [`Ring::receive`](crate::Ring::receive). Dropped anywhere, it wipes what it has
/// written and returns its segments, which the ring collects by itself. It can be neither split nor
/// extended. The memory lives as long as it, even when the ring is gone.
pub struct RemoteLease {
    pub(crate) shared: Arc<Shared>,
    pub(crate) run: Run,
}

impl RemoteLease {
    /// Bytes of the payload.
    #[must_use]
    pub fn len(&self) -> usize {
        self.run.len()
    }

    /// Whether there is no payload.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.run.len() == 0
    }

    /// Free bytes behind the payload.
    #[must_use]
    pub fn tailroom(&self) -> usize {
        self.run.tailroom()
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.run.payload()
    }

    /// The payload, to be changed in place.
    #[must_use]
    pub fn payload_mut(&mut self) -> &mut [u8] {
        self.run.payload_mut()
    }

    /// Adds `bytes` behind the payload, all or nothing.
    ///
    /// # Errors
    /// [`NoRoom`] when the tailroom is shorter.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), NoRoom> {
        self.run.append(bytes)
    }

    /// Lends the whole tailroom to `fill`, on the terms of
    /// [`Lease::append_with`](crate::Lease::append_with).
    ///
    /// # Errors
    /// Those of `fill`; the payload then stays as it was.
    ///
    /// # Panics
    /// If `fill` returns more than the tailroom it was lent.
    pub fn append_with<E>(
        &mut self,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let len = fill(self.run.spare())?;
        self.run.commit(len);
        Ok(len)
    }

    /// The whole tailroom, for whoever cannot fill it within a call: io_uring, which is lent it
    /// until it says that it is done. The terms are those of
    /// [`append_with`](Self::append_with), in which [`commit`](Self::commit) has the last word.
    #[must_use]
    pub fn room_mut(&mut self) -> &mut [u8] {
        self.run.spare()
    }

    /// Makes the first `len` bytes of the tailroom payload: they have just been written.
    ///
    /// # Panics
    /// If the tailroom is shorter.
    pub fn commit(&mut self, len: usize) {
        self.run.commit(len);
    }
}

impl Drop for RemoteLease {
    fn drop(&mut self) {
        self.shared.take_back(&mut self.run);
    }
}

impl fmt::Debug for RemoteLease {
    /// Shows the geometry, never the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_run(f, "RemoteLease", &self.run)
    }
}

/// What a ring shares with its leases on other threads.
pub(crate) struct Shared {
    pub(crate) returns: Returns,
    segment_shift: u32,
    wipe: bool,
    _region: Region,
}

impl Shared {
    pub(crate) fn new(
        region: Region,
        segment_count: usize,
        segment_shift: u32,
        wipe: bool,
    ) -> Self {
        let returns = Returns::new(segment_count);
        Self { returns, segment_shift, wipe, _region: region }
    }

    /// Wipes a run and returns its segments to their owner. No other lease touches them.
    fn take_back(&self, run: &mut Run) {
        #[cfg(waterwheel_seeded_bugs)]
        let mut stale = run.duplicate();
        if self.wipe && !seeded::is(Bug::EarlyReturn) {
            run.wipe();
        }
        let (start, end) = run.release();
        let (mut first, count) = touched(start, end, self.segment_shift);
        if seeded::is(Bug::WrongReturn) {
            first ^= 1;
        }
        self.returns.give(first, count);
        #[cfg(waterwheel_seeded_bugs)]
        if seeded::is(Bug::EarlyReturn) {
            stale.wipe();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_lease_is_send_and_sync() {
        fn check<T: Send + Sync>() {}
        check::<RemoteLease>();
    }
}
