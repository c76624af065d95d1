//! Counting heap allocations of the current thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting. A test binary that wants
/// [`LabReply::allocations`](super::LabReply::allocations) installs it:
///
/// ```
/// use waterwheel::lab::CountingAllocator;
///
/// #[global_allocator]
/// static ALLOCATOR: CountingAllocator = CountingAllocator;
///
/// let before = CountingAllocator::count();
/// drop(Box::new(1));
/// assert_eq!(CountingAllocator::count() - before, 1);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CountingAllocator;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

impl CountingAllocator {
    /// Allocations and reallocations of this thread so far; always 0 when not installed.
    #[must_use]
    pub fn count() -> u64 {
        COUNT.get()
    }

    /// Whether this is the program's allocator.
    #[must_use]
    pub fn is_installed() -> bool {
        let before = Self::count();
        drop(std::hint::black_box(Box::new(0_u8)));
        Self::count() > before
    }
}

fn count_one() {
    // Fails only while the thread is being torn down, when nobody counts any more.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is forwarded unchanged to the system's allocator, whose contract is the same;
// the counter is a plain thread-local that neither allocates nor unwinds.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: the caller's obligations are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: the caller's obligations are those of `System`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's obligations are those of `System`, which made the allocation.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        count_one();
        // SAFETY: the caller's obligations are those of `System`, which made the allocation.
        unsafe { System.realloc(pointer, layout, len) }
    }
}
