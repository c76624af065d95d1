//! Hand-back racing with each way in which the owner takes segments.

use loom::thread;

use crate::{SEGMENT, remote, ring};

/// Contiguous or scattered, a reservation has all that it asked for or nothing. Two segments, two
/// threads.
#[test]
fn scattered_reservation_has_the_return_or_is_refused() {
    loom::model(|| {
        let ring = ring(2);
        let mut away = remote(&ring, 1);
        let other = thread::spawn(move || {
            away.append(b"remote").unwrap();
        });
        match ring.reserve_scattered(2 * SEGMENT) {
            Ok(mut runs) => {
                runs.append(&ring, &[2; 2 * SEGMENT]).unwrap();
                assert_eq!((runs.len(), ring.leased()), (2 * SEGMENT, 2));
            }
            Err(full) => assert_eq!((full.asked(), full.free()), (2, 1)),
        }
        other.join().unwrap();
        assert_eq!(ring.reserve(2).unwrap().capacity(), 2 * SEGMENT);
    });
}

/// A lease grows into its neighbour in those interleavings where that was returned. Two segments,
/// two threads.
#[test]
fn lease_extends_over_a_returned_neighbour_only() {
    loom::model(|| {
        let ring = ring(2);
        let mut lease = ring.reserve(1).unwrap();
        let mut away = remote(&ring, 1);
        let other = thread::spawn(move || {
            away.append(b"remote").unwrap();
        });
        let extended = lease.extend(1).is_ok();
        lease.append(&vec![2; lease.tailroom()]).unwrap();
        assert_eq!(lease.len(), if extended { 2 * SEGMENT } else { SEGMENT });
        other.join().unwrap();
        drop(lease);
        assert_eq!(ring.reserve(2).unwrap().capacity(), 2 * SEGMENT);
    });
}

/// The owner's own releases and rounds do not disturb a return. Two segments, two threads.
#[test]
fn return_races_with_local_rounds() {
    loom::model(|| {
        let ring = ring(2);
        let mut away = remote(&ring, 1);
        let other = thread::spawn(move || {
            away.append(b"remote").unwrap();
        });
        for _ in 0..2 {
            ring.reserve(1).unwrap().append(b"local").unwrap();
        }
        other.join().unwrap();
        ring.collect_returns();
        assert_eq!((ring.stats().returned, ring.leased()), (1, 0));
    });
}
