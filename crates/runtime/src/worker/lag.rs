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

use super::turn::EventLoop;
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
    job_times: JobTimes,
}

impl Default for Lateness {
    fn default() -> Self {
        let (since, job_times) = (Instant::MAX, JobTimes::default());
        Self { probe_sent: None, since, is_late: false, job_times }
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

impl<D: Driver, P: Protocol> EventLoop<D, P> {
    /// Looks how long the sockets have waited that this turn's poll reported.
    #[cold]
    pub(super) fn watch_ready(&mut self) {
        let (now, limit) = (self.engine.now, self.engine.config.lag_max);
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
            self.engine.driver.waker().wake();
        }
        self.engine.meter.late_turns.add(u64::from(lateness.is_late));
        self.set_lag();
    }

    /// An expensive request has taken so long.
    pub(super) fn note_job_time(&mut self, time: Duration) {
        self.lateness.job_times.note(time);
    }

    /// Tells the protocol what waits too long, if anything does.
    pub(super) fn set_lag(&mut self) {
        let waiting = u32::try_from(self.expensive_count()).unwrap_or(u32::MAX);
        let wait = self.lateness.job_times.wait(waiting);
        let lag = match self.lateness.is_late {
            true => Lag::All,
            false if wait > self.engine.config.lag_max => Lag::Expensive,
            false => Lag::None,
        };
        self.engine.strain.set_lag(lag);
    }
}

/// From so many events in one poll on there may be more: half of what a poll reports at most.
const CROWD: usize = 512;
/// How long the loop must be late before anybody is refused.
const BURST: Duration = Duration::from_millis(100);

/// What expensive requests take, on average over those that a worker ran last.
#[derive(Clone, Copy, Debug, Default)]
struct JobTimes {
    /// Both fade with the time that requests take: in seconds, and how many they were.
    sum: f64,
    count: f64,
}

impl JobTimes {
    /// A mean over so many requests would either hang on the last long one, or take many long ones
    /// to learn of them. Over so much time, short ones are many and long ones are few, and one that
    /// was interrupted on a busy machine does not make hundreds of short ones look late.
    fn note(&mut self, time: Duration) {
        let time = time.as_secs_f64();
        let kept = MEMORY / (MEMORY + time);
        self.sum = self.sum * kept + time;
        self.count = self.count * kept + 1.0;
    }

    /// How long the next one would wait behind so many.
    fn wait(&self, waiting: u32) -> Duration {
        // None has run before the first one waits.
        let mean = self.sum / self.count.max(1.0);
        Duration::try_from_secs_f64(mean * f64::from(waiting)).unwrap_or(Duration::MAX)
    }
}

/// In seconds: half of what a request may wait by default, so that it is known before it matters.
const MEMORY: f64 = 0.25;

#[cfg(test)]
mod tests {
    use super::*;

    fn times(times: impl IntoIterator<Item = Duration>) -> JobTimes {
        let mut noted = JobTimes::default();
        times.into_iter().for_each(|time| noted.note(time));
        noted
    }

    fn short(count: usize) -> impl Iterator<Item = Duration> {
        std::iter::repeat_n(Duration::from_micros(5), count)
    }

    #[test]
    fn interrupted_request_makes_nobody_late() {
        let times = times(short(500).chain([Duration::from_millis(300)]));
        assert!(times.wait(200) < Duration::from_millis(500), "{times:?}");
    }

    #[test]
    fn long_requests_are_known_after_two() {
        let times = times(short(500).chain([Duration::from_secs(1); 2]));
        assert!(times.wait(20) > Duration::from_millis(500), "{times:?}");
    }

    #[test]
    fn rare_long_requests_count_long_after_one_and_right_behind_it() {
        let mut times = JobTimes::default();
        for index in 0..4_000 {
            times.note(if index % 20 == 19 { Duration::from_millis(2) } else { Duration::ZERO });
            let mean = times.wait(1);
            let is_right = (80..=120).contains(&mean.as_micros());
            assert!(is_right || index < 2_000, "{mean:?} after {index}");
        }
    }

    #[test]
    fn nothing_is_known_before_the_first() {
        assert_eq!(JobTimes::default().wait(u32::MAX), Duration::ZERO);
    }
}
