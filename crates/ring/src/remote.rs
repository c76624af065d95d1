//! A lease away from its ring's thread.

use std::fmt;

use crate::error::NoRoom;
use crate::lease::debug_run;
use crate::ring::Shared;
use crate::run::Run;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_lease_is_send_and_sync() {
        fn check<T: Send + Sync>() {}
        check::<RemoteLease>();
    }
}
