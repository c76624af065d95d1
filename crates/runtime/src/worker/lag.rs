//! How far the loop is behind: how long a request waits before the worker looks at it. Decides when
//! that is too long, and leaves it to the protocol what to refuse.
//!
//! Two queues can grow. That of expensive requests is the worker's own, with a part of what workers
//! offer each other: its length and what such a request takes tell how long the next one would
//! wait. That of sockets which are ready is the kernel's. While it holds more than one poll can
//! take, the worker wakes itself now and then: its wake queues up behind all that is ready, and the
//! time until it comes out is what they wait.

use std::time::Duration;

use waterwheel_reactor::{Driver, Event, Instant, Wake};

use super::turn::Shop;
use crate::{Lag, Protocol};

/// What is known of the two queues.
#[derive(Debug)]
pub(super) struct Lateness {
    /// When the worker woke itself, while that has not come out.
    probe_sent: Option<Instant>,
    /// Since when what is ready waits too long; never, unless it does.
    since: Instant,
    /// Requests are refused for it.
    is_late: bool,
    /// What an expensive request takes, on average over the last ones.
    job_time: Duration,
}

impl Default for Lateness {
    fn default() -> Self {
        let (since, job_time) = (Instant::MAX, Duration::ZERO);
        Self { probe_sent: None, since, is_late: false, job_time }
    }
}

impl Lateness {
    /// Whether the queue of the kernel needs a look, when a poll reported so many events.
    #[inline]
    pub(super) fn is_due(&self, events: usize) -> bool {
        events >= CROWD || self.probe_sent.is_some() || self.since != Instant::MAX
    }

    /// Notes that what is ready has waited so long.
    fn note(&mut self, lag: Duration, limit: Duration, now: Instant) {
        // Half of it, or the loop would be late again at once.
        let limit = if self.is_late { limit / 2 } else { limit };
        if lag <= limit {
            (self.since, self.is_late) = (Instant::MAX, false);
            return;
        }
        self.since = self.since.min(now);
        // One call that took long makes all others late, and is over.
        self.is_late |= now.saturating_since(self.since) >= BURST;
    }
}

impl<D: Driver, P: Protocol> Shop<D, P> {
    /// Looks how long the sockets have waited that this turn's poll reported.
    #[cold]
    pub(super) fn watch_ready(&mut self) {
        let (now, limit) = (self.bench.now, self.bench.config.lag_max);
        let lateness = &mut self.lateness;
        let lag = match lateness.probe_sent {
            Some(sent) => now.saturating_since(sent),
            None => Duration::ZERO,
        };
        let is_back = self.events.iter().any(|event| matches!(event, Event::Wake));
        if is_back || lateness.probe_sent.is_none() || lag > limit {
            lateness.note(lag, limit, now);
        }
        if is_back {
            lateness.probe_sent = None;
        }
        if lateness.probe_sent.is_none() && self.events.len() >= CROWD {
            lateness.probe_sent = Some(now);
            self.bench.driver.waker().wake();
        }
        let metrics = &mut self.bench.metrics;
        metrics.late_turns += u64::from(lateness.is_late);
        self.set_lag();
    }

    /// An expensive request has taken so long.
    pub(super) fn note_job_time(&mut self, time: Duration) {
        let mean = &mut self.lateness.job_time;
        *mean = *mean - *mean / WEIGHT + time / WEIGHT;
    }

    /// Tells the protocol what waits too long, if anything does.
    pub(super) fn set_lag(&mut self) {
        let waiting = u32::try_from(self.expensive_count()).unwrap_or(u32::MAX);
        let wait = self.lateness.job_time.saturating_mul(waiting);
        let lag = match self.lateness.is_late {
            true => Lag::All,
            false if wait > self.bench.config.lag_max => Lag::Expensive,
            false => Lag::None,
        };
        self.bench.strain.set_lag(lag);
    }
}

/// From so many events in one poll on there may be more: half of what a poll reports at most.
const CROWD: usize = 512;
/// How long the loop must be late before anybody is refused.
const BURST: Duration = Duration::from_millis(100);
/// Of how many calls about the mean is made.
const WEIGHT: u32 = 8;
