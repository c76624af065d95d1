//! A new lease never reads what an earlier one wrote, whichever way it gets at its bytes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use waterwheel_ring::{Config, Lease, Ring, Wipe};

/// A ring whose every byte an earlier lease has written, the room behind its payload included.
fn used_ring(wipe: Wipe) -> Ring {
    let mut config = Config::default();
    config.segment_len = SEGMENT;
    config.segment_count = 8;
    config.wipe = wipe;
    let ring = Ring::new(&config).unwrap();
    let mut lease = ring.reserve(8).unwrap();
    // Filled and not counted: with `Wipe::OnRelease` the rest stays behind as well.
    let fill = |room: &mut [u8]| {
        room.fill(SECRET);
        Ok::<_, ()>(SEGMENT)
    };
    lease.append_with(fill).unwrap();
    drop(lease);
    ring
}

/// Checks that `act`, on a fresh lease, shows nothing of earlier leases in its payload, and neither
/// does growing to the whole run afterwards.
fn check(act: impl Fn(&Ring, Lease) -> Lease) {
    for wipe in [Wipe::OnRelease, Wipe::Never] {
        let ring = used_ring(wipe);
        let lease = ring.reserve(3).unwrap();
        let mut lease = act(&ring, lease);
        assert!(!lease.payload().contains(&SECRET), "{wipe:?}");
        lease.grow_front(lease.headroom()).unwrap();
        lease.grow_back(lease.tailroom()).unwrap();
        assert_eq!(lease.len(), lease.capacity());
        assert!(!lease.payload().contains(&SECRET), "{wipe:?}, grown");
    }
}

#[test]
fn growing_shows_zeros() {
    check(|_, mut lease| {
        lease.grow_back(100).unwrap();
        lease
    });
    check(|_, mut lease| {
        lease.set_headroom(100);
        lease.grow_front(50).unwrap();
        lease
    });
}

#[test]
fn writes_with_gaps_between_them_show_zeros_there() {
    for first in [0, 10, 64, 100] {
        for second in [0, 10, 64, 100] {
            check(|_, mut lease| {
                lease.set_headroom(first);
                lease.append(b"abc").unwrap();
                lease.clear();
                lease.set_headroom(second);
                lease.append(b"def").unwrap();
                lease
            });
        }
    }
}

#[test]
fn prepend_with_lends_zeros() {
    check(|_, mut lease| {
        lease.set_headroom(100);
        lease.append(b"abc").unwrap();
        lease.prepend_with(60, |room| assert!(!room.contains(&SECRET))).unwrap();
        lease
    });
}

#[test]
fn short_or_failed_fill_reveals_nothing_afterwards() {
    check(|_, mut lease| {
        lease.append_with(|_| Err::<usize, _>(())).unwrap_err();
        lease
            .append_with(|room| {
                room[0] = 1;
                Ok::<_, ()>(1)
            })
            .unwrap();
        lease
    });
}

#[test]
fn panicking_fill_reveals_nothing_afterwards() {
    check(|_, mut lease| {
        lease.set_headroom(20);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = lease.append_with(|room| Ok::<_, ()>(room.len() + 1));
        }));
        assert!(caught.is_err());
        lease
    });
}

#[test]
fn extended_room_is_zeros() {
    check(|_, mut lease| {
        lease.append(b"abc").unwrap();
        lease.extend(4).unwrap();
        lease
    });
    check(|_, mut lease| {
        lease.append(b"abc").unwrap();
        assert_eq!(lease.trim(), 2);
        lease.extend(2).unwrap();
        lease
    });
}

#[test]
fn split_and_joined_leases_show_zeros() {
    check(|_, mut lease| {
        lease.set_headroom(30);
        lease.append(b"abcdef").unwrap();
        let front = lease;
        let mut front = front;
        let back = front.split_off(3);
        front.join(back).unwrap()
    });
    check(|_, mut lease| {
        lease.set_headroom(30);
        lease.append(b"abcdef").unwrap();
        let mut back = lease.split_off(3);
        lease.clear();
        back.truncate(0);
        back.absorb_front(lease).unwrap();
        back
    });
}

#[test]
fn absorbed_neighbour_shows_zeros() {
    for (front_len, back_headroom, back_len) in
        [(0, 0, 0), (5, 0, 0), (0, 5, 5), (5, 0, 5), (5, 5, 5), (64, 3, 0)]
    {
        check(|ring, mut front| {
            let mut back = ring.reserve(2).unwrap();
            front.append(&vec![1; front_len]).unwrap();
            back.set_headroom(back_headroom);
            back.append(&vec![2; back_len]).unwrap();
            back.absorb_front(front).unwrap();
            back
        });
    }
}

#[test]
fn relocated_payload_brings_no_neighbours() {
    check(|ring, mut lease| {
        lease.append(b"abc").unwrap();
        let mut to = ring.reserve(2).unwrap();
        to.set_headroom(40);
        lease.relocate(to).unwrap();
        lease
    });
}

#[test]
fn travelled_lease_shows_zeros() {
    check(|ring, lease| {
        let mut remote = lease.into_remote().unwrap();
        remote.append(b"abc").unwrap();
        ring.receive(remote).unwrap()
    });
}

/// Releases the whole ring after `act`, and looks at what is left of it.
fn check_wiped(act: impl Fn(&mut Lease)) {
    let ring = used_ring(Wipe::OnRelease);
    let mut lease = ring.reserve(8).unwrap();
    lease.grow_back(8 * SEGMENT).unwrap();
    act(&mut lease);
    drop(lease);
    let mut seen = vec![SECRET; 8 * SEGMENT];
    let look = |room: &mut [u8]| {
        seen.copy_from_slice(room);
        Ok::<_, ()>(0)
    };
    ring.reserve(8).unwrap().append_with(look).unwrap();
    assert!(seen.into_iter().all(is_nobodys));
}

#[test]
fn released_bytes_are_wiped() {
    check_wiped(|lease| lease.payload_mut().fill(SECRET));
}

#[test]
fn bytes_that_are_no_longer_payload_are_wiped() {
    check_wiped(|lease| {
        lease.payload_mut().fill(SECRET);
        lease.advance(100);
        lease.truncate(50);
    });
    check_wiped(|lease| {
        lease.payload_mut().fill(SECRET);
        lease.clear();
    });
}

#[test]
fn quarantined_bytes_are_wiped() {
    check_wiped(|lease| {
        lease.clear();
        let fill = |room: &mut [u8]| {
            room.fill(SECRET);
            Err(())
        };
        lease.append_with(fill).unwrap_err();
        lease.quarantine();
    });
}

#[test]
fn released_by_another_thread_is_wiped() {
    let ring = used_ring(Wipe::OnRelease);
    let mut lease = ring.reserve(8).unwrap();
    lease.grow_back(8 * SEGMENT).unwrap();
    lease.payload_mut().fill(SECRET);
    let remote = lease.into_remote().unwrap();
    std::thread::spawn(move || drop(remote)).join().unwrap();
    let mut seen = vec![SECRET; 8 * SEGMENT];
    let look = |room: &mut [u8]| {
        seen.copy_from_slice(room);
        Ok::<_, ()>(0)
    };
    ring.reserve(8).unwrap().append_with(look).unwrap();
    assert!(seen.into_iter().all(is_nobodys));
}

#[test]
fn trimmed_segments_are_wiped() {
    let ring = used_ring(Wipe::OnRelease);
    let mut lease = ring.reserve(8).unwrap();
    lease.append(&[SECRET; 8 * SEGMENT]).unwrap();
    lease.truncate(1);
    assert_eq!(lease.trim(), 7);
    let mut seen = vec![SECRET; 7 * SEGMENT];
    let mut next = ring.reserve(7).unwrap();
    let look = |room: &mut [u8]| {
        seen.copy_from_slice(room);
        Ok::<_, ()>(0)
    };
    next.append_with(look).unwrap();
    assert!(seen.into_iter().all(is_nobodys));
}

#[test]
fn scattered_room_is_zeros() {
    for wipe in [Wipe::OnRelease, Wipe::Never] {
        let ring = used_ring(wipe);
        let _middle = ring.reserve(3).unwrap().split_off(0);
        let runs = ring.reserve_scattered(5 * SEGMENT).unwrap();
        for mut lease in runs.into_leases() {
            lease.grow_back(lease.tailroom()).unwrap();
            assert!(!lease.payload().contains(&SECRET));
        }
    }
}

/// Whether a byte that nobody has written may be this one.
fn is_nobodys(byte: u8) -> bool {
    byte == 0 || cfg!(waterwheel_poison) && byte == 0xDB
}

const SEGMENT: usize = 64;
const SECRET: u8 = 0xA5;
