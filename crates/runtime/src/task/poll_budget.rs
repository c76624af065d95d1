//! How much a future may do in one poll. What is always ready (bytes in memory, a peer that writes
//! as fast as it is read) would otherwise keep the worker for as long as the future likes.

use std::cell::Cell;
use std::task::{Context, Poll};

/// What the futures of one worker may still do. Whatever can complete without waiting asks here
/// first, and tells afterwards what it came to.
///
/// Counted in units of about half a microsecond's work, and not in time: that needs no clock, and
/// is the same in every run of a simulation.
#[derive(Debug)]
pub(crate) struct PollBudget {
    /// Units that the poll at hand may still use.
    left: Cell<usize>,
    /// Units that were used since the worker last went on to something else.
    used: Cell<usize>,
}

impl PollBudget {
    pub(super) const fn new() -> Self {
        Self { left: Cell::new(UNITS_PER_POLL), used: Cell::new(0) }
    }

    /// A future is going to be polled.
    pub(super) fn begin_poll(&self) {
        self.left.set(UNITS_PER_POLL);
    }

    /// Ready while anything is left. Else the task is woken, to go on in the next turn.
    pub(crate) fn poll_left(&self, context: &Context<'_>) -> Poll<()> {
        if self.left.get() > 0 {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// An operation has moved so many bytes between files and memory, or none.
    pub(crate) fn charge(&self, len: usize) {
        self.charge_units(1 + len / UNIT_LEN);
    }

    /// An operation has moved so many bytes between memory and a socket.
    pub(crate) fn charge_socket(&self, len: usize) {
        self.charge_units(SOCKET_UNITS + len / UNIT_LEN);
    }

    fn charge_units(&self, units: usize) {
        self.left.set(self.left.get().saturating_sub(units));
        self.used.set(self.used.get().saturating_add(units));
    }

    /// Whether futures have used what one poll may, since this was last the case: time to look at
    /// the reactor.
    pub(crate) fn take_spent(&self) -> bool {
        let is_spent = self.used.get() >= UNITS_PER_POLL;
        if is_spent {
            self.used.set(0);
        }
        is_spent
    }
}

/// 128 reads of 16 KiB from the page cache, or 51 of 64 KiB, or 32 short writes to a socket: each
/// of them takes about a [slice](crate::SLICE).
const UNITS_PER_POLL: usize = 256;
/// Copying so much costs about as much as a system call that copies nothing, half a microsecond.
const UNIT_LEN: usize = 16 << 10;
/// Sending a short segment through the kernel's stack takes about 4 µs.
const SOCKET_UNITS: usize = 8;
