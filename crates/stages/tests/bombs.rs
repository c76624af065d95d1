//! Small bodies that would become very large ones are stopped at the limit, in flat memory.

#![cfg(all(feature = "zstd", feature = "gzip"))]
#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod bodies;

use bodies::{content, gzip_zeros, leased, ring, zstd_frame, zstd_zeros};
use waterwheel_ring::{Lease, Ring};
use waterwheel_stages::gzip::{Deflate, Gzip};
use waterwheel_stages::zstd::Zstd;
use waterwheel_stages::{Chain, Direction, Flow, Next, StageError};
use zstd_safe::CParameter;

const LIMIT: usize = 1 << 20;
/// Four segments.
const TARGET_LEN: usize = 16 * 1024;

/// Most segments that a body of 1 MiB may take: itself, and its source beside it.
fn refused(chain: &Chain, body: &[u8]) -> u64 {
    let ring = ring(1024);
    let mut lease = leased(&ring, body, 0);
    let before = ring.leased();
    let error = chain.inbound(&mut lease).unwrap_err();
    assert!(matches!(error, StageError::TooLong { limit: LIMIT, .. }), "{error}");
    drop(lease);
    assert_eq!(ring.leased(), 0);
    (ring.stats().leased_max - before) as u64
}

/// Streams a body into a target that is emptied whenever it is full, and counts what came, but for
/// the step that failed.
fn streamed(chain: &Chain, body: &[u8]) -> (usize, StageError) {
    let ring = ring(64);
    let mut stream = chain.stream(Direction::Inbound, &ring, 8192).unwrap();
    let (mut source, mut target) = (ring.reserve(4).unwrap(), ring.reserve(4).unwrap());
    let mut rest = body;
    let mut content_len = 0;
    loop {
        let next = stream.step(&mut source, rest.is_empty(), &mut target);
        content_len += target.len();
        target.clear();
        match next {
            Ok(Next::Done) => panic!("a bomb of {content_len} bytes passed"),
            Ok(Next::Input) => rest = refill(&mut source, rest),
            Ok(Next::Room) => {}
            Err(error) => return (content_len, error),
        }
        assert!(ring.leased() <= 16, "{} segments", ring.leased());
    }
}

fn refill<'a>(source: &mut Lease, rest: &'a [u8]) -> &'a [u8] {
    source.clear();
    let (piece, rest) = rest.split_at(rest.len().min(source.tailroom()));
    source.append(piece).unwrap();
    rest
}

#[test]
fn ten_gibibytes_of_zeros_as_zstd_are_stopped() {
    let bomb = zstd_zeros(10 << 30);
    assert!(bomb.len() < 340_000, "{} bytes", bomb.len());
    let chain = Chain::new().then(Zstd::new(LIMIT));
    // Its room is reserved once, and nothing more.
    assert!(refused(&chain, &bomb) <= 258);
    let (content_len, error) = streamed(&chain, &bomb);
    assert_eq!((LIMIT - content_len <= TARGET_LEN, error.stage()), (true, "zstd"));
    assert!(matches!(error, StageError::TooLong { limit: LIMIT, .. }), "{error}");
}

#[test]
fn a_claim_of_too_much_is_refused_before_room_is_reserved() {
    let honest = zstd_frame(&vec![0; LIMIT + 1], &[]);
    assert_eq!(refused(&Chain::new().then(Zstd::new(LIMIT)), &honest), 0);
}

#[test]
fn a_body_one_byte_too_long_is_refused_and_one_at_the_limit_passes() {
    let exact = content(LIMIT, 1);
    let mut longer = exact.clone();
    longer.push(0);
    let silent = [CParameter::ContentSizeFlag(false)];
    let chains = [
        (
            Chain::new().then(Zstd::new(LIMIT)),
            zstd_frame(&exact, &silent),
            zstd_frame(&longer, &silent),
        ),
        (Chain::new().then(Gzip::new(LIMIT)), gzip(&exact), gzip(&longer)),
        (Chain::new().then(Deflate::new(LIMIT)), zlib(&exact), zlib(&longer)),
    ];
    for (chain, fits, too_long) in chains {
        let ring = ring(2048);
        let mut lease = leased(&ring, &fits, 0);
        chain.inbound(&mut lease).unwrap();
        assert!(lease.payload() == exact, "{chain:?}");
        refused(&chain, &too_long);
        let (len, error) = streamed(&chain, &too_long);
        assert!(
            LIMIT - len <= TARGET_LEN && matches!(error, StageError::TooLong { .. }),
            "{len}: {error}"
        );
    }
}

#[test]
fn a_gibibyte_of_zeros_as_gzip_is_stopped() {
    let bomb = gzip_zeros(1024);
    assert!(bomb.len() < 1_200_000, "{} bytes", bomb.len());
    let chain = Chain::new().then(Gzip::new(LIMIT));
    assert!(refused(&chain, &bomb) <= 2 * 258);
    let (content_len, error) = streamed(&chain, &bomb);
    assert_eq!((LIMIT - content_len <= TARGET_LEN, error.stage()), (true, "gzip"));
}

#[test]
fn nested_codings_are_stopped_at_the_first_limit_that_is_passed() {
    let inner = zstd_zeros(10 << 30);
    let packed = [
        (Chain::new().then(Zstd::new(LIMIT)).then(Zstd::new(LIMIT)), zstd_frame(&inner, &[])),
        (Chain::new().then(Gzip::new(LIMIT)).then(Zstd::new(LIMIT)), gzip(&inner)),
        (
            Chain::new().then(Gzip::new(LIMIT)).then(Zstd::new(LIMIT)).then(Gzip::new(LIMIT)),
            gzip(&zstd_frame(&gzip_zeros(1024), &[])),
        ),
    ];
    for (chain, bomb) in packed {
        refused(&chain, &bomb);
        let (_, error) = streamed(&chain, &bomb);
        assert!(matches!(error, StageError::TooLong { limit: LIMIT, .. }), "{error}");
    }
}

#[test]
fn a_refused_bomb_leaves_its_context_fit_for_the_next_body() {
    let ring: Ring = ring(64);
    let chain = Chain::new().then(Zstd::new(1000));
    let good = zstd_frame(b"water", &[]);
    for _ in 0..100 {
        let mut flow: Flow =
            waterwheel_stages::Stage::flow(&Zstd::new(1000), Direction::Inbound).unwrap();
        let _ = flow.step(&zstd_zeros(1 << 20), &mut [0; 500], false);
        drop(flow);
        let mut lease = leased(&ring, &good, 0);
        chain.inbound(&mut lease).unwrap();
        assert_eq!(lease.payload(), b"water");
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    packed(content, flate2::Compress::new_gzip(flate2::Compression::fast(), 15))
}

fn zlib(content: &[u8]) -> Vec<u8> {
    packed(content, flate2::Compress::new(flate2::Compression::fast(), true))
}

fn packed(content: &[u8], mut context: flate2::Compress) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len() * 9 / 8 + 64);
    let flush = flate2::FlushCompress::Finish;
    let status = context.compress_vec(content, &mut bytes, flush).unwrap();
    assert_eq!(status, flate2::Status::StreamEnd);
    bytes
}
