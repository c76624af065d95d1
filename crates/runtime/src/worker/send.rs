//! Sending what is queued, in one system call where the socket takes it.

use std::io::{self, IoSlice};

use waterwheel_reactor::{Driver, SendFault, VECTORED_MAX};
use waterwheel_ring::Runs;

use super::engine::Outcome;
use crate::connection::Unsent;

/// What sending came to.
pub(super) struct Sent {
    pub(super) len: usize,
    /// Why sending stopped before the end, if it did.
    pub(super) stopped: Result<(), Outcome>,
}

/// Sends `runs` until they are empty or the socket takes no more.
#[inline(always)]
pub(super) fn send<D: Driver>(driver: &mut D, socket: &mut D::Socket, runs: &mut Runs) -> Sent {
    let mut len = 0;
    while !runs.is_empty() {
        let result = match runs.piece_count() {
            1 => runs.consume_with(|bytes| driver.send(socket, bytes)),
            _ => send_vectored(driver, socket, runs),
        };
        match result {
            Ok(0) => return Sent { len, stopped: Err(Outcome::Close) },
            Ok(count) => len += count,
            Err(error) => return Sent { len, stopped: Err(after_fault(&error)) },
        }
    }
    Sent { len, stopped: Ok(()) }
}

/// Sends what was left unsent, and the part of a file behind it.
pub(super) fn send_unsent<D: Driver>(
    driver: &mut D,
    socket: &mut D::Socket,
    unsent: &mut Unsent,
) -> Sent {
    let Unsent { runs, part, .. } = unsent;
    // The head leaves by itself. Told that more follows (`MSG_MORE`), the kernel puts the file's
    // first bytes behind it, and every packet of the file is split: that took half as much CPU time
    // again for 128 KiB and twice as much for 1 MiB.
    let Sent { mut len, stopped } = send(driver, socket, runs);
    let Some(part) = part.as_mut().filter(|_| stopped.is_ok()) else {
        return Sent { len, stopped };
    };
    let mut room = FILE_LEN_PER_TURN;
    while part.len > 0 {
        if room == 0 {
            return Sent { len, stopped: Err(Outcome::Requeue) };
        }
        let wanted = usize::try_from(part.len).unwrap_or(usize::MAX).min(room);
        match driver.send_file(socket, &part.file, part.at, wanted) {
            // The file has become shorter than its peer was told.
            Ok(0) => return Sent { len, stopped: Err(Outcome::Close) },
            Ok(count) => {
                len += count;
                room -= count;
                part.at += count as u64;
                part.len -= count as u64;
            }
            Err(error) => return Sent { len, stopped: Err(after_fault(&error)) },
        }
    }
    Sent { len, stopped: Ok(()) }
}

#[inline(never)]
fn send_vectored<D: Driver>(
    driver: &mut D,
    socket: &mut D::Socket,
    runs: &mut Runs,
) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); VECTORED_MAX];
    let slice_count = runs.io_slices(&mut slices);
    let count = driver.send_vectored(socket, &slices[..slice_count])?;
    runs.consume(count);
    Ok(count)
}

/// What becomes of a connection after a failed call: an edge will come, or the call is made again
/// next turn or a little later, or the connection is over.
pub(super) fn after_fault(error: &io::Error) -> Outcome {
    match SendFault::of(error) {
        SendFault::WouldBlock => Outcome::Wait,
        SendFault::Interrupted => Outcome::Requeue,
        SendFault::Pressure => Outcome::Starved,
        _ => Outcome::Close,
    }
}

/// Most bytes of a file that one connection sends in one turn: 0.1 ms of the kernel's time, which
/// moves pages, not bytes. With a quarter of it 10 MiB took four times as many calls and turns, and
/// about a tenth more CPU time.
const FILE_LEN_PER_TURN: usize = 1 << 20;
