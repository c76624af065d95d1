//! Frames with bytes changed, cut and mixed: a clear answer, and no byte touched that is not lent.

#![cfg(all(feature = "zstd", feature = "gzip"))]

mod bodies;

use bodies::{content, leased, ring, zstd_frame};
use fastrand::Rng;
use waterwheel_stages::gzip::Gzip;
use waterwheel_stages::zstd::Zstd;
use waterwheel_stages::{Direction, Flow, Next, Stage, StageError, Window};
use zstd_safe::CParameter;

const LIMIT: usize = 40_000;
const COUNT: usize = 50_000;
const GUARD: [u8; 4096] = [0xa7; 4096];

/// A room between two guards.
struct Guarded {
    bytes: Vec<u8>,
    len: usize,
}

impl Guarded {
    fn new(len: usize) -> Self {
        Self { bytes: [&GUARD[..], &vec![0; len], &GUARD].concat(), len }
    }

    fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[GUARD.len()..][..self.len]
    }

    fn check(&self) {
        assert!(self.bytes[..GUARD.len()] == GUARD, "bytes before the room changed");
        assert!(self.bytes[GUARD.len() + self.len..] == GUARD, "bytes behind the room changed");
    }
}

fn mutated(seeds: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut frame = seeds[random.usize(..seeds.len())].clone();
    match random.u8(..8) {
        0 => frame.truncate(random.usize(..frame.len())),
        1 => {
            let other = &seeds[random.usize(..seeds.len())];
            let at = random.usize(..frame.len());
            frame.truncate(at);
            frame.extend_from_slice(&other[random.usize(..other.len())..]);
        }
        2 => {
            let at = random.usize(..frame.len());
            frame.insert(at, random.u8(..));
        }
        3 => {
            let front = random.usize(..frame.len().min(24));
            frame[front] = random.u8(..);
        }
        _ => {
            for _ in 0..random.usize(1..5) {
                let at = random.usize(..frame.len());
                frame[at] ^= 1 << random.u8(..8);
            }
        }
    }
    frame
}

/// Steps a frame through a flow, in pieces when `piece_len` is short.
fn through(
    stage: &dyn Stage,
    frame: &[u8],
    piece_len: usize,
    target: &mut Guarded,
) -> Result<usize, StageError> {
    // The frame has nothing readable behind it but its own guard.
    let source = Guarded { bytes: [&GUARD[..], frame, &GUARD].concat(), len: frame.len() };
    let source = &source.bytes[GUARD.len()..][..frame.len()];
    let mut flow: Flow = stage.flow(Direction::Inbound)?;
    let (mut read, mut end, mut written) = (0, piece_len.min(frame.len()), 0);
    loop {
        let last = end == frame.len();
        let room_len = target.len;
        let room = &mut target.room()[written % (room_len - Flow::ROOM_MIN)..];
        let step = flow.step(&source[read..end], room, last);
        target.check();
        let progress = step?;
        read += progress.read;
        written += progress.written;
        assert!(written < target.len - Flow::ROOM_MIN, "{written} bytes passed the limit");
        match progress.next {
            Next::Done => return Ok(written),
            Next::Input => end = (end + piece_len).min(frame.len()),
            Next::Room => {}
        }
    }
}

fn answers(stage: &dyn Stage, seeds: &[Vec<u8>]) -> [usize; 3] {
    let mut random = Rng::with_seed(11);
    let mut counts = [0; 3];
    let mut target = Guarded::new(LIMIT + Flow::ROOM_MIN + 1);
    for index in 0..COUNT {
        let frame = mutated(seeds, &mut random);
        let whole = through(stage, &frame, frame.len(), &mut target);
        let class = match &whole {
            Ok(_) => 0,
            Err(StageError::Malformed { .. }) => 1,
            Err(StageError::TooLong { .. }) => 2,
            Err(error) => panic!("a body is to blame for: {error}"),
        };
        counts[class] += 1;
        if index % 4 == 0 {
            let piece_len = random.usize(1..200);
            let pieces = through(stage, &frame, piece_len, &mut target);
            assert_eq!(pieces.is_ok(), whole.is_ok(), "{pieces:?}, {whole:?}: {frame:?}");
        }
    }
    counts
}

fn zstd_seeds() -> Vec<Vec<u8>> {
    let (checksum, silent) = (CParameter::ChecksumFlag(true), CParameter::ContentSizeFlag(false));
    let mut seeds = Vec::new();
    for len in [0, 5, 300, 3000, 20_000, 39_000] {
        for level in [-3, 1, 6, 19] {
            let level = CParameter::CompressionLevel(level);
            seeds.push(zstd_frame(&content(len, 3), &[level]));
            seeds.push(zstd_frame(&content(len, 4), &[level, checksum, silent]));
        }
    }
    let two = [seeds[8].clone(), b"\x50\x2a\x4d\x18\x02\0\0\0ab".to_vec(), seeds[9].clone()];
    seeds.push(two.concat());
    seeds.push(zstd_frame(&[content(9000, 5), vec![0; 9000], content(9000, 5)].concat(), &[]));
    seeds
}

#[test]
fn fifty_thousand_changed_zstd_frames_get_clear_answers() {
    let [passed, malformed, too_long] = answers(&Zstd::new(LIMIT), &zstd_seeds());
    // Changes inside raw bytes go unnoticed where there is no checksum.
    assert!(passed > 1000 && malformed > 20_000 && too_long > 0, "{passed} {malformed} {too_long}");
}

#[test]
fn fifty_thousand_changed_gzip_members_get_clear_answers() {
    let mut seeds = Vec::new();
    for len in [0, 5, 300, 3000, 20_000, 39_000] {
        for level in [0, 1, 6, 9] {
            let level = flate2::Compression::new(level);
            let mut member = Vec::with_capacity(2 * len + 100);
            flate2::Compress::new_gzip(level, 15)
                .compress_vec(&content(len, 6), &mut member, flate2::FlushCompress::Finish)
                .unwrap();
            seeds.push(member);
        }
    }
    seeds.push([seeds[1].clone(), seeds[9].clone()].concat());
    let [passed, malformed, _] = answers(&Gzip::new(LIMIT), &seeds);
    // Of the header, only flags and method have a meaning.
    assert!(passed > 100 && malformed > 40_000, "{passed} {malformed}");
}

/// Decompression over the frame itself, in a window between two other leases. Only long bodies are
/// offered it.
#[test]
fn changed_zstd_frames_stay_in_their_window() {
    const LONG: usize = 400_000;
    let stage = Zstd::new(LONG);
    let ring = ring(1024);
    let (checksum, silent) = (CParameter::ChecksumFlag(true), CParameter::ContentSizeFlag(false));
    let seeds = [
        zstd_frame(&content(300_000, 7), &[]),
        zstd_frame(&content(399_000, 8), &[checksum]),
        zstd_frame(&content(350_000, 9), &[CParameter::CompressionLevel(-5), silent]),
        [zstd_frame(&content(200_000, 10), &[]), zstd_frame(&content(150_000, 11), &[checksum])]
            .concat(),
    ];
    let mut random = Rng::with_seed(12);
    let mut target = Guarded::new(LONG + Flow::ROOM_MIN + 1);
    let (mut offered, mut passed) = (0, 0);
    for index in 0..2000 {
        let frame =
            if index < seeds.len() { seeds[index].clone() } else { mutated(&seeds, &mut random) };
        let measure = stage.measure(Direction::Inbound, &frame);
        let Ok(Some(window_len)) = measure.map(|measure| measure.window_len) else { continue };
        offered += 1;
        let room = vec![0xdb; window_len - frame.len()];
        let mut before = leased(&ring, &[&GUARD[..], &frame, &room, &GUARD].concat(), 0);
        let mut middle = before.split_off(GUARD.len());
        let behind = middle.split_off(window_len);
        middle.truncate(frame.len());
        let in_window = stage.inbound(&mut Window::new(&mut middle));
        assert!(before.payload() == GUARD && behind.payload() == GUARD);
        let apart = through(&stage, &frame, frame.len(), &mut target);
        assert_eq!(in_window.is_ok(), apart.is_ok(), "{in_window:?}, {apart:?}");
        if let Ok(len) = apart {
            assert!(middle.payload() == &target.room()[..len], "{len} bytes");
            passed += 1;
        }
        assert!(index >= seeds.len() || in_window.is_ok(), "{in_window:?}");
    }
    assert!(offered > 500 && passed > 100, "{offered} {passed}");
}
