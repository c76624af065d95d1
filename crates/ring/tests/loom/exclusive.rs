//! R4: no two live leases over one segment.

use loom::thread;

use crate::{SEGMENT, remote, ring};

/// The holder and the owner write and read back. A segment leased twice would be written without
/// an order, or hold another's bytes. Two segments, two threads.
#[test]
fn segment_away_is_not_leased_again() {
    loom::model(|| {
        let ring = ring(2);
        let mut away = remote(&ring, 1);
        let other = thread::spawn(move || {
            away.append(&[1; SEGMENT]).unwrap();
            assert_eq!(away.payload(), [1; SEGMENT]);
        });
        let mut leases = Vec::new();
        while let Ok(mut lease) = ring.reserve(1) {
            lease.append(&[2; SEGMENT]).unwrap();
            leases.push(lease);
        }
        assert!(matches!(leases.len(), 1 | 2));
        for lease in &leases {
            assert_eq!(lease.payload(), [2; SEGMENT]);
        }
        other.join().unwrap();
    });
}

/// Collected segments go to one lease each, whatever else is given meanwhile. Two segments, three
/// threads.
#[test]
fn collected_segments_are_leased_once() {
    loom::model(|| {
        let ring = ring(2);
        let threads = [remote(&ring, 1), remote(&ring, 1)].map(|mut away| {
            thread::spawn(move || {
                away.append(b"remote").unwrap();
            })
        });
        let first = ring.reserve(1).ok();
        let second = ring.reserve(1).ok();
        let addresses = [&first, &second].map(|lease| lease.as_ref().map(|lease| lease.address()));
        assert!(addresses[0].is_none() || addresses[0] != addresses[1]);
        for mut lease in [first, second].into_iter().flatten() {
            lease.append(b"local").unwrap();
        }
        for thread in threads {
            thread.join().unwrap();
        }
    });
}
