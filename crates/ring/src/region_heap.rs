//! The memory of a ring in builds with `cfg(waterwheel_heap_segments)`: a heap block for each run.
//!
//! Inside one mapping, Miri and AddressSanitizer see neither the use of a run after its release nor
//! an access past its end. Here both leave a heap block, which they report. A run that is split,
//! joined or extended moves to new blocks; its place in the ring, and so its address as far as
//! [`Base::address`] tells it, stays. Knows neither segments nor who holds them.

use std::alloc::{self, Layout};
use std::collections::BTreeMap;
use std::ptr::{self, NonNull};
use std::{io, slice};

use crate::sync::{Mutex, PoisonError};

/// The blocks of all runs of a ring.
#[derive(Debug)]
pub(crate) struct Region {
    /// Out of a box that `new` has leaked: moving the box itself would end all copies of `Base`.
    table: NonNull<Table>,
}

impl Region {
    #[expect(clippy::unnecessary_wraps, reason = "the mapping in its place can fail")]
    pub(crate) fn new(_len: usize) -> io::Result<Self> {
        Ok(Self { table: NonNull::from(Box::leak(Box::default())) })
    }

    pub(crate) fn base(&self) -> Base {
        Base { table: self.table, bytes: NonNull::dangling(), start: 0 }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the table came out of a box in `new`, and this is the only place that frees it;
        // no run is left to use it (R9).
        let table = unsafe { Box::from_raw(self.table.as_ptr()) };
        let count = table.lock(|blocks| blocks.len());
        assert!(count == 0 || std::thread::panicking(), "R9: {count} runs outlive their region");
    }
}

// SAFETY: the table is behind a lock. Who touches the bytes of a block needs its `Run`, and runs
// never overlap (R4).
unsafe impl Send for Region {}
// SAFETY: as for `Send`.
unsafe impl Sync for Region {}

/// Each block by the offset where its run starts.
#[derive(Debug, Default)]
struct Table {
    blocks: Mutex<BTreeMap<u32, Block>>,
}

#[derive(Debug)]
struct Block {
    bytes: NonNull<u8>,
    end: u32,
}

impl Table {
    fn lock<R>(&self, act: impl FnOnce(&mut BTreeMap<u32, Block>) -> R) -> R {
        act(&mut self.blocks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes the zeroed block of a run. A run without bytes has none.
    fn add(&self, start: u32, end: u32) -> NonNull<u8> {
        if start == end {
            return NonNull::dangling();
        }
        let layout = layout(start, end);
        // SAFETY: the layout has at least one byte.
        let bytes = unsafe { alloc::alloc_zeroed(layout) };
        let bytes = NonNull::new(bytes).unwrap_or_else(|| alloc::handle_alloc_error(layout));
        self.lock(|blocks| {
            let before = blocks.range(..end).next_back();
            let free = before.is_none_or(|(_, block)| block.end <= start);
            assert!(free, "R4: the run {start}..{end} overlaps another");
            blocks.insert(start, Block { bytes, end });
        });
        bytes
    }

    /// Frees the block of a run.
    fn remove(&self, start: u32, end: u32) {
        if start == end {
            return;
        }
        let found = self.lock(|blocks| blocks.remove(&start));
        let block = found.expect("R5: a run is released once");
        assert_eq!(block.end, end, "R5: a run is released as a whole");
        // SAFETY: the block was allocated with this layout, and is out of the table for good.
        unsafe { alloc::dealloc(block.bytes.as_ptr(), layout(start, end)) };
    }
}

/// A run at the start of a segment is as well aligned as in a mapping of small segments.
fn layout(start: u32, end: u32) -> Layout {
    let align = if start.is_multiple_of(64) { 64 } else { 1 };
    Layout::from_size_align((end - start) as usize, align).expect("a run has at most 2 GiB (R1)")
}

/// Where the bytes of a run are, or of none yet. Copies are free; each use proves that the run
/// still lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base {
    table: NonNull<Table>,
    bytes: NonNull<u8>,
    /// Offset in the ring of the first of `bytes`.
    start: u32,
}

impl Base {
    /// Where byte `at` would be if the ring were one mapping.
    pub(crate) fn address(self, at: u32) -> usize {
        ORIGIN + at as usize
    }

    /// The base of a run that begins, over segments that are free.
    ///
    /// # Safety
    /// The region lives and is at least `end` long, `start <= end`, and nobody uses its bytes
    /// `start..end`.
    pub(crate) unsafe fn lease(self, start: u32, end: u32) -> Self {
        // SAFETY: the caller keeps the region alive, and with it the table.
        let table = unsafe { self.table.as_ref() };
        Self { bytes: table.add(start, end), start, ..self }
    }

    /// The base of a run `start..end` that takes the bytes up to `to` in.
    ///
    /// # Safety
    /// As for [`lease`](Self::lease), for the bytes `end..to`.
    pub(crate) unsafe fn extend(self, start: u32, end: u32, to: u32) -> Self {
        // SAFETY: the caller's own promise.
        let back = unsafe { self.lease(end, to) };
        // SAFETY: both runs are the caller's.
        unsafe { self.join(back, start, end, to) }
    }

    /// The bases of the two parts of a run `start..end`, split at `border`.
    ///
    /// # Safety
    /// The run is the caller's, and `start <= border <= end`.
    pub(crate) unsafe fn split(self, start: u32, border: u32, end: u32) -> (Self, Self) {
        // SAFETY: the run is the caller's and `copy` is gone before its block is.
        let copy = unsafe { self.bytes(start, end) }.to_vec();
        // SAFETY: the run ends here; its bytes go on in two others.
        unsafe { self.release(start, end) };
        let (front, back) = copy.split_at((border - start) as usize);
        // SAFETY: the bytes are nobody's since the release.
        let front = unsafe { self.filled(start, front) };
        // SAFETY: as above.
        (front, unsafe { self.filled(border, back) })
    }

    /// The base of a run made of `start..border`, whose base this is, and `border..end`.
    ///
    /// # Safety
    /// Both runs are the caller's.
    pub(crate) unsafe fn join(self, back: Self, start: u32, border: u32, end: u32) -> Self {
        // SAFETY: the run is the caller's.
        let mut copy = unsafe { self.bytes(start, border) }.to_vec();
        // SAFETY: the run is the caller's.
        copy.extend(unsafe { back.bytes(border, end) });
        // SAFETY: the run ends here; its bytes go on in another.
        unsafe { self.release(start, border) };
        // SAFETY: as above.
        unsafe { back.release(border, end) };
        // SAFETY: the bytes are nobody's since the releases.
        unsafe { self.filled(start, &copy) }
    }

    /// Ends a run.
    ///
    /// # Safety
    /// The run `start..end` is the caller's and is not used any more.
    pub(crate) unsafe fn release(self, start: u32, end: u32) {
        // SAFETY: the caller has a run, which keeps the region alive, and with it the table.
        unsafe { self.table.as_ref() }.remove(start, end);
    }

    /// # Safety
    /// As for [`lease`](Self::lease), for the bytes from `start` on.
    unsafe fn filled(self, start: u32, bytes: &[u8]) -> Self {
        let len = u32::try_from(bytes.len()).expect("a run has at most 2 GiB (R1)");
        // SAFETY: the caller's own promise.
        let filled = unsafe { self.lease(start, start + len) };
        // SAFETY: the block is fresh and as long as `bytes`.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), filled.bytes.as_ptr(), bytes.len()) };
        filled
    }

    /// # Safety
    /// The run that has the bytes `from..to` lives for `'a`, `from <= to`, and nobody writes them
    /// during `'a`.
    pub(crate) unsafe fn bytes<'a>(self, from: u32, to: u32) -> &'a [u8] {
        // SAFETY: the caller keeps writers away.
        unsafe { self.bytes_mut(from, to) }
    }

    /// # Safety
    /// The run that has the bytes `from..to` lives for `'a`, `from <= to`, and nobody else reads or
    /// writes them during `'a`.
    pub(crate) unsafe fn bytes_mut<'a>(self, from: u32, to: u32) -> &'a mut [u8] {
        if from == to {
            return &mut [];
        }
        // SAFETY: the block starts at `start` and has the bytes `from..to`.
        let first = unsafe { self.bytes.offset(from as isize - self.start as isize) };
        // SAFETY: the bytes are initialised; the caller keeps their block and everybody else away.
        unsafe { slice::from_raw_parts_mut(first.as_ptr(), (to - from) as usize) }
    }
}

/// Address of byte 0 of every ring: a multiple of the longest segment, and not null.
const ORIGIN: usize = 1 << 20;
