//! The memory of the process while a bomb is streamed. Alone in its file: other tests would be
//! measured too.

#![cfg(all(feature = "zstd", feature = "gzip"))]

mod bodies;

use bodies::{gzip_zeros, zstd_zeros};
use waterwheel_stages::{Direction, Stage, StageError, gzip::Gzip, zstd::Zstd};

/// The most memory that the process ever held.
fn resident_kib_max() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("a line of it");
    let number = line.split_whitespace().nth(1).expect("a number of KiB");
    number.parse().expect("a number")
}

/// Streams a bomb until it is stopped and returns how much content came, but for the last step, and
/// what memory that took.
fn stopped(stage: &dyn Stage, bomb: &[u8]) -> (usize, usize) {
    let mut room = [0; ROOM_LEN];
    let before = resident_kib_max();
    let mut flow = stage.flow(Direction::Inbound).expect("nothing is lent");
    let (mut read, mut content_len) = (0, 0);
    loop {
        let end = bomb.len().min(read + ROOM_LEN);
        match flow.step(&bomb[read..end], &mut room, end == bomb.len()) {
            Ok(progress) => {
                read += progress.read;
                content_len += progress.written;
            }
            Err(StageError::TooLong { .. }) => break,
            Err(error) => panic!("{error}"),
        }
    }
    (content_len, resident_kib_max() - before)
}

#[test]
fn bombs_are_stopped_in_flat_memory() {
    const LIMIT: usize = 64 << 20;
    let (zstd, gzip) = (zstd_zeros(10 << 30), gzip_zeros(1024));
    let (content_len, grown_kib) = stopped(&Zstd::new(LIMIT), &zstd);
    // The frame asks for a window of 8 MiB, and gets it.
    assert!(LIMIT - content_len <= ROOM_LEN, "{content_len} bytes");
    assert!(grown_kib < 9 * 1024, "{grown_kib} KiB");
    let (content_len, grown_kib) = stopped(&Gzip::new(LIMIT), &gzip);
    assert!(LIMIT - content_len <= ROOM_LEN, "{content_len} bytes");
    assert!(grown_kib < 512, "{grown_kib} KiB");
}

const ROOM_LEN: usize = 4096;
