//! R8: no segment is lost, and none comes back twice.

use loom::thread;

use crate::{remote, ring};

/// Whatever the owner does meanwhile, each segment comes back exactly once. Four segments, three
/// threads.
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

/// An announcement that was cleared without its segments would leave them lost, even though they
/// are all in one word. Two segments, two threads.
#[test]
fn announced_return_is_found() {
    loom::model(|| {
        let ring = ring(2);
        let away = remote(&ring, 2);
        let other = thread::spawn(move || drop(away));
        let early = ring.collect_returns();
        assert!(early == 0 || early == 2, "{early}");
        other.join().unwrap();
        assert_eq!(early + ring.collect_returns(), 2);
    });
}
