//! R9: the memory lives until the last lease is gone, in whatever order the threads end. Loom
//! reports a leak or a late access.

use loom::thread;

use crate::{remote, ring};

/// The owner goes first, last or in between. One segment, two threads.
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

/// The ring, a local lease and two that are away go at once. Four segments, three threads.
#[test]
fn everything_goes_at_once() {
    loom::model(|| {
        let ring = ring(4);
        let mut local = ring.reserve(1).unwrap();
        let threads = [remote(&ring, 1), remote(&ring, 2)].map(|mut away| {
            thread::spawn(move || {
                away.append(b"remote").unwrap();
            })
        });
        drop(ring);
        local.append(b"local").unwrap();
        assert_eq!(local.payload(), b"local");
        drop(local);
        for thread in threads {
            thread.join().unwrap();
        }
    });
}
