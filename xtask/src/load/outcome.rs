//! What a load found, printed as one line of JSON for whoever started it.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::cause::Causes;

/// One finished load.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Replies with status 200; anything else ends the load with an error, or is counted apart.
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    /// Latency of each path, and of all where there are several. In a closed loop from the moment
    /// of sending, in an open one from the moment when the request was due.
    pub(crate) latencies: Vec<Latency>,
    /// How late the tool itself sent what was due although a connection was free.
    pub(crate) lateness: Option<Latency>,
    /// Requests that were due when every connection waited for a reply.
    pub(crate) held_back: u64,
    /// Requests that were never answered.
    pub(crate) unanswered: u64,
    /// Replies that were not 200, where that is counted.
    pub(crate) refused: u64,
    /// Requests whose connection broke before their reply was whole, where that is counted.
    pub(crate) failed: u64,
    /// Requests that were sent once more, because the server ended a connection that had been used
    /// before, and sent nothing of a reply: every client of HTTP has to expect that (RFC 9112
    /// §9.3.1).
    pub(crate) asked_again: u64,
    /// Why, of all that were refused, failed, unanswered or asked again.
    #[serde(default)]
    pub(crate) causes: Causes,
    /// Whether the load tool had real-time priority, where it asks for it.
    #[serde(default)]
    pub(crate) is_realtime: bool,
    /// Replies of 200, and others, that came while `cpu` was counted, whenever they were due.
    #[serde(default)]
    pub(crate) seen: (u64, u64),
    /// CPU during `seconds`. The server's is 0 where no server was watched.
    pub(crate) cpu: Option<CpuUsed>,
}

impl Outcome {
    /// Requests of which a client would complain.
    pub(crate) fn harmed(&self) -> u64 {
        self.refused + self.failed + self.unanswered
    }
}

/// CPU of both sides, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CpuUsed {
    pub(crate) server_user: f64,
    pub(crate) server_sys: f64,
    pub(crate) own: f64,
}

/// A distribution of times, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) of: String,
    pub(crate) count: u64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
    /// How many took a second at most: later ones are of no use to a person.
    #[serde(default)]
    pub(crate) within_second: u64,
}

/// Times while they are gathered.
#[derive(Debug)]
pub(crate) struct Times(Histogram<u64>);

impl Times {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, NANOS_MAX, SIGNIFICANT_DIGITS);
        Self(histogram.expect("the bounds are in order and the digits between 0 and 5"))
    }

    pub(crate) fn record(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(nanos);
    }

    /// All of them together.
    pub(crate) fn sum(parts: &[Self]) -> Self {
        let mut sum = Self::new();
        for part in parts {
            sum.0.add(&part.0).expect("all have the same bounds");
        }
        sum
    }

    pub(crate) fn latency(&self, of: &str) -> Latency {
        let micros = |nanos: u64| Duration::from_nanos(nanos).as_secs_f64() * 1e6;
        let at = |quantile: f64| micros(self.0.value_at_quantile(quantile));
        Latency {
            of: of.to_owned(),
            count: self.0.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: micros(self.0.max()),
            within_second: self.0.count_between(0, 1_000_000_000),
        }
    }
}

/// A minute; a request that takes longer counts as one of a minute.
const NANOS_MAX: u64 = 60_000_000_000;
/// A tenth of a percent: finer than any two runs agree.
const SIGNIFICANT_DIGITS: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_times() {
        let mut times = Times::new();
        (1..=1_000).for_each(|micros| times.record(Duration::from_micros(micros)));
        let latency = times.latency("/");
        assert_eq!(latency.count, 1_000);
        assert!((latency.p50 / 500.0 - 1.0).abs() < 0.01, "{latency:?}");
        assert!((latency.p99 / 990.0 - 1.0).abs() < 0.01, "{latency:?}");
    }
}
