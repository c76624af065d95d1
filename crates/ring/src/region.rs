//! The memory of a ring: one zeroed mapping, and its address.
//!
//! Knows neither segments nor who holds them. With `cfg(waterwheel_heap_segments)`
//! `region_heap.rs` stands in its place.

use std::ptr::NonNull;
use std::{io, slice};

#[cfg(waterwheel_poison)]
use crate::poison;
#[cfg(waterwheel_loom)]
use crate::sync::UnsafeCell;

/// The memory of one ring. It is initialised from the start (zeroed by the system) and is touched
/// through [`Base`] alone.
#[derive(Debug)]
pub(crate) struct Region {
    base: Base,
    /// Kept for its `Drop`; nobody borrows it after `new`.
    _backing: Backing,
    #[cfg(waterwheel_loom)]
    _witnesses: Box<[Witness]>,
}

impl Region {
    pub(crate) fn new(len: usize) -> io::Result<Self> {
        let (backing, bytes) = Backing::new(len)?;
        #[cfg(waterwheel_poison)]
        // SAFETY: the memory is `len` bytes long, initialised, and still nobody's.
        poison::lay(unsafe { slice::from_raw_parts_mut(bytes.as_ptr(), len) });
        #[cfg(waterwheel_loom)]
        let witnesses: Box<[Witness]> =
            (0..len.div_ceil(WITNESSED_LEN)).map(|_| Witness(UnsafeCell::new(()))).collect();
        Ok(Self {
            base: Base {
                bytes,
                #[cfg(waterwheel_loom)]
                witnesses: NonNull::from(&*witnesses),
            },
            _backing: backing,
            #[cfg(waterwheel_loom)]
            _witnesses: witnesses,
        })
    }

    pub(crate) const fn base(&self) -> Base {
        self.base
    }
}

// SAFETY: `Region` itself never reads or writes its bytes, it only frees them. Who touches them
// needs a `Run`, and runs never overlap (R4).
unsafe impl Send for Region {}
// SAFETY: as for `Send`; a shared `Region` gives out nothing but its address.
unsafe impl Sync for Region {}

/// Address of byte 0 of a region. Copies are free; each use proves that the region still lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base {
    bytes: NonNull<u8>,
    /// Stand in for the bytes, which loom cannot watch.
    #[cfg(waterwheel_loom)]
    witnesses: NonNull<[Witness]>,
}

impl Base {
    #[inline]
    pub(crate) fn address(self, at: u32) -> usize {
        self.bytes.as_ptr().addr() + at as usize
    }

    /// The base of a run that begins, over segments that are free.
    ///
    /// # Safety
    /// The region lives and is at least `end` long, `start <= end`, and nobody uses its bytes
    /// `start..end`.
    #[inline]
    pub(crate) unsafe fn lease(self, start: u32, end: u32) -> Self {
        #[cfg(waterwheel_poison)]
        // SAFETY: the caller keeps everybody else away from these bytes of a living region.
        poison::check(unsafe { self.bytes_mut(start, end) });
        let _ = (start, end);
        self
    }

    /// The base of a run `start..end` that takes the bytes up to `to` in.
    ///
    /// # Safety
    /// As for [`lease`](Self::lease), for the bytes `end..to`.
    #[inline]
    pub(crate) unsafe fn extend(self, _start: u32, end: u32, to: u32) -> Self {
        // SAFETY: the caller's own promise.
        unsafe { self.lease(end, to) }
    }

    /// The bases of the two parts of a run `start..end`, split at `border`.
    ///
    /// # Safety
    /// The run is the caller's, and `start <= border <= end`.
    #[inline]
    pub(crate) unsafe fn split(self, _start: u32, _border: u32, _end: u32) -> (Self, Self) {
        (self, self)
    }

    /// The base of a run made of `start..border`, whose base this is, and `border..end`.
    ///
    /// # Safety
    /// Both runs are the caller's.
    #[inline]
    pub(crate) unsafe fn join(self, _back: Self, _start: u32, _border: u32, _end: u32) -> Self {
        self
    }

    /// Ends a run.
    ///
    /// # Safety
    /// The run `start..end` is the caller's and is not used any more.
    #[inline]
    pub(crate) unsafe fn release(self, start: u32, end: u32) {
        #[cfg(waterwheel_poison)]
        // SAFETY: the run is the caller's, so nobody else uses these bytes.
        poison::lay(unsafe { self.bytes_mut(start, end) });
        let _ = (start, end);
    }

    /// # Safety
    /// The region lives for `'a` and is at least `to` long, `from <= to`, and nobody writes the
    /// bytes `from..to` during `'a`.
    #[inline]
    pub(crate) unsafe fn bytes<'a>(self, from: u32, to: u32) -> &'a [u8] {
        debug_assert!(from <= to, "R3: {from} <= {to}");
        self.watch(from, to, false);
        // SAFETY: the caller keeps `from` inside the region.
        let first = unsafe { self.bytes.add(from as usize) };
        // SAFETY: the bytes are inside the region and initialised since it was mapped (R1); the
        // caller keeps it alive and writers away.
        unsafe { slice::from_raw_parts(first.as_ptr(), (to - from) as usize) }
    }

    /// # Safety
    /// The region lives for `'a` and is at least `to` long, `from <= to`, and nobody else reads or
    /// writes the bytes `from..to` during `'a`.
    #[inline]
    pub(crate) unsafe fn bytes_mut<'a>(self, from: u32, to: u32) -> &'a mut [u8] {
        debug_assert!(from <= to, "R3: {from} <= {to}");
        self.watch(from, to, true);
        // SAFETY: the caller keeps `from` inside the region.
        let first = unsafe { self.bytes.add(from as usize) };
        // SAFETY: the bytes are inside the region and initialised since it was mapped (R1); the
        // caller keeps it alive and everybody else away.
        unsafe { slice::from_raw_parts_mut(first.as_ptr(), (to - from) as usize) }
    }

    #[cfg(not(waterwheel_loom))]
    #[inline]
    fn watch(self, _from: u32, _to: u32, _write: bool) {}

    /// Tells loom of an access.
    #[cfg(waterwheel_loom)]
    fn watch(self, from: u32, to: u32, write: bool) {
        // SAFETY: witnesses live as long as the region, which the caller of `bytes` keeps alive.
        let witnesses = unsafe { self.witnesses.as_ref() };
        let (first, end) = (from as usize / WITNESSED_LEN, (to as usize).div_ceil(WITNESSED_LEN));
        // No byte is no access, wherever it would be.
        let count = if from == to { 0 } else { end - first };
        for witness in witnesses.iter().skip(first).take(count) {
            if write {
                witness.0.with_mut(|_| ());
            } else {
                witness.0.with(|_| ());
            }
        }
    }
}

/// Bytes that one witness stands for: a segment of the models.
#[cfg(waterwheel_loom)]
const WITNESSED_LEN: usize = 64;

/// What loom watches in place of the bytes.
#[cfg(waterwheel_loom)]
#[derive(Debug)]
struct Witness(UnsafeCell<()>);

#[cfg(not(any(miri, waterwheel_loom)))]
#[derive(Debug)]
struct Backing {
    _map: memmap2::MmapMut,
}

#[cfg(not(any(miri, waterwheel_loom)))]
impl Backing {
    fn new(len: usize) -> io::Result<(Self, NonNull<u8>)> {
        let mut map = memmap2::MmapMut::map_anon(len)?;
        let bytes = NonNull::from(&mut map[..]).cast();
        Ok((Self { _map: map }, bytes))
    }
}

/// A plain heap allocation, which Miri and loom can follow.
#[cfg(any(miri, waterwheel_loom))]
#[derive(Debug)]
struct Backing {
    bytes: NonNull<[u8]>,
}

#[cfg(any(miri, waterwheel_loom))]
impl Backing {
    #[expect(clippy::unnecessary_wraps, reason = "the mapping in its place can fail")]
    fn new(len: usize) -> io::Result<(Self, NonNull<u8>)> {
        let bytes = NonNull::from(Box::leak(vec![0; len].into_boxed_slice()));
        Ok((Self { bytes }, bytes.cast()))
    }
}

#[cfg(any(miri, waterwheel_loom))]
impl Drop for Backing {
    fn drop(&mut self) {
        // SAFETY: `bytes` came out of a box in `new`, and this is the only place that frees it.
        drop(unsafe { Box::from_raw(self.bytes.as_ptr()) });
    }
}
