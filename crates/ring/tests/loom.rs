//! The hand-back between threads under loom. A ring of two or four segments, at most three threads.
//!
//! Run by `RUSTFLAGS="--cfg waterwheel_loom" cargo test --release -p waterwheel-ring --test loom`.
#![cfg(waterwheel_loom)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use loom::thread;
use waterwheel_ring::{Config, RemoteLease, Ring};

fn ring(segment_count: usize) -> Ring {
    let mut config = Config::default();
    config.segment_len = 64;
    config.segment_count = segment_count;
    Ring::new(&config).unwrap()
}

fn remote(ring: &Ring, segment_count: usize) -> RemoteLease {
    ring.reserve(segment_count).unwrap().into_remote().unwrap()
}

/// R7: what the other thread wrote and wiped comes before what the owner does with the segment.
#[test]
fn last_use_comes_before_the_next_lease() {
    loom::model(|| {
        let ring = ring(1);
        let mut away = remote(&ring, 1);
        let other = thread::spawn(move || {
            away.append(b"remote").unwrap();
        });
        // Succeeds in those interleavings where the return has been seen.
        if let Ok(mut lease) = ring.reserve(1) {
            lease.append(b"local").unwrap();
            assert_eq!(lease.payload(), b"local");
        }
        other.join().unwrap();
    });
}

/// R7, with nothing but the bitmap between the two: the summary was set by another thread.
#[test]
fn segment_seen_by_way_of_another_return_is_quiet_too() {
    loom::model(|| {
        let ring = ring(2);
        let (mut first, second) = (remote(&ring, 1), remote(&ring, 1));
        let writer = thread::spawn(move || {
            first.append(b"remote").unwrap();
        });
        let other = thread::spawn(move || drop(second));
        if ring.collect_returns() == 2 {
            ring.reserve(2).unwrap().append(b"local").unwrap();
        }
        writer.join().unwrap();
        other.join().unwrap();
    });
}

/// R8: whatever the owner does meanwhile, each segment comes back exactly once.
#[test]
fn no_return_is_lost_or_doubled() {
    loom::model(|| {
        let ring = ring(4);
        let (first, second) = (remote(&ring, 2), remote(&ring, 1));
        let threads = [thread::spawn(move || drop(first)), thread::spawn(move || drop(second))];
        let early = ring.collect_returns();
        let held = ring.reserve(1).unwrap();
        for thread in threads {
            thread.join().unwrap();
        }
        let late = ring.collect_returns();
        assert_eq!((ring.stats().returned, ring.leased()), (3, 1), "{early} early, {late} late");
        drop(held);
        assert_eq!(ring.reserve(4).unwrap().segment_count(), 4);
    });
}

/// R8, where the hand-over itself is not ordered by a join: a return that is announced is found.
#[test]
fn announced_return_is_found() {
    loom::model(|| {
        let ring = ring(2);
        let away = remote(&ring, 2);
        let other = thread::spawn(move || drop(away));
        let early = ring.collect_returns();
        // An announcement that was cleared without its segments would leave them lost.
        assert!(early == 0 || early == 2, "{early}");
        other.join().unwrap();
        assert_eq!(early + ring.collect_returns(), 2);
    });
}

/// R9: the memory lives until the last lease is gone; loom reports a leak or a late access.
#[test]
fn ring_may_go_before_its_leases() {
    loom::model(|| {
        let ring = ring(1);
        let mut away = remote(&ring, 1);
        let other = thread::spawn(move || {
            away.append(b"remote").unwrap();
            assert_eq!(away.payload(), b"remote");
        });
        drop(ring);
        other.join().unwrap();
    });
}
