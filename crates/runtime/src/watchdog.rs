//! Who kept a worker busy for so long that its other connections noticed.

use std::fmt;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use waterwheel_reactor::Instant;

use crate::metrics::Meter;

/// Hears of calls that kept a worker to themselves for long. Unless set otherwise, those of 100 ms
/// and more are written to standard error, at most once a second by each worker.
///
/// ```
/// use std::time::Duration;
/// use waterwheel_runtime::{Config, Watchdog};
///
/// let mut config = Config::default();
/// config.worker.watchdog = Watchdog::new(Duration::from_millis(20), |call| {
///     println!("{call}"); // worker 0: GET /report took 31 ms
/// });
/// ```
#[derive(Clone)]
pub struct Watchdog {
    after: Duration,
    report: Arc<Report>,
}

type Report = dyn Fn(&SlowCall<'_>) + Send + Sync;

/// A call that took long.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SlowCall<'a> {
    /// Index of the worker.
    pub worker: usize,
    /// What ran, in the protocol's words: for HTTP the route. `None` for what is no handler's.
    pub what: Option<&'a str>,
    /// How long it took, without the turns that were nested in it.
    pub time: Duration,
    /// Calls of this worker that took long since the last one that was reported.
    pub unreported: u64,
}

impl Watchdog {
    /// Calls `report` with every call of `after` and more. It runs on the worker, between two
    /// connections, and must not block; each worker calls it at most once a second.
    pub fn new(after: Duration, report: impl Fn(&SlowCall<'_>) + Send + Sync + 'static) -> Self {
        Self { after, report: Arc::new(report) }
    }
}

impl Default for Watchdog {
    fn default() -> Self {
        // Nobody may read it any more; `eprintln` would end the worker for that.
        Self::new(Duration::from_millis(100), |call| drop(writeln!(io::stderr(), "{call}")))
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").field("after", &self.after).finish_non_exhaustive()
    }
}

impl fmt::Display for SlowCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.what.unwrap_or("work outside of any handler");
        write!(f, "worker {}: {what} took {} ms", self.worker, self.time.as_millis())?;
        match self.unreported {
            0 => Ok(()),
            count => write!(f, ", and {count} more since the last report took long"),
        }
    }
}

/// A watchdog as one worker has it.
#[derive(Debug)]
pub(crate) struct Watch {
    watchdog: Watchdog,
    /// No report before this instant.
    quiet_until: Instant,
    unreported: u64,
}

impl Watch {
    pub(crate) fn new(watchdog: Watchdog) -> Self {
        Self { watchdog, quiet_until: Instant::ZERO, unreported: 0 }
    }

    /// Whether a call that takes so long is one to hear of.
    pub(crate) fn is_slow(&self, time: Duration) -> bool {
        time >= self.watchdog.after
    }

    /// Counts a call, and reports it if it took long.
    pub(crate) fn note(&mut self, what: Option<&str>, time: Duration, now: Instant, meter: &Meter) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        meter.longest_call_micros.set(meter.longest_call_micros.get().max(micros));
        if !self.is_slow(time) {
            return;
        }
        meter.slow_calls.add(1);
        if now < self.quiet_until {
            self.unreported += 1;
            return;
        }
        self.quiet_until = now + REPORT_INTERVAL;
        let unreported = std::mem::take(&mut self.unreported);
        (self.watchdog.report)(&SlowCall { worker: meter.worker, what, time, unreported });
    }
}

/// A log is for people; the counters have every one.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
