//! The queue of runs, filled and sent.

use super::*;
use crate::Config;

fn ring(segment_count: usize) -> Ring {
    Ring::new(&Config { segment_len: 64, segment_count, ..Config::default() }).unwrap()
}

fn lease(ring: &Ring, bytes: &[u8]) -> Lease {
    let mut lease = ring.reserve_bytes(bytes.len()).unwrap();
    lease.append(bytes).unwrap();
    lease
}

fn unsent(runs: &Runs) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 64];
    let count = runs.io_slices(&mut slices);
    slices[..count].iter().flat_map(|slice| slice.to_vec()).collect()
}

/// A ring with every second segment leased, by the leases returned.
fn torn(segment_count: usize) -> (Ring, Vec<Lease>) {
    let ring = ring(segment_count);
    let all: Vec<_> = (0..segment_count).map(|_| ring.reserve(1).unwrap()).collect();
    let kept = all.into_iter().step_by(2).collect();
    (ring, kept)
}

#[test]
fn pieces_of_all_kinds_are_sent_in_order() {
    let ring = ring(4);
    let mut runs = Runs::new();
    runs.push_static(b"static ");
    runs.push(lease(&ring, b"lease "));
    runs.push_heap(b"heap".to_vec());
    runs.push(ring.reserve(1).unwrap());
    runs.push_static(b"");
    runs.push_heap(Vec::new());
    assert_eq!((runs.piece_count(), runs.len(), runs.segment_count()), (3, 17, 1));
    assert_eq!(unsent(&runs), b"static lease heap");
    runs.consume(9);
    assert_eq!((runs.front(), runs.len()), (Some(&b"ase "[..]), 8));
    runs.consume(4);
    assert_eq!((ring.leased(), unsent(&runs)), (0, b"heap".to_vec()));
    runs.consume(4);
    assert!(runs.is_empty() && runs.front().is_none() && runs.piece_count() == 0);
}

#[test]
fn pushing_releases_the_room_that_was_not_filled() {
    let (ring, kept) = torn(16);
    let mut runs = ring.reserve_scattered(200).unwrap();
    runs.append(&ring, b"a").unwrap();
    assert_eq!(ring.leased(), kept.len() + 4);
    runs.push_static(b"b");
    assert_eq!((ring.leased(), runs.piece_count()), (kept.len() + 1, 2));
    assert_eq!(unsent(&runs), b"ab");
}

#[test]
fn few_slices_take_the_first_pieces() {
    let mut runs = Runs::new();
    for bytes in [&b"a"[..], b"b", b"c"] {
        runs.push_static(bytes);
    }
    let mut slices = [IoSlice::new(&[]); 2];
    assert_eq!(runs.io_slices(&mut slices), 2);
    assert_eq!((&*slices[0], &*slices[1]), (&b"a"[..], &b"b"[..]));
}

#[test]
#[should_panic(expected = "no more is consumed than is queued")]
fn consuming_past_the_end_panics() {
    let mut runs = Runs::new();
    runs.push_static(b"ab");
    runs.consume(3);
}

#[test]
fn append_fills_the_last_lease_and_reserves_more() {
    let ring = ring(4);
    let mut runs = Runs::new();
    runs.push(lease(&ring, b"head "));
    runs.append(&ring, &[b'x'; 59]).unwrap();
    assert_eq!((runs.piece_count(), ring.leased()), (1, 1));
    runs.append(&ring, &[b'y'; 100]).unwrap();
    assert_eq!((runs.len(), ring.leased()), (164, 3));
    let full = runs.append(&ring, &[0; 200]).unwrap_err();
    assert_eq!((full.asked(), runs.len(), ring.leased()), (3, 164, 3));
    runs.push_static(b"!");
    runs.append(&ring, b"z").unwrap();
    assert_eq!(unsent(&runs)[162..], *b"yy!z");
}

#[test]
fn scattered_room_is_filled_in_order() {
    let (ring, kept) = torn(16);
    let mut runs = ring.reserve_scattered(200).unwrap();
    assert_eq!((runs.piece_count(), runs.len(), runs.tailroom()), (4, 0, 256));
    assert_eq!(ring.stats().scattered, 1);
    let sent: Vec<u8> = (0..150).collect();
    let mut rest = &sent[..];
    while !rest.is_empty() {
        let filled = runs.append_with(|slices| std::io::Read::read_vectored(&mut rest, slices));
        assert!(filled.unwrap() > 0);
    }
    assert_eq!(unsent(&runs), sent);
    runs.consume(150);
    assert_eq!((runs.piece_count(), ring.leased()), (0, 8), "unfilled room goes too");
    drop(kept);
}

#[test]
fn scattered_reservation_takes_long_runs_first_and_all_or_nothing() {
    let ring = ring(128);
    let mut all: Vec<_> = (0..128).map(|_| Some(ring.reserve(1).unwrap())).collect();
    for at in (0..8).chain(20..21).chain(60..80).chain(100..103) {
        all[at] = None;
    }
    let runs = ring.reserve_scattered(30 * 64).unwrap();
    let mut lens: Vec<_> = runs.into_leases().map(|lease| lease.segment_count()).collect();
    lens.sort_unstable();
    assert_eq!(lens, [2, 8, 20]);
    assert_eq!(ring.reserve_scattered(33 * 64).unwrap_err().free(), 32);
    assert_eq!(ring.reserve_scattered(32 * 64).unwrap().piece_count(), 4);
    assert_eq!(ring.leased(), 96);
}

#[test]
#[should_panic(expected = "no more bytes are filled than were lent")]
fn filling_past_the_room_panics() {
    let ring = ring(2);
    let mut runs = ring.reserve_scattered(1).unwrap();
    let _ = runs.append_with(|_| Ok::<_, ()>(65));
}

#[test]
fn evacuated_queue_holds_no_segment() {
    let ring = ring(4);
    let mut runs = Runs::new();
    runs.push(lease(&ring, b"first "));
    runs.push_static(b"second ");
    runs.push(lease(&ring, b"third"));
    runs.consume(2);
    assert_eq!(runs.evacuate(), 9);
    assert_eq!((ring.leased(), runs.segment_count()), (0, 0));
    assert_eq!(unsent(&runs), b"rst second third");
    let stats = ring.stats();
    assert_eq!((stats.copies, stats.copied_bytes), (2, 9));
}

#[test]
fn placed_bytes_join_the_last_piece_while_they_fit() {
    let ring = ring(4);
    let mut runs = Runs::new();
    runs.place(&ring, 2, |room| room.copy_from_slice(b"ab"));
    runs.place(&ring, 1, |room| room.copy_from_slice(b"c"));
    assert_eq!((unsent(&runs), runs.piece_count()), (b"abc".to_vec(), 1));
    runs.push_static(b"d");
    runs.place(&ring, 1, |room| room.copy_from_slice(b"e"));
    assert_eq!((unsent(&runs), runs.piece_count()), (b"abcde".to_vec(), 3));
    assert_eq!(format!("{runs:?}").matches("Static(1)").count(), 1);
}

#[test]
fn placing_takes_the_heap_when_the_ring_is_full() {
    let ring = ring(4);
    let held = ring.reserve(4).unwrap();
    let mut runs = Runs::new();
    runs.place(&ring, 3, |room| room.copy_from_slice(b"abc"));
    assert_eq!((unsent(&runs), runs.segment_count()), (b"abc".to_vec(), 0));
    drop(held);
}

#[test]
fn a_single_segment_sent_whole_stays_as_wiped_room() {
    let ring = ring(4);
    let mut runs = Runs::new();
    runs.place(&ring, 2, |room| room.copy_from_slice(b"ab"));
    runs.consume(1);
    runs.consume(1);
    assert!(runs.is_empty() && runs.front().is_none());
    assert_eq!((ring.leased(), ring.stats().reservations), (1, 1));
    let fresh = if cfg!(waterwheel_poison) { 0xDB } else { 0 };
    runs.place(&ring, 2, |room| assert_eq!(room, [fresh; 2]));
    assert_eq!((runs.len(), ring.stats().reservations), (2, 1));
    runs.clear();
    assert_eq!(ring.leased(), 0);
}

#[test]
fn lent_bytes_are_consumed_as_far_as_they_went() {
    let ring = ring(4);
    let mut runs = Runs::new();
    runs.place(&ring, 5, |room| room.copy_from_slice(b"abcde"));
    let send = |count: usize| move |_: &[u8]| Ok::<usize, ()>(count);
    assert_eq!(runs.consume_with(|_| Err(7)), Err(7));
    assert_eq!(runs.consume_with(send(2)), Ok(2));
    assert_eq!(unsent(&runs), b"cde");
    runs.push_static(b"fg");
    assert_eq!(runs.consume_with(|bytes| Ok::<usize, ()>(bytes.len())), Ok(3));
    assert_eq!((unsent(&runs), runs.piece_count()), (b"fg".to_vec(), 1));
    assert_eq!(runs.consume_with(send(2)), Ok(2));
    assert_eq!((runs.piece_count(), ring.leased()), (0, 0));
    assert_eq!(runs.consume_with(send(0)), Ok(0));
}

#[test]
fn a_single_segment_that_went_whole_stays_as_wiped_room() {
    let ring = ring(4);
    let mut runs = Runs::new();
    for _ in 0..2 {
        runs.place(&ring, 2, |room| room.copy_from_slice(b"ab"));
        assert_eq!(runs.consume_with(|bytes| Ok::<usize, ()>(bytes.len())), Ok(2));
        assert_eq!((runs.len(), runs.tailroom(), ring.stats().reservations), (0, 64, 1));
    }
}

#[test]
#[should_panic(expected = "no more is consumed than is queued")]
fn more_than_was_lent_is_not_consumed() {
    let ring = ring(4);
    let mut runs = Runs::new();
    runs.place(&ring, 2, |room| room.copy_from_slice(b"ab"));
    let _ = runs.consume_with(|_| Ok::<usize, ()>(3));
}
