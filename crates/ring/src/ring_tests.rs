//! Reservation, returns and figures of the ring.

use super::*;

fn ring(segment_count: usize) -> Ring {
    Ring::new(&Config { segment_len: 64, segment_count, ..Config::default() }).unwrap()
}

#[test]
fn zero_segments_are_one() {
    let ring = ring(4);
    assert_eq!(ring.reserve(0).unwrap().segment_count(), 1);
    assert_eq!(ring.reserve_bytes(0).unwrap().capacity(), 64);
    assert_eq!(ring.reserve_bytes(65).unwrap().capacity(), 128);
}

#[test]
fn full_says_what_was_asked_and_what_is_free() {
    let ring = ring(8);
    let _lease = ring.reserve(6).unwrap();
    let full = ring.reserve(3).unwrap_err();
    assert_eq!((full.asked(), full.free()), (3, 2));
    assert_eq!(full.to_string(), "no run of 3 free segments, 2 are free in all");
    assert!(ring.reserve(usize::MAX).is_err() && ring.reserve_bytes(usize::MAX).is_err());
    assert_eq!(ring.stats().full, 3);
}

#[test]
fn slow_holder_is_skipped() {
    let ring = ring(8);
    let mut leases: Vec<_> = (0..8).map(|_| ring.reserve(1).unwrap()).collect();
    let slow = leases.remove(2);
    leases.clear();
    let _front = ring.reserve(2).unwrap();
    let behind = ring.reserve(4).unwrap();
    assert_eq!(behind.address() - slow.address(), 64);
    assert_eq!(ring.stats().leased_max, 8);
}

#[test]
fn one_lease_at_a_time_stays_in_the_same_segments() {
    let ring = ring(64);
    let held = ring.reserve(1).unwrap();
    let address = ring.reserve(3).unwrap().address();
    for _ in 0..100 {
        assert_eq!(ring.reserve(3).unwrap().address(), address);
    }
    assert_eq!((ring.stats().laps, ring.stats().skips), (0, 0));
    drop(held);
}

#[test]
fn level_counts_the_watermarks_reached() {
    let config = Config { segment_len: 64, segment_count: 64, ..Config::default() };
    let ring = Ring::new(&Config { watermarks: [50, 75, 100, 101], ..config }).unwrap();
    let mut leases = Vec::new();
    let levels: Vec<_> = (1..=64)
        .map(|_| {
            leases.push(ring.reserve(1).unwrap());
            ring.level()
        })
        .collect();
    let level_at = |leased: usize| levels[leased - 1];
    assert_eq!([31, 32, 47, 48, 63, 64].map(level_at), [0, 1, 1, 2, 2, 3]);
    let remote = leases.pop().unwrap().into_remote().unwrap();
    drop(remote);
    assert_eq!(ring.level(), 2, "collected");
    leases.clear();
    assert_eq!((ring.level(), ring.leased()), (0, 0));
}

#[test]
fn run_kept_aside_is_free_for_everybody() {
    let ring = ring(8);
    drop(ring.reserve(3).unwrap());
    let held = ring.reserve(1).unwrap();
    drop(ring.reserve(1).unwrap());
    assert_eq!((ring.leased(), ring.stats().leased), (1, 1));
    assert_eq!(ring.reserve(8).unwrap_err().free(), 7);
    drop(held);
    assert_eq!(ring.reserve_scattered(8 * 64).unwrap().piece_count(), 1);
    let mut lease = ring.reserve(1).unwrap();
    drop(ring.reserve(7).unwrap());
    lease.extend(7).unwrap();
    assert_eq!((ring.leased(), ring.reserve(1).unwrap_err().free()), (8, 0));
    drop(lease);
    let kept = ring.reserve(1).unwrap();
    let others: Vec<_> = (0..7).map(|_| ring.reserve(1).unwrap()).collect();
    drop(kept);
    assert_eq!((ring.reserve(1).unwrap().segment_count(), others.len()), (1, 7));
}

#[test]
fn remote_release_is_collected_by_the_next_reservation() {
    let ring = ring(2);
    let remote = ring.reserve(2).unwrap().into_remote().unwrap();
    assert!(ring.reserve(1).is_err());
    std::thread::spawn(move || drop(remote)).join().unwrap();
    assert_eq!(ring.leased(), 2, "not collected yet");
    assert_eq!(ring.reserve(2).unwrap().segment_count(), 2);
    assert_eq!((ring.leased(), ring.stats().returned), (0, 2));
}

#[test]
fn many_words_of_returns_are_collected() {
    let ring = ring(1 << 14);
    let remotes: Vec<_> =
        (0..64).map(|_| ring.reserve(256).unwrap().into_remote().unwrap()).collect();
    std::thread::spawn(move || drop(remotes)).join().unwrap();
    assert_eq!(ring.collect_returns(), 1 << 14);
    assert_eq!((ring.collect_returns(), ring.leased()), (0, 0));
}

#[test]
fn lease_comes_home_to_its_own_ring_only() {
    let (home, other) = (ring(2), ring(2));
    let mut lease = home.reserve(1).unwrap();
    lease.append(b"ab").unwrap();
    let address = lease.address();
    let mut remote = lease.into_remote().unwrap();
    remote.append(b"cd").unwrap();
    let remote = other.receive(remote).unwrap_err();
    let lease = home.receive(remote).unwrap();
    assert_eq!((lease.payload(), lease.address()), (&b"abcd"[..], address));
    drop(lease);
    assert_eq!((home.leased(), home.stats().returned), (0, 0));
}

#[test]
fn leases_outlive_their_ring() {
    let ring = ring(4);
    let mut local = ring.reserve(1).unwrap();
    let mut remote = ring.reserve(1).unwrap().into_remote().unwrap();
    drop(ring);
    local.append(b"local").unwrap();
    drop(local);
    remote.append(b"remote").unwrap();
    assert_eq!(remote.payload(), b"remote");
}

#[test]
fn occupancy_is_drawn_in_at_most_64_cells() {
    let small = ring(4);
    let _lease = small.reserve(1).unwrap();
    assert_eq!(format!("{small:?}"), "Ring { 4 x 64 B, leased 1, hand 1, [#...] }");
    let large = ring(256);
    let _lease = large.reserve(6).unwrap();
    assert!(format!("{large:?}").starts_with("Ring { 256 x 64 B, leased 6, hand 6, [#+.."));
    assert_eq!(format!("{large:?}").len(), "Ring { 256 x 64 B, leased 6, hand 6, [] }".len() + 64);
}

#[test]
fn largest_ring_reaches_its_last_byte() {
    // Only a mapping leaves the pages alone that nobody touches.
    if cfg!(any(miri, waterwheel_heap_segments, waterwheel_poison)) {
        return;
    }
    let config = Config { segment_len: 1 << 20, segment_count: 1 << 11, ..Config::default() };
    let ring = Ring::new(&config).unwrap();
    let mut lease = ring.reserve(1 << 11).unwrap();
    lease.set_headroom((1 << 31) - 3);
    lease.append(b"end").unwrap();
    assert_eq!((lease.payload(), lease.tailroom()), (&b"end"[..], 0));
}
