//! What changes the run of a lease: trim, split, join, absorb, relocate, and leaving the thread.

use std::mem;

use crate::lease::Lease;
use crate::remote::RemoteLease;
#[cfg(waterwheel_seeded_bugs)]
use crate::seeded::{self, Bug};
use crate::sync::{Arc, Rc};

impl Lease {
    /// Gives whole unused segments behind the payload back and returns how many. An empty lease
    /// without headroom has nothing but those: afterwards it has no capacity.
    pub fn trim(&mut self) -> usize {
        let (_, end) = self.run.bounds();
        let kept = self.core.segment_end(self.run.tail());
        if kept >= end {
            return 0;
        }
        self.run.shorten_to(kept, self.core.wipe);
        self.core.release(kept, end)
    }

    /// Gives whole unused segments in front of the payload back and returns how many. The payload
    /// stays where it is.
    pub fn trim_front(&mut self) -> usize {
        let (start, _) = self.run.bounds();
        let kept = self.core.segment_start(self.run.head());
        if kept <= start {
            return 0;
        }
        self.run.shorten_front_to(kept, self.core.wipe);
        self.core.release(start, kept)
    }

    /// Splits the lease at offset `at` of its payload. `self` keeps the headroom and the payload up
    /// to there, without tailroom; the result has the rest of the payload and the tailroom, without
    /// headroom. Nothing moves. A segment that both touch is released with the last of them.
    ///
    /// # Panics
    /// If the payload is shorter than `at`.
    #[must_use]
    #[inline]
    pub fn split_off(&mut self, at: usize) -> Self {
        let back = self.run.split_off(at);
        let core = Rc::clone(&self.core);
        core.share_border(self.run.bounds(), back.bounds());
        Self { core, run: back }
    }

    /// As [`split_off`](Self::split_off), the other way round: the result has the headroom and the
    /// payload up to `at`, `self` keeps the rest.
    ///
    /// # Panics
    /// If the payload is shorter than `at`.
    #[must_use]
    #[inline]
    pub fn split_front(&mut self, at: usize) -> Self {
        let back = self.split_off(at);
        mem::replace(self, back)
    }

    /// Makes one lease again of two that touch: `back` starts where `self` ends. The payload is
    /// that of both, one after the other; nothing moves. What neither lease has written between
    /// what they have is zeroed.
    ///
    /// # Errors
    /// Both leases as they were, when they are of different rings or there is room between the
    /// payloads.
    pub fn join(mut self, mut back: Self) -> Result<Self, (Self, Self)> {
        if !Rc::ptr_eq(&self.core, &back.core) || !self.run.meets(&back.run) {
            return Err((self, back));
        }
        self.core.unshare_border(self.run.bounds(), back.run.bounds());
        self.run.absorb_back(back.run.take());
        Ok(self)
    }

    /// Makes the whole run of `front`, which ends where this lease starts, headroom of this lease.
    /// The payload of `front` is given up; what neither lease has written between what they have is
    /// zeroed.
    ///
    /// # Errors
    /// `front` as it was, when it does not touch this lease or is of another ring.
    pub fn absorb_front(&mut self, mut front: Self) -> Result<(), Self> {
        let touch = front.run.bounds().1 == self.run.bounds().0;
        if !touch || !Rc::ptr_eq(&self.core, &front.core) {
            return Err(front);
        }
        self.core.unshare_border(front.run.bounds(), self.run.bounds());
        self.run.absorb_front(front.run.take());
        Ok(())
    }

    /// Copies the payload into `to`, behind its headroom, and becomes `to`; the old run is
    /// released. A payload that `to` had is given up. Counted in [`Stats::copies`](crate::Stats).
    ///
    /// # Errors
    /// `to`, when it has not enough room behind its headroom; both leases are as they were.
    pub fn relocate(&mut self, mut to: Self) -> Result<(), Self> {
        if to.capacity() - to.headroom() < self.len() {
            return Err(to);
        }
        to.truncate(0);
        if to.append(self.payload()).is_err() {
            return Err(to);
        }
        to.core.counters.copied(to.len());
        *self = to;
        Ok(())
    }

    /// Lets the lease travel to another thread.
    ///
    /// # Errors
    /// The lease itself, when it shares a segment with another lease after a
    /// [split](Self::split_off).
    pub fn into_remote(mut self) -> Result<RemoteLease, Self> {
        if self.core.is_shared(self.run.bounds()) {
            return Err(self);
        }
        #[cfg(waterwheel_seeded_bugs)]
        if seeded::is(Bug::StaleLease) {
            let run = self.run.duplicate();
            return Ok(RemoteLease { shared: Arc::clone(&self.core.shared), run });
        }
        Ok(RemoteLease { shared: Arc::clone(&self.core.shared), run: self.run.take() })
    }
}
