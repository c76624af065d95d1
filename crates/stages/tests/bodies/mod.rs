//! Bodies that tests send, and what they do with leases.

#![allow(dead_code, reason = "every test file uses some of it")]

use waterwheel_ring::{Config, Lease, Ring};
use waterwheel_stages::{Direction, Flow, Next, Stage, StageError};
use zstd_safe::{CCtx, CParameter, compress_bound};

pub(crate) fn ring(segment_count: usize) -> Ring {
    let mut config = Config::default();
    config.segment_count = segment_count;
    Ring::new(&config).expect("a ring of allowed size")
}

/// A lease of `ring` that holds these bytes and has `room` bytes behind them.
pub(crate) fn leased(ring: &Ring, bytes: &[u8], room: usize) -> Lease {
    let mut lease = ring.reserve_bytes(bytes.len() + room).expect("the ring is large enough");
    lease.append(bytes).expect("the lease was reserved for them");
    lease
}

/// Bytes that compress to about half, and differ with the seed.
pub(crate) fn content(len: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..len).map(|_| b'a' + random.u8(..16)).collect()
}

pub(crate) fn zstd_frame(content: &[u8], parameters: &[CParameter]) -> Vec<u8> {
    let mut context = CCtx::create();
    for parameter in parameters {
        context.set_parameter(*parameter).expect("a parameter within its bounds");
    }
    let mut frame = vec![0; compress_bound(content.len())];
    let len = context.compress2(&mut frame[..], content).expect("the room is enough");
    frame.truncate(len);
    frame
}

/// A frame of zeros that claims no length: blocks of 128 KiB, four bytes each.
pub(crate) fn zstd_zeros(content_len: u64) -> Vec<u8> {
    const BLOCK_LEN: u64 = 128 * 1024;
    let blocks = content_len.div_ceil(BLOCK_LEN);
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3];
    for block in 1..=blocks {
        let header = u32::try_from(BLOCK_LEN << 3 | 1 << 1 | u64::from(block == blocks));
        frame.extend(&header.expect("21 bits").to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

/// A gzip member of that many MiB of zeros, whose trailer is never reached.
pub(crate) fn gzip_zeros(mebibytes: usize) -> Vec<u8> {
    let mut context = flate2::Compress::new(flate2::Compression::best(), false);
    let mut piece = vec![0; 8192];
    let flush = flate2::FlushCompress::Full;
    context.compress(&vec![0; 1 << 20], &mut piece, flush).expect("zeros can be packed");
    let len = usize::try_from(context.total_out()).expect("a few KiB");
    assert_eq!(context.total_in(), 1 << 20, "one piece takes it all");
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for _ in 0..mebibytes {
        member.extend(&piece[..len]);
    }
    // An empty last block, and a trailer.
    member.extend([3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    member
}

/// Takes a body through a flow in pieces, into rooms of `room_len`, and keeps the result.
///
/// # Errors
/// Those of the flow.
pub(crate) fn flow_through(
    stage: &dyn Stage,
    direction: Direction,
    body: &[u8],
    piece_len: usize,
    room_len: usize,
) -> Result<Vec<u8>, StageError> {
    let mut flow: Flow = stage.flow(direction)?;
    let (mut read, mut end, mut result) = (0, 0, Vec::new());
    let mut room = vec![0; room_len];
    loop {
        let progress = flow.step(&body[read..end], &mut room, end == body.len())?;
        read += progress.read;
        result.extend_from_slice(&room[..progress.written]);
        match progress.next {
            Next::Done => return Ok(result),
            Next::Input => end = body.len().min(end + piece_len),
            Next::Room => {}
        }
    }
}
