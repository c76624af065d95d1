//! The geometry of one lease, and leases that meet.

use crate::{Config, Lease, NoRoom, Ring, Wipe};

fn ring() -> Ring {
    Ring::new(&Config { segment_len: 64, segment_count: 16, ..Config::default() }).unwrap()
}

fn geometry(lease: &Lease) -> (usize, usize, usize) {
    (lease.headroom(), lease.len(), lease.tailroom())
}

#[test]
fn payload_grows_into_both_rooms() {
    let ring = ring();
    let mut lease = ring.reserve(1).unwrap();
    lease.set_headroom(10);
    lease.append(b"world").unwrap();
    lease.prepend(b"hello ").unwrap();
    assert_eq!(lease.payload(), b"hello world");
    assert_eq!(geometry(&lease), (4, 11, 49));
    let refused: NoRoom = lease.prepend(&[0; 5]).unwrap_err();
    assert_eq!((refused.needed(), refused.available()), (5, 4));
    assert!(lease.append(&[0; 50]).is_err() && lease.grow_back(usize::MAX).is_err());
    assert_eq!(geometry(&lease), (4, 11, 49));
}

#[test]
fn truncate_advance_and_clear_move_the_borders() {
    let ring = ring();
    let mut lease = ring.reserve(1).unwrap();
    lease.append(b"0123456789").unwrap();
    lease.advance(2);
    lease.truncate(5);
    lease.truncate(100);
    assert_eq!(lease.payload(), b"23456");
    lease.grow_back(3).unwrap();
    lease.grow_front(2).unwrap();
    assert_eq!(lease.payload(), b"0123456789");
    lease.clear();
    assert_eq!(geometry(&lease), (0, 0, 64));
}

#[test]
fn failed_fill_adds_nothing() {
    let ring = ring();
    let mut lease = ring.reserve(1).unwrap();
    assert_eq!(lease.append_with(|room| Err::<usize, _>(room.len())), Err(64));
    assert_eq!(
        lease.append_with(|room| {
            room[..3].fill(7);
            Ok::<_, ()>(3)
        }),
        Ok(3)
    );
    assert_eq!(lease.payload(), [7, 7, 7]);
}

#[test]
#[should_panic(expected = "no more bytes are filled than were lent")]
fn fill_beyond_the_room_panics() {
    let ring = ring();
    let _ = ring.reserve(1).unwrap().append_with(|room| Ok::<_, ()>(room.len() + 1));
}

#[test]
#[should_panic(expected = "headroom is set while the lease is empty")]
fn headroom_of_a_filled_lease_is_fixed() {
    let ring = ring();
    let mut lease = ring.reserve(1).unwrap();
    lease.append(b"x").unwrap();
    lease.set_headroom(1);
}

#[test]
fn shared_segment_is_freed_with_the_last_part() {
    let ring = ring();
    let mut front = ring.reserve(2).unwrap();
    front.append(&[1; 100]).unwrap();
    let mut middle = front.split_off(70);
    let back = middle.split_off(10);
    assert_eq!((front.segment_count(), middle.segment_count(), back.segment_count()), (2, 1, 1));
    drop(front);
    assert_eq!(ring.leased(), 1);
    let middle = middle.into_remote().unwrap_err();
    drop(middle);
    assert_eq!(ring.leased(), 1);
    let remote = back.into_remote().expect("the other parts are gone");
    drop(remote);
    ring.collect_returns();
    assert_eq!(ring.leased(), 0);
}

#[test]
fn split_parts_join_again() {
    let ring = ring();
    let mut front = ring.reserve(2).unwrap();
    front.append(b"front|back").unwrap();
    let back = front.split_off(6);
    assert_eq!((geometry(&front), geometry(&back)), ((0, 6, 0), (0, 4, 118)));
    let front = front.join(back).unwrap();
    assert_eq!((front.payload(), front.tailroom()), (&b"front|back"[..], 118));
    drop(front);
    assert_eq!(ring.leased(), 0);
}

#[test]
fn leases_apart_do_not_join() {
    let ring = ring();
    let (first, second) = (ring.reserve(1).unwrap(), ring.reserve(1).unwrap());
    let (mut first, second) = first.join(second).unwrap_err();
    first.append(&[1; 64]).unwrap();
    let (second, first) = second.join(first).unwrap_err();
    assert_eq!(first.join(second).unwrap().capacity(), 128);
}

#[test]
fn absorbed_front_becomes_headroom() {
    let ring = ring();
    let mut head = ring.reserve(2).unwrap();
    head.append(b"head body").unwrap();
    let mut body = head.split_off(5);
    let (address, stranger) = (body.address(), ring.reserve(1).unwrap());
    body.absorb_front(stranger).unwrap_err();
    body.absorb_front(head).unwrap();
    assert_eq!((geometry(&body), body.address()), ((5, 4, 119), address));
    body.grow_front(5).unwrap();
    assert_eq!(body.payload(), b"head body");
    drop(body);
    assert_eq!(ring.leased(), 0);
}

#[test]
fn split_at_an_end_leaves_a_part_without_segments() {
    let ring = ring();
    let mut lease = ring.reserve(1).unwrap();
    lease.append(b"abc").unwrap();
    let mut all = lease.split_off(0);
    assert_eq!((lease.capacity(), lease.segment_count()), (0, 0));
    all.truncate(3);
    drop(lease);
    assert_eq!((all.payload(), ring.leased()), (&b"abc"[..], 1));
}

#[test]
fn extend_takes_the_segments_right_behind() {
    let ring = ring();
    let mut lease = ring.reserve(1).unwrap();
    lease.append(b"abc").unwrap();
    let address = lease.address();
    lease.extend(3).unwrap();
    assert_eq!((lease.capacity(), lease.address()), (256, address));
    let next = ring.reserve(1).unwrap();
    assert_eq!(next.address() - address, 256, "the hand stepped over the extension");
    assert!(lease.extend(1).is_err());
    drop(next);
    assert!(lease.extend(13).is_err(), "past the end");
    lease.extend(12).unwrap();
    assert_eq!(ring.leased(), 16);
}

#[test]
fn extend_takes_what_another_thread_has_released() {
    let ring = ring();
    let mut lease = ring.reserve(1).unwrap();
    drop(ring.reserve(1).unwrap().into_remote().unwrap());
    lease.extend(1).unwrap();
    assert_eq!(ring.stats().returned, 1);
}

#[test]
fn trim_gives_unused_segments_back() {
    let ring = ring();
    let mut lease = ring.reserve(4).unwrap();
    lease.append(&[1; 65]).unwrap();
    assert_eq!((lease.trim(), lease.trim(), lease.capacity()), (2, 0, 128));
    assert_eq!(ring.leased(), 2);
    lease.clear();
    assert_eq!((lease.trim(), lease.capacity(), ring.leased()), (2, 0, 0));
    lease.extend(2).unwrap();
    assert_eq!((lease.capacity(), ring.leased()), (128, 2));
}

#[test]
fn relocate_copies_behind_the_headroom_and_is_counted() {
    let ring = ring();
    let mut lease = ring.reserve(1).unwrap();
    lease.append(b"payload").unwrap();
    let mut small = ring.reserve(1).unwrap();
    small.set_headroom(60);
    let mut to = lease.relocate(small).unwrap_err();
    to.set_headroom(5);
    lease.relocate(to).unwrap();
    assert_eq!((lease.payload(), geometry(&lease)), (&b"payload"[..], (5, 7, 52)));
    lease.copy_within(0..3, 4);
    assert_eq!(lease.payload(), b"paylpay");
    let stats = ring.stats();
    assert_eq!((stats.copies, stats.copied_bytes, stats.leased), (2, 10, 1));
}

#[test]
fn release_wipes_what_was_written() {
    // Free bytes carry a pattern in one build, and every lease has its own memory in another.
    let fresh = if cfg!(waterwheel_poison) { 0xDB } else { 0 };
    let is_kept = !cfg!(any(waterwheel_heap_segments, waterwheel_poison));
    for (wipe, left) in [(Wipe::OnRelease, fresh), (Wipe::Never, if is_kept { 9 } else { fresh })] {
        let config = Config { segment_len: 64, segment_count: 2, wipe, ..Config::default() };
        let ring = Ring::new(&config).unwrap();
        let mut lease = ring.reserve(2).unwrap();
        lease.append(&[9; 100]).unwrap();
        drop(lease.split_off(30));
        drop(lease);
        let mut lease = ring.reserve(2).unwrap();
        let mut seen = [1; 128];
        let copy = |room: &mut [u8]| {
            seen.copy_from_slice(room);
            Ok::<_, ()>(0)
        };
        lease.append_with(copy).unwrap();
        assert!(seen[..100].iter().all(|&byte| byte == left));
        assert_eq!(seen[100..], [fresh; 28]);
    }
}

#[test]
fn debug_shows_geometry_and_no_bytes() {
    let ring = ring();
    let mut lease = ring.reserve(1).unwrap();
    lease.append(b"secret").unwrap();
    let expected = "Lease { bytes: 0..64, headroom: 0, len: 6, tailroom: 58 }";
    assert_eq!(format!("{lease:?}"), expected);
    assert_eq!(format!("{:?}", lease.into_remote().unwrap()), format!("Remote{expected}"));
}

#[test]
fn run_grows_and_shrinks_at_both_ends() {
    let ring = ring();
    let below = ring.reserve(3).unwrap();
    let mut lease = ring.reserve(2).unwrap();
    lease.append(b"payload").unwrap();
    let address = lease.address();
    assert_eq!(lease.extend_front(1).unwrap_err().asked(), 1, "the neighbour is leased");
    drop(below);
    lease.extend_front(2).unwrap();
    assert!(lease.extend_front(2).is_err(), "one is left");
    lease.extend_front(1).unwrap();
    assert!(lease.extend_front(1).is_err() && lease.extend_front(usize::MAX).is_err());
    assert_eq!((geometry(&lease), ring.leased()), ((192, 7, 121), 5));
    lease.prepend(&[7; 70]).unwrap();
    assert_eq!((lease.trim_front(), ring.leased()), (1, 4));
    assert_eq!((geometry(&lease), lease.address()), ((58, 77, 121), address - 70));
    assert_eq!((lease.trim(), lease.trim_front(), ring.leased()), (1, 0, 3));
    assert_eq!(
        (lease.payload()[69..72].to_vec(), geometry(&lease)),
        (b"\x07pa".to_vec(), (58, 77, 57))
    );
}

#[test]
fn front_given_up_is_wiped_and_a_shared_segment_stays() {
    let ring = ring();
    let mut lease = ring.reserve(3).unwrap();
    lease.append(&[7; 192]).unwrap();
    let front = lease.split_front(32);
    assert_eq!((front.payload(), lease.len()), (&[7; 32][..], 160));
    assert!(lease.extend_front(1).is_err(), "the run starts inside a segment");
    lease.advance(150);
    assert_eq!((lease.trim_front(), ring.leased()), (1, 2), "the first is shared");
    drop(front);
    assert_eq!(ring.leased(), 1);
    let mut fresh = ring.reserve(2).unwrap();
    let kept = |room: &mut [u8]| Ok::<_, ()>(room.iter().filter(|byte| **byte == 7).count());
    fresh.append_with(kept).unwrap();
    assert!(fresh.is_empty(), "nothing of what was written is left");
    assert_eq!(lease.payload(), [7; 10]);
}
