//! Nothing allocates after construction, and a ring's memory is its segments and their bookkeeping.

// The other builds trade memory for sight.
#![cfg(not(any(waterwheel_heap_segments, waterwheel_poison)))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(unsafe_code, reason = "a global allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use waterwheel_ring::{Config, Lease, Ring, Runs};

#[test]
fn nothing_is_allocated_after_construction() {
    let ring = Ring::new(&config(256)).unwrap();
    let mut leases: Vec<Lease> = Vec::with_capacity(256);
    let mut runs = Runs::new();
    // The queue's own memory, which a connection keeps.
    for _ in 0..8 {
        runs.push(filled(&ring, 1));
    }
    runs.clear();
    let before = Count::now();
    for round in 0..1_000 {
        for count in [1, 16, 3, 1, 40, 7] {
            leases.push(filled(&ring, count));
        }
        let mut lease = leases.pop().unwrap();
        let _ = lease.extend(2);
        lease.advance(5);
        lease.trim_front();
        let back = lease.split_off(1);
        drop(lease);
        runs.push(back);
        runs.consume(runs.len());
        leases.swap_remove(round % leases.len());
        let remote = leases.swap_remove(0).into_remote().unwrap();
        leases.push(ring.receive(remote).unwrap());
        drop(leases.pop().unwrap().into_remote().unwrap());
        assert!(ring.reserve(300).is_err() && ring.level() < 4);
        if ring.leased() > 128 {
            leases.clear();
        }
    }
    assert_eq!(Count::now(), before);
}

#[test]
fn memory_is_segments_and_bookkeeping() {
    // Two bits a segment, four bytes for its sharers, and less than 1 KiB for the rest.
    for segment_count in [64, 4096, 1 << 16] {
        let before = Count::now();
        let ring = Ring::new(&config(segment_count)).unwrap();
        let heap = Count::now().bytes.wrapping_sub(before.bytes);
        assert!(heap < segment_count / 4 + 4 * segment_count + 1024, "{segment_count}: {heap}");
        drop(ring);
        assert_eq!(Count::now().bytes, before.bytes);
    }
}

#[cfg(all(target_os = "linux", not(any(miri, waterwheel_loom))))]
#[test]
fn mapping_is_as_long_as_the_segments_and_resident_where_used() {
    let mut config = Config::default();
    config.segment_count = 1 << 14;
    let ring = Ring::new(&config).unwrap();
    let leases: Vec<_> = (0..100).map(|_| filled(&ring, 1)).collect();
    let (mapped, resident) = mapping_at(leases[0].address());
    // Neighbouring mappings of the same kind are shown as one.
    assert!(mapped >= ring.capacity(), "{mapped}");
    drop(leases);
    // Lowest segments first: however often a ring is used, what it touches is what was in flight.
    for _ in 0..10_000 {
        drop(filled(&ring, 3));
    }
    let (_, later) = mapping_at(ring.reserve(1).unwrap().address());
    let segment = ring.segment_len();
    assert!(resident >= 100 * segment && later <= resident + 4 * segment, "{resident} {later}");
}

fn config(segment_count: usize) -> Config {
    let mut config = Config::default();
    config.segment_count = segment_count;
    config
}

fn filled(ring: &Ring, segments: usize) -> Lease {
    let mut lease = ring.reserve(segments).unwrap();
    lease
        .append_with(|room| {
            room.fill(7);
            Ok::<_, ()>(room.len())
        })
        .unwrap();
    lease
}

/// Mapped and resident bytes of the mapping around an address, as the kernel counts them.
#[cfg(all(target_os = "linux", not(any(miri, waterwheel_loom))))]
fn mapping_at(address: usize) -> (usize, usize) {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut lines = maps.lines();
    let range = lines
        .by_ref()
        .filter_map(|line| line.split_whitespace().next()?.split_once('-'))
        .filter_map(|(from, to)| {
            Some(usize::from_str_radix(from, 16).ok()?..usize::from_str_radix(to, 16).ok()?)
        })
        .find(|range| range.contains(&address))
        .unwrap();
    let resident = lines.find_map(|line| line.strip_prefix("Rss:")?.strip_suffix("kB")).unwrap();
    (range.len(), resident.trim().parse::<usize>().unwrap() << 10)
}

/// Allocations of this thread so far, and the bytes it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    allocations: usize,
    bytes: usize,
}

thread_local! {
    static COUNT: Cell<Count> = const { Cell::new(Count { allocations: 0, bytes: 0 }) };
}

impl Count {
    fn now() -> Self {
        COUNT.get()
    }
}

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Count { allocations, bytes } = COUNT.get();
        COUNT.set(Count { allocations: allocations + 1, bytes: bytes.wrapping_add(layout.size()) });
        // SAFETY: the caller's promise is the one that is asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let Count { allocations, bytes } = COUNT.get();
        COUNT.set(Count { allocations, bytes: bytes.wrapping_sub(layout.size()) });
        // SAFETY: as in `alloc`.
        unsafe { System.dealloc(memory, layout) };
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;
