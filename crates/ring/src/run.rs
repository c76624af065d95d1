//! The bytes of one lease and how they are divided: headroom, payload, tailroom.
//!
//! Here are all reads and writes of leased bytes, for local and for travelling leases. Knows
//! nothing of segments, threads and release: its holder keeps the region alive and gives the run
//! back.

#[path = "marks.rs"]
mod marks;

use std::mem;
use std::ops::Range;

use crate::error::NoRoom;
use crate::region::Base;
use crate::seeded::{self, Bug};

/// The exclusive right to the bytes `start..end` of a region (R4), as offsets from its base.
///
/// `start <= head <= tail <= end` (R3). The bytes `low..high` have been written, or zeroed, by this
/// run; unless empty they include the payload (R6). Bytes outside are never shown before they are
/// zeroed.
#[derive(Debug)]
pub(crate) struct Run {
    base: Base,
    start: u32,
    end: u32,
    head: u32,
    tail: u32,
    low: u32,
    high: u32,
}

// SAFETY: a run is the only way to its bytes until it is gone (R4), so they move between threads
// with it, as the contents of a box would.
unsafe impl Send for Run {}
// SAFETY: a shared run gives out shared slices only.
unsafe impl Sync for Run {}

impl Run {
    /// # Safety
    /// Until the new run (or what it is split into) is gone, the region lives, is at least `end`
    /// long, and nobody else uses its bytes `start..end`; `start <= end`.
    #[inline]
    pub(crate) unsafe fn new(base: Base, start: u32, end: u32) -> Self {
        // SAFETY: the caller's own promise.
        let base = unsafe { base.lease(start, end) };
        Self { base, start, end, head: start, tail: start, low: start, high: start }
    }

    /// # Safety
    /// As for [`new`](Self::new), for the bytes from the old end to the new one.
    pub(crate) unsafe fn extend_to(&mut self, end: u32) {
        debug_assert!(self.end <= end, "R3");
        // SAFETY: this run is ours (R4); for the bytes behind it, the caller's own promise.
        self.base = unsafe { self.base.extend(self.start, self.end, end) };
        self.end = end;
    }

    /// A second run over the same bytes, for the bugs that are one.
    #[cfg(waterwheel_seeded_bugs)]
    pub(crate) fn duplicate(&self) -> Self {
        Self { ..*self }
    }

    /// # Safety
    /// As for [`new`](Self::new), for the bytes from the new start to the old one.
    pub(crate) unsafe fn extend_front_to(&mut self, start: u32) {
        debug_assert!(start <= self.start, "R3");
        // SAFETY: the caller's own promise.
        let front = unsafe { self.base.lease(start, self.start) };
        // SAFETY: both parts are ours (R4).
        self.base = unsafe { front.join(self.base, start, self.start, self.end) };
        self.start = start;
    }

    /// Moves the run out, leaving an empty one, which owns nothing.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        let base = self.base;
        mem::replace(self, Self { base, start: 0, end: 0, head: 0, tail: 0, low: 0, high: 0 })
    }

    /// Ends the use of the bytes, which are about to be given back, and tells which they were. Only
    /// for the holder's `Drop`: nothing else may be called afterwards.
    #[inline]
    pub(crate) fn release(&mut self) -> (u32, u32) {
        let bounds = self.bounds();
        #[cfg(any(waterwheel_heap_segments, waterwheel_poison))]
        {
            let Self { base, start, end, .. } = self.take();
            // SAFETY: the run was the only way to these bytes (R4), and it is gone.
            unsafe { base.release(start, end) };
        }
        bounds
    }

    #[inline]
    pub(crate) const fn bounds(&self) -> (u32, u32) {
        (self.start, self.end)
    }

    #[inline]
    pub(crate) const fn capacity(&self) -> usize {
        (self.end - self.start) as usize
    }

    #[inline]
    pub(crate) const fn headroom(&self) -> usize {
        (self.head - self.start) as usize
    }

    #[inline]
    pub(crate) const fn len(&self) -> usize {
        (self.tail - self.head) as usize
    }

    #[inline]
    pub(crate) const fn tailroom(&self) -> usize {
        (self.end - self.tail) as usize
    }

    /// Offset of the start of the payload.
    pub(crate) const fn head(&self) -> u32 {
        self.head
    }

    /// Offset of the end of the payload.
    pub(crate) const fn tail(&self) -> u32 {
        self.tail
    }

    pub(crate) fn address(&self) -> usize {
        self.base.address(self.head)
    }

    #[inline]
    pub(crate) fn payload(&self) -> &[u8] {
        // SAFETY: R3 keeps the range inside the run, which nobody else uses (R4) and whose holder
        // keeps the region alive (R9); the borrow of `self` keeps writers away.
        unsafe { self.base.bytes(self.head, self.tail) }
    }

    #[inline]
    pub(crate) fn payload_mut(&mut self) -> &mut [u8] {
        self.lend(self.head, self.tail)
    }

    #[inline]
    pub(crate) fn set_headroom(&mut self, len: usize) {
        assert_eq!(self.head, self.tail, "headroom is set while the lease is empty");
        assert!(len <= self.capacity(), "headroom fits the lease");
        self.head = self.start + offset(len);
        self.tail = self.head;
    }

    #[inline]
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), NoRoom> {
        let to = self.tail + room(bytes.len(), self.tailroom())?;
        self.spare()[..bytes.len()].copy_from_slice(bytes);
        self.note_written(self.tail, to);
        self.tail = to;
        Ok(())
    }

    pub(crate) fn prepend(&mut self, bytes: &[u8]) -> Result<(), NoRoom> {
        let from = self.head - room(bytes.len(), self.headroom())?;
        self.lend(from, self.head).copy_from_slice(bytes);
        self.note_written(from, self.head);
        self.head = from;
        Ok(())
    }

    /// The whole tailroom, whatever is in it. Followed by [`commit`](Self::commit).
    #[inline]
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        self.lend(self.tail, self.end)
    }

    /// Makes the first `len` bytes of the tailroom payload: they have just been written.
    #[inline]
    pub(crate) fn commit(&mut self, len: usize) {
        assert!(len <= self.tailroom(), "no more bytes are filled than were lent");
        let mut to = self.tail + offset(len);
        if seeded::is(Bug::LengthOffByOne) {
            to = self.end.min(to + 1);
        }
        self.note_written(self.tail, to);
        self.tail = to;
    }

    /// Makes the first `len` bytes of the tailroom payload and lends them to be written now.
    #[inline(always)]
    pub(crate) fn place(&mut self, len: usize) -> &mut [u8] {
        let from = self.tail;
        self.commit(len);
        self.lend(from, from + offset(len))
    }

    pub(crate) fn prepend_with(
        &mut self,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<(), NoRoom> {
        let from = self.head - room(len, self.headroom())?;
        self.zero_unwritten(from, self.head);
        fill(self.lend(from, self.head));
        self.head = from;
        Ok(())
    }

    pub(crate) fn grow_back(&mut self, n: usize) -> Result<(), NoRoom> {
        let to = self.tail + room(n, self.tailroom())?;
        self.zero_unwritten(self.tail, to);
        self.tail = to;
        Ok(())
    }

    pub(crate) fn grow_front(&mut self, n: usize) -> Result<(), NoRoom> {
        self.prepend_with(n, |_| ())
    }

    #[inline]
    pub(crate) fn truncate(&mut self, len: usize) {
        if len < self.len() {
            self.tail = self.head + offset(len);
        }
    }

    #[inline]
    pub(crate) fn advance(&mut self, n: usize) {
        assert!(n <= self.len(), "no more than the payload is passed over");
        self.head += offset(n);
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        self.head = self.start;
        self.tail = self.start;
    }

    /// Nothing was ever written here. Only after a wipe, or where stale bytes are out of reach
    /// anyway.
    #[inline(always)]
    pub(crate) fn forget(&mut self, headroom: usize) {
        assert!(headroom <= self.capacity(), "headroom fits the lease");
        self.head = self.start + offset(headroom);
        self.tail = self.head;
        self.low = self.head;
        self.high = self.head;
        // SAFETY: the run is ours (R4); from here on its bytes are as good as new.
        unsafe { self.base.release(self.start, self.end) };
        // SAFETY: the holder keeps the region alive (R9), and nobody has used the bytes since.
        self.base = unsafe { self.base.lease(self.start, self.end) };
    }

    pub(crate) fn copy_within(&mut self, source: Range<usize>, target: usize) {
        self.payload_mut().copy_within(source, target);
    }

    /// Keeps the payload up to `at` and everything before it; the result has the rest.
    #[inline]
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        assert!(at <= self.len(), "the split is inside the payload");
        let border = self.head + offset(at);
        // SAFETY: the run is ours (R4) and `border` is inside it (R3).
        let (front, back) = unsafe { self.base.split(self.start, border, self.end) };
        self.base = front;
        let back = Self {
            base: back,
            start: border,
            end: self.end,
            head: border,
            tail: self.tail,
            low: self.low.max(border),
            high: self.high.max(border),
        };
        self.end = border;
        self.tail = border;
        self.low = self.low.min(border);
        self.high = self.high.min(border);
        back
    }

    /// Takes `front`, which ends where this run starts, in front of the payload, as headroom.
    pub(crate) fn absorb_front(&mut self, mut front: Self) {
        assert_eq!(front.end, self.start, "R4: runs are joined at their common border");
        if self.low == self.high {
            (self.low, self.high) = (front.low, front.high);
        } else if front.low < front.high {
            // One pair of marks holds no gap.
            front.zero_unwritten(front.high, front.end);
            self.zero_unwritten(self.start, self.low);
            self.low = front.low;
        }
        // SAFETY: both runs are ours (R4) and touch, as was asserted.
        self.base = unsafe { front.base.join(self.base, front.start, self.start, self.end) };
        self.start = front.start;
    }

    /// Whether the payload of `back` starts where the payload of this run ends, with nothing
    /// between.
    pub(crate) fn meets(&self, back: &Self) -> bool {
        self.end == back.start && (self.tail == back.head || seeded::is(Bug::JoinedApart))
    }

    /// Takes `back`, whose payload [meets](Self::meets) this one, behind the payload.
    pub(crate) fn absorb_back(&mut self, mut back: Self) {
        assert!(self.meets(&back), "R4: runs are joined at their common border");
        let head = self.head;
        let tail = back.tail;
        back.absorb_front(self.take());
        *self = back;
        self.head = head;
        self.tail = tail;
    }

    /// Gives up the bytes from `end` on, which are behind the payload, wiping them if asked to.
    pub(crate) fn shorten_to(&mut self, end: u32, wipe: bool) {
        debug_assert!(self.tail <= end && end <= self.end, "R3");
        let (low, high) = (self.low.max(end), self.high.max(end));
        if wipe && low < high {
            self.lend(low, high).fill(0);
        }
        self.low = self.low.min(end);
        self.high = self.high.min(end);
        // SAFETY: the run is ours (R4), and `end` is inside it.
        let (kept, given_up) = unsafe { self.base.split(self.start, end, self.end) };
        // SAFETY: nobody uses the part behind the new end any more.
        unsafe { given_up.release(end, self.end) };
        self.base = kept;
        self.end = end;
    }

    /// Gives up the bytes up to `start`, which are in front of the payload, wiping them if asked
    /// to.
    pub(crate) fn shorten_front_to(&mut self, start: u32, wipe: bool) {
        debug_assert!(self.start <= start && start <= self.head, "R3");
        let (low, high) = (self.low.min(start), self.high.min(start));
        if wipe && low < high {
            self.lend(low, high).fill(0);
        }
        self.low = self.low.max(start);
        self.high = self.high.max(start);
        // SAFETY: the run is ours (R4), and `start` is inside it.
        let (given_up, kept) = unsafe { self.base.split(self.start, start, self.end) };
        // SAFETY: nobody uses the part in front of the new start any more.
        unsafe { given_up.release(self.start, start) };
        self.base = kept;
        self.start = start;
    }

    #[inline]
    fn lend(&mut self, from: u32, to: u32) -> &mut [u8] {
        debug_assert!(self.start <= from && to <= self.end, "R3");
        // SAFETY: every caller passes two offsets of this run in order (R3); nobody else uses these
        // bytes (R4), the holder keeps the region alive (R9), and `self` is borrowed for as long.
        unsafe { self.base.bytes_mut(from, to) }
    }
}

#[inline]
fn room(needed: usize, available: usize) -> Result<u32, NoRoom> {
    if needed > available { Err(NoRoom::new(needed, available)) } else { Ok(offset(needed)) }
}

/// A byte count or position inside a region as an offset.
#[expect(clippy::cast_possible_truncation, reason = "a region has at most 2 GiB (R1)")]
#[inline]
pub(crate) const fn offset(n: usize) -> u32 {
    debug_assert!(n <= 1 << 31, "R1: a region has at most 2 GiB");
    n as u32
}
