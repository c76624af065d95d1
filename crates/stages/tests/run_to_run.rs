//! Chains whose stages go from run to run: where bodies lie, what they hold, and streams.

#![cfg(all(feature = "zstd", feature = "gzip", feature = "base64"))]
#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod bodies;

use bodies::{content, leased, ring, zstd_frame};
use waterwheel_ring::{Inbound, Lease, Ring};
use waterwheel_stages::base64::Base64;
use waterwheel_stages::gzip::Gzip;
use waterwheel_stages::zstd::Zstd;
use waterwheel_stages::{Chain, Direction, Next, Plan, PlanLimits, Stage, StageError};
use zstd_safe::CParameter;

const LIMIT: usize = 4 << 20;

fn packed_base64() -> Chain {
    Chain::new().then(Zstd::new(LIMIT)).then(Base64::STANDARD)
}

fn text_of(raw: &[u8]) -> Vec<u8> {
    base64_simd::STANDARD.encode_type(raw)
}

#[test]
fn bodies_of_many_lengths_go_in_and_out() {
    let ring = ring(4096);
    let chain = packed_base64();
    for len in (0..3000).step_by(7).chain([65_536, 1 << 20]) {
        let raw = content(len, len as u64);
        for claims in [true, false] {
            let body = zstd_frame(&text_of(&raw), &[CParameter::ContentSizeFlag(claims)]);
            let mut lease = leased(&ring, &body, 0);
            chain.inbound(&mut lease).unwrap();
            assert!(lease.payload() == raw, "{len}");
            // A long one was decompressed over itself and lies where it was received.
            let has_room = lease.headroom() >= Inbound::HEADROOM || len > 100_000;
            assert!(has_room, "{len}: {} bytes for the reply's head", lease.headroom());
            chain.outbound(&mut lease).unwrap();
            let mut text = vec![0; text_of(&raw).len()];
            assert_eq!(zstd_safe::decompress(&mut text[..], lease.payload()), Ok(text.len()));
            assert!(text == text_of(&raw), "{len}");
            assert!(lease.headroom() >= Inbound::HEADROOM);
            // What compression freed is given back.
            assert!(lease.tailroom() < ring.segment_len(), "{len}: {}", lease.tailroom());
        }
    }
    assert_eq!(ring.leased(), 0);
}

#[test]
fn a_usual_body_is_copied_nowhere_and_holds_what_was_planned() {
    let chain = packed_base64();
    let limits = PlanLimits {
        head_len_max: 500,
        body_len_max: 40_000,
        segment_len: 4096,
        reply_head_len_max: Inbound::HEADROOM,
    };
    let limited = Chain::new().then(Zstd::new(70_000)).then(Base64::STANDARD);
    let plan = Plan::new(&limited, limits).unwrap();
    for len in [300, 3000, 40_000] {
        let ring = ring(256);
        let mut lease = leased(&ring, &zstd_frame(&text_of(&content(len, 1)), &[]), 0);
        chain.inbound(&mut lease).unwrap();
        chain.outbound(&mut lease).unwrap();
        let stats = ring.stats();
        assert_eq!(stats.copies, 0, "{len}");
        assert!(stats.leased_max * 4096 <= plan.memory_max(), "{len}: {}", stats.leased_max);
    }
}

/// A body that is long when packed is decompressed over itself: its margin of 128 KiB is less than
/// what the body itself holds.
#[test]
fn the_form_that_needs_fewer_segments_is_taken() {
    let raw = content(600_000, 2);
    let body = zstd_frame(&raw, &[]);
    assert!(body.len() > 250_000);
    let chain = Chain::new().then(Zstd::new(LIMIT));
    let ring = ring(1024);
    let mut lease = leased(&ring, &body, 0);
    let address = lease.address();
    chain.inbound(&mut lease).unwrap();
    assert!(lease.payload() == raw && lease.address() == address);
    let over_itself = ring.stats().leased_max;
    assert!(over_itself * 4096 < raw.len() + 140_000, "{over_itself} segments");

    // Where its neighbours are leased it cannot grow, and goes to another run.
    let mut lease = leased(&ring, &body, 0);
    let _neighbour = ring.reserve(1).unwrap();
    chain.inbound(&mut lease).unwrap();
    assert!(lease.payload() == raw && lease.headroom() == Inbound::HEADROOM);

    // A short body has a margin as long as its content.
    let short = zstd_frame(&raw[..50_000], &[]);
    let mut lease = leased(&ring, &short, 0);
    let address = lease.address();
    chain.inbound(&mut lease).unwrap();
    assert_ne!(lease.address(), address);
}

#[test]
fn content_of_unknown_length_grows_its_run() {
    // Three members, so that the claim of the last one says far too little.
    let part = content(100_000, 3);
    let gzip = Gzip::new(LIMIT);
    let member = bodies::flow_through(&gzip, Direction::Outbound, &part, LIMIT, LIMIT).unwrap();
    let body = member.repeat(12);
    for is_enclosed in [false, true] {
        let ring = ring(2048);
        let mut lease = leased(&ring, &body, 0);
        // A neighbour behind the first target makes it move.
        let hole = is_enclosed.then(|| (ring.reserve(700).unwrap(), ring.reserve(1).unwrap()));
        let _neighbour = hole.map(|(_, neighbour)| neighbour);
        Chain::new().then(gzip).inbound(&mut lease).unwrap();
        assert!(lease.payload() == part.repeat(12));
    }
}

#[test]
fn a_full_ring_is_no_fault_of_the_body() {
    let ring = ring(8);
    let mut lease = leased(&ring, &zstd_frame(&[7; 100_000], &[]), 0);
    let error = Chain::new().then(Zstd::new(LIMIT)).inbound(&mut lease).unwrap_err();
    assert!(matches!(error, StageError::Full { stage: "zstd", .. }), "{error}");
    assert_eq!(lease.len(), zstd_frame(&[7; 100_000], &[]).len());
}

#[test]
fn a_warm_worker_allocates_nothing() {
    let chain = packed_base64();
    let gzip = Chain::new().then(Gzip::new(LIMIT)).then(Base64::STANDARD);
    let ring = ring(1024);
    let exchange = |chain: &Chain, lease: &mut Lease| {
        chain.outbound(lease).unwrap();
        chain.inbound(lease).unwrap();
    };
    for chain in [&chain, &gzip] {
        for len in [500, 3000, 11_000, 65_536] {
            let raw = content(len, 4);
            exchange(chain, &mut leased(&ring, &raw, len));
            let count = allocation_counter::measure(|| {
                for _ in 0..20 {
                    exchange(chain, &mut leased(&ring, &raw, len));
                }
            });
            assert_eq!(count.count_total, 0, "{chain:?}, {len} bytes");
        }
    }
}

/// Streams a body through a chain in pieces of random lengths, into a target that is taken from at
/// random too.
fn streamed(chain: &Chain, direction: Direction, body: &[u8], ring: &Ring, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut stream = chain.stream(direction, ring, 4096).unwrap();
    let (mut source, mut target) = (ring.reserve(2).unwrap(), ring.reserve(2).unwrap());
    let (mut rest, mut result) = (body, Vec::with_capacity(2 * body.len()));
    loop {
        let next = stream.step(&mut source, rest.is_empty(), &mut target).unwrap();
        if next == Next::Input || source.is_empty() {
            source.clear();
            let piece_len = random.usize(..=source.tailroom()).min(rest.len());
            let (piece, behind) = rest.split_at(piece_len);
            source.append(piece).unwrap();
            rest = behind;
        }
        if next != Next::Input || random.bool() {
            result.extend_from_slice(target.payload());
            target.clear();
        }
        if next == Next::Done {
            return result;
        }
    }
}

#[test]
fn bodies_longer_than_the_ring_are_streamed_both_ways() {
    let raw = content(8 << 20, 5);
    let ring = ring(64);
    let chain = || Chain::new().then(Zstd::new(LIMIT * 4)).then(Base64::STANDARD);
    let deep = Chain::new()
        .then(Gzip::new(LIMIT * 4))
        .then(Base64::URL_SAFE)
        .then(Zstd::new(LIMIT * 4))
        .then(Base64::STANDARD_NO_PAD);
    for (chain, seed) in [(chain(), 1), (deep, 2)] {
        let text = streamed(&chain, Direction::Outbound, &raw, &ring, seed);
        let back = streamed(&chain, Direction::Inbound, &text, &ring, seed);
        assert!(back == raw, "{chain:?}");
        assert!(ring.stats().leased_max < 16, "{} segments", ring.stats().leased_max);
        assert_eq!(ring.leased(), 0);
    }
}

#[test]
fn what_is_not_taken_is_not_made() {
    let ring = ring(64);
    let mut stream = packed_base64().stream(Direction::Inbound, &ring, 4096).unwrap();
    let mut source = leased(&ring, &zstd_frame(&text_of(&vec![7; 1 << 20]), &[]), 0);
    let mut target = ring.reserve(1).unwrap();
    for _ in 0..100 {
        assert_eq!(stream.step(&mut source, true, &mut target).unwrap(), Next::Room);
    }
    assert!(target.len() > 4096 - 16 && ring.leased() < 8);
}

#[test]
fn streams_that_cannot_be_are_refused_when_they_start() {
    let ring = ring(64);
    let long = (0..5).fold(Chain::new(), |chain, _| chain.then(Base64::STANDARD));
    let error = long.stream(Direction::Inbound, &ring, 4096).unwrap_err();
    assert!(matches!(error, StageError::Unsupported { stage: "base64" }), "{error}");
    let zstd = Zstd::new(LIMIT);
    let lent: Vec<_> = (0..16).map(|_| zstd.flow(Direction::Inbound).unwrap()).collect();
    let error = packed_base64().stream(Direction::Inbound, &ring, 4096).unwrap_err();
    assert!(matches!(error, StageError::Busy { stage: "zstd" }), "{error}");
    drop(lent);
    assert!(packed_base64().stream(Direction::Inbound, &ring, 4096).is_ok());
}
