//! The timers of futures: exact to the nanosecond in their order, unlike the wheel of the
//! connections' deadlines, which serves many timers that hardly ever come up.

use std::collections::BTreeMap;
use std::task::Waker;

use waterwheel_reactor::Instant;

/// Wakers by the instant at which to wake them.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// The number tells timers of the same instant apart, in the order in which they were set.
    queue: BTreeMap<TimerKey, Waker>,
    next: u64,
}

/// One timer that is set.
pub(super) type TimerKey = (Instant, u64);

impl Timers {
    /// Wakes `waker` at `due`.
    pub(super) fn set(&mut self, due: Instant, waker: Waker) -> TimerKey {
        let key = (due, self.next);
        self.next += 1;
        self.queue.insert(key, waker);
        key
    }

    /// Gives a timer that has not come up another waker.
    pub(super) fn rewake(&mut self, key: TimerKey, waker: &Waker) {
        if let Some(known) = self.queue.get_mut(&key) {
            known.clone_from(waker);
        }
    }

    /// Forgets a timer.
    pub(super) fn cancel(&mut self, key: TimerKey) {
        self.queue.remove(&key);
    }

    /// When the first timer comes up.
    #[inline]
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|((due, _), _)| *due)
    }

    /// Takes out a waker whose instant has come.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Waker> {
        let first = self.queue.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }
}
