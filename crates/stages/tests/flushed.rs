//! Streams that are flushed: what was written so far can be read so far.

#![cfg(all(feature = "base64", feature = "gzip", feature = "zstd"))]

use waterwheel_ring::{Config, Lease, Ring};
use waterwheel_stages::base64::Base64;
use waterwheel_stages::gzip::{Deflate, Gzip};
use waterwheel_stages::zstd::Zstd;
use waterwheel_stages::{Chain, Direction, Next, Stream};

fn ring() -> Ring {
    Ring::new(&Config::default()).expect("a ring can be made")
}

/// Steps `stream` over `source` and flushes it, through targets of `room` bytes at a time.
fn sent(ring: &Ring, stream: &mut Stream, mut source: &[u8], room: usize) -> Vec<u8> {
    let mut sent = Vec::new();
    let mut target = cramped(ring, room);
    while !source.is_empty() {
        let progress =
            stream.step_bytes(source, false, &mut target).expect("nothing is wrong with it");
        source = &source[progress.read..];
        sent.extend_from_slice(target.payload());
        target = cramped(ring, room);
    }
    loop {
        let next = stream.flush(&mut target).expect("nothing is wrong with it");
        sent.extend_from_slice(target.payload());
        target = cramped(ring, room);
        match next {
            Next::Input => return sent,
            Next::Room => {}
            Next::Done => panic!("a flush ends nothing"),
        }
    }
}

/// A lease with so much room.
fn cramped(ring: &Ring, room: usize) -> Lease {
    let mut lease = ring.reserve_bytes(room).expect("the ring is free");
    lease.set_headroom(lease.capacity() - room);
    lease
}

fn received(ring: &Ring, stream: &mut Stream, source: &[u8]) -> Vec<u8> {
    let mut lease = ring.reserve_bytes(source.len().max(1)).expect("the ring is free");
    lease.append(source).expect("there is room");
    let mut target = ring.reserve_bytes(1 << 20).expect("the ring is free");
    assert_eq!(stream.step(&mut lease, false, &mut target).expect("it was flushed"), Next::Input);
    target.payload().to_vec()
}

fn every_flush_can_be_read(chains: &[&Chain], room: usize) {
    let ring = ring();
    let mut out =
        Stream::start(chains, Direction::Outbound, &ring, 4096).expect("contexts are free");
    let mut back =
        Stream::start(chains, Direction::Inbound, &ring, 4096).expect("contexts are free");
    for (round, len) in [3, 0, 30, 3000, 60_000, 3].into_iter().enumerate() {
        let text: Vec<u8> = (0..len)
            .map(|at: usize| (at * at / 7 + round) % 251)
            .map(|byte| u8::try_from(byte).expect("it is below 251"))
            .collect();
        let sent = sent(&ring, &mut out, &text, room);
        assert_eq!(received(&ring, &mut back, &sent), text, "{chains:?}, {room}, round {round}");
    }
}

#[test]
fn what_was_flushed_can_be_read_whatever_the_room() {
    let zstd = Chain::new().then(Zstd::new(1 << 20));
    let gzip = Chain::new().then(Gzip::new(1 << 20));
    let deflate = Chain::new().then(Deflate::new(1 << 20));
    for room in [16, 33, 4096, 100_000] {
        every_flush_can_be_read(&[&zstd], room);
        every_flush_can_be_read(&[&gzip], room);
        every_flush_can_be_read(&[&deflate], room);
        every_flush_can_be_read(&[&gzip, &zstd], room);
        every_flush_can_be_read(&[&deflate, &zstd, &gzip], room);
        every_flush_can_be_read(&[], room);
    }
}

#[test]
fn chains_pass_in_the_order_of_one_chain() {
    let ring = ring();
    let both = Chain::new().then(Zstd::new(1 << 20)).then(Base64::STANDARD);
    let (zstd, base64) =
        (Chain::new().then(Zstd::new(1 << 20)), Chain::new().then(Base64::STANDARD));
    let mut one = both.stream(Direction::Outbound, &ring, 4096).expect("contexts are free");
    let mut two = Stream::start(&[&zstd, &base64], Direction::Outbound, &ring, 4096)
        .expect("contexts are free");
    let text = b"water and water and water";
    assert_eq!(sent(&ring, &mut one, text, 4096), sent(&ring, &mut two, text, 4096));
}
