//! What happens later. Owns the order of it: by time, then by when it was planned.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::disk::Finished;
use crate::{Event, Token};

pub(super) enum Action {
    ClientSend(Token, Vec<u8>),
    ClientShutdown(Token),
    ClientClose(Token),
    ClientReset(Token),
    /// Bytes that a fault has held back go on.
    Stir(Token),
    /// An edge that a fault has held back is ready to be reported.
    Announce(Token),
    /// This event once more, to the worker with this index.
    Repeat(usize, Event),
    /// Work on a file is done, of the worker with this index.
    FileWork(usize, Finished),
}

#[derive(Default)]
pub(super) struct Schedule {
    plans: BinaryHeap<Plan>,
    planned: u64,
}

impl Schedule {
    pub(super) fn plan(&mut self, time: Duration, action: Action) {
        self.plans.push(Plan { time, number: self.planned, action });
        self.planned += 1;
    }

    pub(super) fn next_time(&self) -> Option<Duration> {
        self.plans.peek().map(|plan| plan.time)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.plans.is_empty()
    }

    pub(super) fn take_due(&mut self, now: Duration) -> Option<Action> {
        if self.next_time()? > now {
            return None;
        }
        self.plans.pop().map(|plan| plan.action)
    }
}

struct Plan {
    time: Duration,
    number: u64,
    action: Action,
}

/// Reversed: the heap gives out its greatest first.
impl Ord for Plan {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.time, other.number).cmp(&(self.time, self.number))
    }
}

impl PartialOrd for Plan {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Plan {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Plan {}
