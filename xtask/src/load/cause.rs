//! Why requests got no good reply, in words, with how many and how late that was known.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Requests by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Causes(BTreeMap<String, Count>);

/// Those of one cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Count {
    requests: u64,
    /// Of the one that waited longest, from the moment when it was due, in seconds.
    seconds_max: f64,
}

impl Causes {
    /// Notes a request that was due so long ago.
    pub(super) fn note(&mut self, cause: impl Into<String>, after: Duration) {
        let one = Count { requests: 1, seconds_max: after.as_secs_f64() };
        self.0.entry(cause.into()).or_default().add(one);
    }

    /// Adds those of another load.
    pub(crate) fn add(&mut self, others: &Self) {
        for (cause, count) in &others.0 {
            self.0.entry(cause.clone()).or_default().add(*count);
        }
    }

    /// A line for each cause.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(cause, Count { requests, seconds_max })| {
            format!("  {cause}: {requests}, known after {seconds_max:.3} s at most")
        })
    }
}

impl Count {
    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.seconds_max = self.seconds_max.max(other.seconds_max);
    }
}

/// What ended a connection.
pub(super) fn of_break(error: &anyhow::Error) -> &'static str {
    match error.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(ErrorKind::UnexpectedEof) => "closed by the server",
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => "reset by the server",
        Some(ErrorKind::ConnectionRefused) => "connecting was refused",
        Some(ErrorKind::TimedOut) => "given up by the kernel",
        Some(_) => "a fault of the socket",
        None => "a reply that is no HTTP",
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn causes_add_up_over_loads() {
        let (mut one, mut other) = (Causes::default(), Causes::default());
        one.note("answered 503", Duration::from_secs(1));
        other.note("answered 503", Duration::from_secs(3));
        other.note("reset", Duration::ZERO);
        one.add(&other);
        let lines: Vec<_> = one.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], "  answered 503: 2, known after 3.000 s at most");
    }

    #[test]
    fn ends_are_told_apart() {
        let error =
            |kind: ErrorKind| Err::<(), _>(io::Error::from(kind)).context("more").unwrap_err();
        assert_eq!(of_break(&error(ErrorKind::ConnectionReset)), "reset by the server");
        assert_eq!(of_break(&error(ErrorKind::UnexpectedEof)), "closed by the server");
        assert_eq!(of_break(&anyhow!("parsing")), "a reply that is no HTTP");
    }
}
