//! The bytes of one lease and how they are divided: headroom, payload, tailroom.
//!
//! Here are all reads and writes of leased bytes, for local and for travelling leases. Knows
//! nothing of segments, threads and release: its holder keeps the region alive and gives the run
//! back.

use std::mem;
use std::ops::Range;

use crate::error::NoRoom;
use crate::region::Base;

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
        Self { base, start, end, head: start, tail: start, low: start, high: start }
    }

    /// # Safety
    /// As for [`new`](Self::new), for the bytes from the old end to the new one.
    pub(crate) unsafe fn extend_to(&mut self, end: u32) {
        debug_assert!(self.end <= end, "R3");
        self.end = end;
    }

    /// # Safety
    /// As for [`new`](Self::new), for the bytes from the new start to the old one.
    pub(crate) unsafe fn extend_front_to(&mut self, start: u32) {
        debug_assert!(start <= self.start, "R3");
        self.start = start;
    }

    /// Moves the run out, leaving an empty one, which owns nothing.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        let base = self.base;
        mem::replace(self, Self { base, start: 0, end: 0, head: 0, tail: 0, low: 0, high: 0 })
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
        let to = self.tail + offset(len);
        self.note_written(self.tail, to);
        self.tail = to;
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
    #[inline]
    pub(crate) fn forget(&mut self, headroom: usize) {
        assert!(headroom <= self.capacity(), "headroom fits the lease");
        self.head = self.start + offset(headroom);
        self.tail = self.head;
        self.low = self.head;
        self.high = self.head;
    }

    pub(crate) fn copy_within(&mut self, source: Range<usize>, target: usize) {
        self.payload_mut().copy_within(source, target);
    }

    /// Keeps the payload up to `at` and everything before it; the result has the rest.
    #[inline]
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        assert!(at <= self.len(), "the split is inside the payload");
        let border = self.head + offset(at);
        let back = Self {
            base: self.base,
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
        self.start = front.start;
    }

    /// Whether the payload of `back` starts where the payload of this run ends, with nothing
    /// between.
    pub(crate) fn meets(&self, back: &Self) -> bool {
        self.end == back.start && self.tail == back.head
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
        self.end = end;
    }

    /// Gives up the bytes up to `start`, which are in front of the payload, wiping them if asked to.
    pub(crate) fn shorten_front_to(&mut self, start: u32, wipe: bool) {
        debug_assert!(self.start <= start && start <= self.head, "R3");
        let (low, high) = (self.low.min(start), self.high.min(start));
        if wipe && low < high {
            self.lend(low, high).fill(0);
        }
        self.low = self.low.max(start);
        self.high = self.high.max(start);
        self.start = start;
    }

    /// Zeroes all that this run has written.
    #[inline]
    pub(crate) fn wipe(&mut self) {
        // Asked first: filling nothing in a page that was never touched takes about 100 ns where it
        // is a masked vector store.
        if !self.wipe_if_short() {
            // Backwards, for the bytes read or written last are the ones still in the first cache.
            for chunk in self.lend(self.low, self.high).rchunks_mut(WIPED_AT_ONCE) {
                chunk.fill(0);
            }
        }
    }

    /// As [`wipe`](Self::wipe), if there is nothing to do or as much as a request's head: two stores
    /// that may overlap are a third of what the call of a fill of any length costs.
    #[inline]
    pub(crate) fn wipe_if_short(&mut self) -> bool {
        let (low, high) = (self.low, self.high);
        if (SHORT_LEN..=2 * SHORT_LEN).contains(&(high - low)) {
            self.lend(low, low + SHORT_LEN).fill(0);
            self.lend(high - SHORT_LEN, high).fill(0);
            return true;
        }
        low == high
    }

    #[inline]
    fn lend(&mut self, from: u32, to: u32) -> &mut [u8] {
        debug_assert!(self.start <= from && to <= self.end, "R3");
        // SAFETY: every caller passes two offsets of this run in order (R3); nobody else uses these
        // bytes (R4), the holder keeps the region alive (R9), and `self` is borrowed for as long.
        unsafe { self.base.bytes_mut(from, to) }
    }

    /// Notes that `from..to` has been written. A gap to what was written before is zeroed, so that
    /// one pair of marks is enough.
    #[inline]
    fn note_written(&mut self, from: u32, to: u32) {
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
    fn zero_unwritten(&mut self, from: u32, to: u32) {
        if from == to {
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

/// Long enough to make up for the call of a fill.
const WIPED_AT_ONCE: usize = 4096;

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
