//! A codec gives one result for one text: as a chain does it, at once or in the window, and as a
//! stream does it, in pieces. Where a plain decoder is at hand, it is that decoder's result. What
//! the codec writes, it reads.
//!
//! First byte: the form of the codec, and the length of the pieces.

use waterwheel_ring::Lease;
use waterwheel_stage_ascii85::Ascii85;
use waterwheel_stages::gzip::{Deflate, Gzip};
use waterwheel_stages::hex::Hex;
use waterwheel_stages::percent::Percent;
use waterwheel_stages::utf8::Utf8;
use waterwheel_stages::zstd::Zstd;
use waterwheel_stages::{Chain, Direction, Next, Plan, Stage, StageError};

use crate::{chain::limits, piece_ends, plain, site, split_choice};

/// Ascii85, the contributed stage.
pub fn ascii85(data: &[u8]) {
    check(Ascii85::new().limit(CONTENT_LEN_MAX), data, |_| None);
}

/// gzip and deflate.
pub fn gzip(data: &[u8]) {
    match split_choice(data).0 & 1 {
        0 => check(Gzip::new(CONTENT_LEN_MAX), data, |_| None),
        _ => check(Deflate::new(CONTENT_LEN_MAX), data, |_| None),
    }
}

/// Hexadecimal digits.
pub fn hex(data: &[u8]) {
    let stage = if split_choice(data).0 & 1 == 0 { Hex::LOWER } else { Hex::UPPER };
    check(stage, data, |text| Some(plain::hex(text)));
}

/// Percent-encoding.
pub fn percent(data: &[u8]) {
    check(Percent, data, |text| Some(plain::percent(text)));
}

/// UTF-8.
pub fn utf8(data: &[u8]) {
    check(Utf8, data, |text| Some(std::str::from_utf8(text).ok().map(|_| text.to_vec())));
}

/// zstd frames.
pub fn zstd(data: &[u8]) {
    check(Zstd::new(CONTENT_LEN_MAX), data, |_| None);
}

/// `reference`: the content by a plain decoder, when there is one, and when the text has one.
fn check(stage: impl Stage, data: &[u8], reference: impl Fn(&[u8]) -> Option<Option<Vec<u8>>>) {
    let (choice, bytes) = split_choice(data);
    // Thousands of pieces for a long text would take the time that other texts need.
    let piece_len = (1 + usize::from(choice >> 1) % 40).max(bytes.len() / 64);
    let chain = Chain::new().then(stage);

    let content = both_ways(&chain, Direction::Inbound, bytes, piece_len);
    if let Some(expected) = reference(bytes) {
        assert_eq!(content, expected, "a plain decoder");
    }
    assert!(content.is_none_or(|content| content.len() <= CONTENT_LEN_MAX.max(bytes.len())));

    if let Some(text) = both_ways(&chain, Direction::Outbound, bytes, piece_len) {
        let again = both_ways(&chain, Direction::Inbound, &text, piece_len);
        assert!(again.as_deref() == Some(bytes) || bytes.len() > CONTENT_LEN_MAX, "read again");
    }
}

/// The result of a whole body, which that of a streamed one must equal. `None`: refused.
fn both_ways(
    chain: &Chain,
    direction: Direction,
    bytes: &[u8],
    piece_len: usize,
) -> Option<Vec<u8>> {
    let at_once = whole(chain, direction, bytes);
    let in_pieces = streamed(chain, direction, bytes, piece_len);
    match (at_once, in_pieces) {
        (Ok(one), Ok(other)) => {
            // Compressed texts may differ; what they say is compared by reading them.
            assert!(direction == Direction::Outbound || one == other, "{direction:?} differs");
            if one != other {
                let contents = [&one, &other].map(|text| whole(chain, Direction::Inbound, text));
                assert!(contents.iter().all(|content| content.as_deref().ok() == Some(bytes)));
            }
            Some(one)
        }
        (Err(one), Err(other)) => {
            for error in [one, other] {
                let is_refusal =
                    matches!(error, StageError::Malformed { .. } | StageError::TooLong { .. });
                assert!(is_refusal, "{direction:?}: {error}");
            }
            None
        }
        // Piece by piece the library skips a compressed block of no bytes; in one call it finds it
        // malformed. The block would add nothing to the content.
        (Err(StageError::Malformed { stage: "zstd", .. }), Ok(_)) if may_hold_void_block(bytes) => {
            None
        }
        (at_once, in_pieces) => panic!(
            "{direction:?}: at once {:?}, in pieces of {piece_len} {:?}",
            at_once.map(|bytes| bytes.len()),
            in_pieces.map(|bytes| bytes.len()),
        ),
    }
}

/// Whether some three bytes read as the header of a compressed zstd block without bytes, the last
/// of its frame or not (RFC 8878 §3.1.1.2).
fn may_hold_void_block(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|header| matches!(header, [4 | 5, 0, 0]))
}

fn whole(chain: &Chain, direction: Direction, bytes: &[u8]) -> Result<Vec<u8>, StageError> {
    let mut lease = match direction {
        Direction::Inbound => {
            let plan = Plan::new(chain, limits(bytes.len())).expect("inputs are short");
            site::lease(bytes, plan.headroom(), plan.tailroom())
        }
        Direction::Outbound => {
            let plan = Plan::new(chain, limits(0)).expect("an empty body is short");
            let room = plan.outbound_room(bytes.len());
            site::lease(bytes, room.front, room.back)
        }
    };
    match direction {
        Direction::Inbound => chain.inbound(&mut lease)?,
        Direction::Outbound => chain.outbound(&mut lease)?,
    }
    Ok(lease.payload().to_vec())
}

fn streamed(
    chain: &Chain,
    direction: Direction,
    bytes: &[u8],
    piece_len: usize,
) -> Result<Vec<u8>, StageError> {
    let mut source = site::lease(b"", 0, bytes.len());
    let mut target = site::lease(b"", 0, TARGET_LEN);
    let mut stream = chain.stream(direction, &source.ring(), 4096)?;
    let (mut result, mut start) = (Vec::new(), 0);
    let take = |target: &mut Lease, result: &mut Vec<u8>| {
        result.extend_from_slice(target.payload());
        target.clear();
    };
    for end in piece_ends(bytes.len(), piece_len) {
        source.append(&bytes[start..end]).expect("the source has room for all of it");
        start = end;
        loop {
            let next = stream.step(&mut source, end == bytes.len(), &mut target)?;
            take(&mut target, &mut result);
            match next {
                Next::Room => {}
                Next::Input => break,
                Next::Done => return Ok(result),
            }
        }
    }
    panic!("the stream asks for input behind the last piece")
}

/// Small, so that short inputs reach it.
const CONTENT_LEN_MAX: usize = 16 * 1024;
const TARGET_LEN: usize = 97;
