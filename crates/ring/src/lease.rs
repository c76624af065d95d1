//! The owned right to a run of segments, and everything done to its bytes.
//!
//! What changes the run itself (split, join, extend, trim …) is in `reshape.rs`.

use std::fmt;
use std::ops::Range;

use crate::error::{Full, NoRoom};
use crate::hand::Taken;
use crate::prefetch::prefetch;
use crate::ring::{Core, Ring};
use crate::run::Run;
use crate::seeded::{self, Bug};
use crate::sync::Rc;

/// The exclusive, owned right to a run of segments, until it is dropped.
///
/// The run is divided into headroom, payload and tailroom. A fresh lease is all tailroom. Nothing
/// of it can be read before this lease has written it, or had it zeroed.
pub struct Lease {
    pub(crate) core: Rc<Core>,
    pub(crate) run: Run,
}

impl Lease {
    #[inline]
    pub(crate) fn over(core: &Rc<Core>, taken: Taken) -> Self {
        // SAFETY: the wheel or the spare of this core has just handed these segments out and leaves
        // them alone until they are given back (R4), which `Drop` does after the last use of the
        // run; they are inside the region (R2), which the core in the lease keeps alive (R9).
        let run = unsafe { Run::new(core.base, taken.start, taken.end) };
        Self { core: Rc::clone(core), run }
    }

    /// Takes the free segments right behind the run. Nothing is copied; the tailroom grows.
    ///
    /// # Errors
    /// [`Full`] when one of those segments is leased or past the end of the ring, or when the run
    /// ends inside a segment, after a [split](Self::split_off).
    pub fn extend(&mut self, segments: usize) -> Result<(), Full> {
        if segments == 0 {
            return Ok(());
        }
        let (_, end) = self.run.bounds();
        let Some(taken) = self.core.take_behind(end, segments) else {
            return Err(self.core.full(segments));
        };
        let mut end = taken.end;
        if seeded::is(Bug::ExtendedTooFar) {
            end = self.core.segment_end(end + 1);
        }
        // SAFETY: as in `over`; the wheel has handed out the segments up to the new end.
        unsafe { self.run.extend_to(end) };
        Ok(())
    }

    /// The ring that the lease is of, to reserve another run for what comes of this one.
    #[must_use]
    #[inline]
    pub fn ring(&self) -> Ring {
        Ring { core: Rc::clone(&self.core) }
    }

    /// Takes the free segments right in front of the run. Nothing is copied; the headroom grows.
    ///
    /// # Errors
    /// [`Full`] when one of those segments is leased or before the start of the ring, or when the
    /// run starts inside a segment, after a [split](Self::split_off).
    pub fn extend_front(&mut self, segments: usize) -> Result<(), Full> {
        if segments == 0 {
            return Ok(());
        }
        let (start, _) = self.run.bounds();
        let Some(taken) = self.core.take_in_front(start, segments) else {
            return Err(self.core.full(segments));
        };
        // SAFETY: as in `over`; the wheel has handed out the segments from the new start on.
        unsafe { self.run.extend_front_to(taken.start) };
        Ok(())
    }

    /// Bytes of the run: headroom, payload and tailroom.
    #[must_use]
    #[inline]
    pub fn capacity(&self) -> usize {
        self.run.capacity()
    }

    /// Free bytes in front of the payload.
    #[must_use]
    #[inline]
    pub fn headroom(&self) -> usize {
        self.run.headroom()
    }

    /// Bytes of the payload.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.run.len()
    }

    /// Whether there is no payload.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.run.len() == 0
    }

    /// Free bytes behind the payload.
    #[must_use]
    #[inline]
    pub fn tailroom(&self) -> usize {
        self.run.tailroom()
    }

    /// Segments that the run touches, those shared after a [split](Self::split_off) included.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.core.touched(&self.run).1
    }

    /// Address of the first byte of the payload. It stays the same for as long as nothing moves,
    /// which tests use to prove that nothing did.
    #[must_use]
    pub fn address(&self) -> usize {
        self.run.address()
    }

    /// The payload.
    #[must_use]
    #[inline]
    pub fn payload(&self) -> &[u8] {
        self.run.payload()
    }

    /// The payload, to be changed in place.
    #[must_use]
    #[inline]
    pub fn payload_mut(&mut self) -> &mut [u8] {
        self.run.payload_mut()
    }

    /// Asks the processor to fetch the first 512 bytes of the payload, for a lease that is read
    /// next and may have left the caches. On processors other than x86-64 and aarch64 nothing
    /// happens.
    #[inline]
    pub fn prefetch(&self) {
        prefetch(self.payload());
    }

    /// Places the empty payload behind `len` bytes of headroom.
    ///
    /// # Panics
    /// If the lease is not empty or shorter than `len`.
    #[inline]
    pub fn set_headroom(&mut self, len: usize) {
        self.run.set_headroom(len);
    }

    /// Adds `bytes` behind the payload, all or nothing.
    ///
    /// # Errors
    /// [`NoRoom`] when the tailroom is shorter.
    #[inline]
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), NoRoom> {
        self.run.append(bytes)
    }

    /// Adds `bytes` in front of the payload, all or nothing.
    ///
    /// # Errors
    /// [`NoRoom`] when the headroom is shorter.
    #[inline]
    pub fn prepend(&mut self, bytes: &[u8]) -> Result<(), NoRoom> {
        self.run.prepend(bytes)
    }

    /// Lends the whole tailroom to `fill`, a `recv` for example, and makes as many bytes payload as
    /// it returns. Returns that count.
    ///
    /// What is lent may still hold bytes of earlier leases if the ring [never wipes](crate::Wipe):
    /// `fill` must write every byte that it counts and has no reason to read. What it writes beyond
    /// its count, or before it fails, stays unreadable and is not wiped on release.
    ///
    /// # Errors
    /// Those of `fill`; the payload then stays as it was.
    ///
    /// # Panics
    /// If `fill` returns more than the tailroom it was lent.
    #[inline]
    pub fn append_with<E>(
        &mut self,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let len = fill(self.run.spare())?;
        self.run.commit(len);
        Ok(len)
    }

    /// Makes `len` bytes of the headroom payload and lets `fill` write them. What this lease has
    /// written there before is still there, the rest is zero.
    ///
    /// # Errors
    /// [`NoRoom`] when the headroom is shorter; `fill` is not called.
    #[inline]
    pub fn prepend_with(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<(), NoRoom> {
        self.run.prepend_with(len, fill)
    }

    /// Makes `n` bytes of the tailroom payload. What this lease has written there before is still
    /// there, the rest is zero.
    ///
    /// # Errors
    /// [`NoRoom`] when the tailroom is shorter.
    #[inline]
    pub fn grow_back(&mut self, n: usize) -> Result<(), NoRoom> {
        self.run.grow_back(n)
    }

    /// Makes `n` bytes of the headroom payload. What this lease has written there before is still
    /// there, the rest is zero.
    ///
    /// # Errors
    /// [`NoRoom`] when the headroom is shorter.
    #[inline]
    pub fn grow_front(&mut self, n: usize) -> Result<(), NoRoom> {
        self.run.grow_front(n)
    }

    /// Keeps the first `len` bytes of the payload; the rest becomes tailroom. Nothing happens if it
    /// is no longer than that.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.run.truncate(len);
    }

    /// Turns the first `n` bytes of the payload into headroom.
    ///
    /// # Panics
    /// If the payload is shorter than `n`.
    #[inline]
    pub fn advance(&mut self, n: usize) {
        self.run.advance(n);
    }

    /// Makes the lease as good as released and reserved again: empty, with this much headroom, and
    /// wiped if the ring wipes.
    ///
    /// # Panics
    /// If the lease is shorter than `headroom`.
    #[inline(always)]
    pub fn recycle(&mut self, headroom: usize) {
        if self.core.wipe {
            self.run.wipe();
        }
        self.run.forget(headroom);
    }

    #[inline(never)]
    fn release(&mut self) {
        if self.core.wipe && !seeded::is(Bug::SkippedWipe) {
            self.run.wipe();
        }
        let (start, end) = self.run.release();
        if !self.core.keep_one(start, end) {
            self.core.release(start, end);
        }
    }

    /// Whether the lease is exactly one segment, shared with no other lease.
    #[inline]
    pub(crate) fn is_one_segment(&self) -> bool {
        self.core.is_one_segment(self.run.bounds())
    }

    /// Empties the payload and gives all room to the tail.
    #[inline]
    pub fn clear(&mut self) {
        self.run.clear();
    }

    /// Copies the bytes `source` of the payload to `target` in the payload; the two may overlap.
    /// Counted in [`Stats::copies`](crate::Stats).
    ///
    /// # Panics
    /// If the source or the target passes the end of the payload.
    pub fn copy_within(&mut self, source: Range<usize>, target: usize) {
        let len = source.len();
        self.run.copy_within(source, target);
        self.core.counters.copied(len);
    }
}

impl Drop for Lease {
    // One segment with little in it, which most leases are, takes the short way; all else is a
    // call.
    #[inline]
    fn drop(&mut self) {
        let (start, end) = self.run.bounds();
        let is_wiped = !self.core.wipe || seeded::is(Bug::SkippedWipe) || self.run.wipe_if_short();
        if is_wiped && self.core.keep_one(start, end) {
            self.run.release();
        } else {
            self.release();
        }
    }
}

impl fmt::Debug for Lease {
    /// Shows the geometry, never the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_run(f, "Lease", &self.run)
    }
}

pub(crate) fn debug_run(f: &mut fmt::Formatter<'_>, name: &str, run: &Run) -> fmt::Result {
    let (start, end) = run.bounds();
    f.debug_struct(name)
        .field("bytes", &(start..end))
        .field("headroom", &run.headroom())
        .field("len", &run.len())
        .field("tailroom", &run.tailroom())
        .finish()
}

/// Leases are moved around all the time; a growing one would show in every queue.
const _: () =
    assert!(cfg!(any(waterwheel_loom, waterwheel_heap_segments)) || size_of::<Lease>() <= 48);

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
