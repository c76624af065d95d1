//! R7: writes before a release come before reads after the next reservation.

use loom::thread;

use crate::{remote, ring};

/// What the other thread wrote and wiped comes before what the owner does with the segment. One
/// segment, two threads.
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

/// The same with nothing but the bitmap between the two: the summary was set by another thread. Two
/// segments, three threads.
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

/// The room of a lease that follows holds no byte of the lease before: the wipe itself is ordered.
/// One segment, two threads.
#[test]
fn next_lease_finds_what_the_wipe_left() {
    loom::model(|| {
        let ring = ring(1);
        let mut away = remote(&ring, 1);
        let other = thread::spawn(move || {
            away.append(b"remote").unwrap();
        });
        if let Ok(mut lease) = ring.reserve(1) {
            let look = |room: &mut [u8]| {
                assert!(room.iter().all(|&byte| byte == 0));
                Ok::<_, ()>(0)
            };
            lease.append_with(look).unwrap();
        }
        other.join().unwrap();
    });
}
