//! Bodies as other programs write them, and as they must not be.

#![cfg(all(feature = "zstd", feature = "gzip"))]
#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod bodies;

use bodies::{content, flow_through, zstd_frame};
use flate2::{Compress, Compression, Crc, FlushCompress};
use waterwheel_stages::gzip::{Deflate, Gzip};
use waterwheel_stages::zstd::Zstd;
use waterwheel_stages::{Direction, Stage, StageError};
use zstd_safe::CParameter;

const LIMIT: usize = 1 << 20;

/// Decodes at once and in pieces, which must agree.
fn decoded(stage: &dyn Stage, body: &[u8]) -> Result<Vec<u8>, StageError> {
    let whole = flow_through(stage, Direction::Inbound, body, usize::MAX / 2, LIMIT + 100);
    let pieces = flow_through(stage, Direction::Inbound, body, 1, 16);
    assert_eq!(whole.as_ref().ok(), pieces.as_ref().ok(), "{whole:?} {pieces:?}");
    whole
}

fn cause(stage: &dyn Stage, body: &[u8]) -> &'static str {
    match decoded(stage, body) {
        Err(StageError::Malformed { cause, .. }) => cause,
        other => panic!("{other:?}"),
    }
}

fn raw_deflate(content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 * content.len() + 100);
    let mut context = Compress::new(Compression::new(6), false);
    context.compress_vec(content, &mut bytes, FlushCompress::Finish).unwrap();
    bytes
}

fn trailer(content: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(content);
    [crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat()
}

/// A member with these flags and header fields, and the header's checksum when it is flagged.
fn member(flags: u8, fields: &[u8], content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3];
    bytes.extend(fields);
    if flags & 2 != 0 {
        let mut crc = Crc::new();
        crc.update(&bytes);
        bytes.extend(&crc.sum().to_le_bytes()[..2]);
    }
    bytes.extend(raw_deflate(content));
    bytes.extend(trailer(content));
    bytes
}

#[test]
fn zstd_frames_of_every_kind_are_read() {
    for len in [0, 1, 1000, 200_000] {
        let content = content(len, 7);
        for level in [-7, 1, 3, 19] {
            for checksum in [false, true] {
                for claims in [false, true] {
                    let parameters = [
                        CParameter::CompressionLevel(level),
                        CParameter::ChecksumFlag(checksum),
                        CParameter::ContentSizeFlag(claims),
                    ];
                    let frame = zstd_frame(&content, &parameters);
                    assert!(
                        decoded(&Zstd::new(LIMIT), &frame).unwrap() == content,
                        "{parameters:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn zstd_frames_follow_each_other_with_skipped_ones_between() {
    let skipped = b"\x5f\x2a\x4d\x18\x03\0\0\0abc";
    let silent = [CParameter::ContentSizeFlag(false)];
    let body = [
        &skipped[..],
        &zstd_frame(b"water", &[]),
        skipped,
        &zstd_frame(b"wheel", &silent),
        skipped,
    ]
    .concat();
    assert_eq!(decoded(&Zstd::new(LIMIT), &body).unwrap(), b"waterwheel");
    assert_eq!(decoded(&Zstd::new(LIMIT), skipped).unwrap(), b"");
    let many = zstd_frame(b"", &[]).repeat(257);
    assert!(decoded(&Zstd::new(LIMIT), &many).is_err());
}

#[test]
fn zstd_checksums_are_checked() {
    let mut frame = zstd_frame(&content(1000, 8), &[CParameter::ChecksumFlag(true)]);
    let last = frame.len() - 1;
    frame[last] ^= 1;
    assert_eq!(cause(&Zstd::new(LIMIT), &frame), "does not match its checksum");
}

#[test]
fn what_this_stage_writes_other_readers_read() {
    for len in [0, 1, 5000, 300_000] {
        let content = content(len, 9);
        for (piece_len, room_len) in [(usize::MAX / 2, LIMIT), (777, 100)] {
            let texts = |stage: &dyn Stage| {
                flow_through(stage, Direction::Outbound, &content, piece_len, room_len).unwrap()
            };
            for level in [-7, 1, 5, 30] {
                let frame = texts(&Zstd::new(LIMIT).level(level));
                let mut read = vec![0; len];
                assert_eq!(zstd_safe::decompress(&mut read[..], &frame), Ok(len));
                assert!(read == content);
            }
            for level in 0..=9 {
                let text = texts(&Gzip::new(LIMIT).level(level));
                let mut read = Vec::with_capacity(len + 1);
                let mut reader = flate2::Decompress::new_gzip(15);
                let finish = flate2::FlushDecompress::Finish;
                let status = reader.decompress_vec(&text, &mut read, finish);
                assert_eq!(status.unwrap(), flate2::Status::StreamEnd);
                assert!(read == content && reader.total_in() == text.len() as u64);
            }
        }
    }
}

#[test]
fn gzip_headers_of_every_kind_are_read() {
    let content = content(3000, 10);
    let fields: [(u8, &[u8]); 4] =
        [(4, b"\x05\0extra"), (8, b"name\0"), (16, b"comment\0"), (2, b"")];
    for selected in 0..16_usize {
        let chosen = || (0..4).filter(|bit| selected >> bit & 1 == 1).map(|bit| fields[bit]);
        let flags = chosen().fold(1, |flags, (flag, _)| flags | flag);
        let bytes: Vec<u8> = chosen().flat_map(|(_, bytes)| bytes.to_vec()).collect();
        let body = member(flags, &bytes, &content);
        assert!(decoded(&Gzip::new(LIMIT), &body).unwrap() == content, "{flags:b}");
    }
    assert!(decoded(&Gzip::new(LIMIT), &member(4, b"\0\0", &content)).unwrap() == content);
}

#[test]
fn gzip_members_follow_each_other_and_nothing_else_follows() {
    let stage = Gzip::new(LIMIT);
    let one = member(0, b"", b"water");
    let two = [one.clone(), member(8, b"second\0", b"wheel")].concat();
    assert_eq!(decoded(&stage, &two).unwrap(), b"waterwheel");
    assert_eq!(cause(&stage, &[&one[..], b"\0\0\0"].concat()), "ends too early");
    assert_eq!(cause(&stage, &[&one[..], &[0; 10]].concat()), "begins no member");
    assert_eq!(cause(&stage, &one.repeat(257)), "is followed by something else");
    assert_eq!(cause(&stage, b""), "is empty");
}

#[test]
fn gzip_faults_are_told_apart() {
    let stage = Gzip::new(LIMIT);
    let whole = member(2, b"", b"water");
    let changed = |at: usize| {
        let mut body = whole.clone();
        body[at] ^= 0x80;
        cause(&stage, &body)
    };
    let len = whole.len();
    assert_eq!(changed(0), "begins no member");
    assert_eq!(changed(2), "is packed by an unknown method");
    assert_eq!(changed(3), "has reserved flags");
    assert_eq!(changed(10), "does not match its header's checksum");
    assert_eq!(changed(len - 5), "does not match its checksum");
    assert_eq!(changed(len - 1), "is not as long as it says");
    for cut in 1..len {
        assert_eq!(cause(&stage, &whole[..cut]), "ends too early");
    }
}

#[test]
fn deflate_means_zlib() {
    let stage = Deflate::new(LIMIT);
    let content = content(3000, 11);
    let text = flow_through(&stage, Direction::Outbound, &content, usize::MAX / 2, LIMIT).unwrap();
    assert!(decoded(&stage, &text).unwrap() == content);
    assert!(decoded(&stage, &raw_deflate(&content)).is_err());
    assert_eq!(cause(&stage, &[&text[..], b"x"].concat()), "is followed by something else");
    let mut wrong = text.clone();
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    assert_eq!(cause(&stage, &wrong), "is no valid data");
}
