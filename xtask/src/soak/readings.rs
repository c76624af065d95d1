//! What can be read of a server from outside: memory, files, threads; and what it says of itself.

use std::net::SocketAddr;
use std::time::Duration;
use std::{fmt, fs};

use anyhow::{Context, Result};

use crate::load::connect;
use crate::reply::exchange;

/// Figures that come back to their base when nothing is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counters {
    files: usize,
    threads: usize,
    /// Of the worker that answered, this one included.
    connections: u64,
    /// Segments of its ring.
    leased: u64,
}

impl Counters {
    pub(super) fn read(pid: u32, address: SocketAddr, is_tls: bool) -> Result<Self> {
        let request = format!("GET /gauges HTTP/1.1\r\nhost: {address}\r\n\r\n");
        let mut stream = connect(address, is_tls, PATIENCE)?;
        let answer = exchange(&mut stream, request.as_bytes())?;
        let gauges: serde_json::Value =
            serde_json::from_slice(&answer.body).context("its gauges are no JSON")?;
        let gauge = |name: &str| gauges[name].as_u64().with_context(|| format!("no gauge {name}"));
        let count = |folder: &str| Ok::<_, anyhow::Error>(fs::read_dir(folder)?.count());
        Ok(Self {
            files: count(&format!("/proc/{pid}/fd"))?,
            threads: count(&format!("/proc/{pid}/task"))?,
            connections: gauge("connections")?,
            leased: gauge("leased")?,
        })
    }
}

impl Counters {
    /// Whether all are where they were at first, but for segments that a worker keeps ready for
    /// the next request: how many follows from the last ones, and never exceeds a few replies.
    pub(super) fn is_back_at(&self, base: &Self) -> bool {
        let leased = self.leased.min(base.leased);
        Self { leased, ..*self } == Self { leased, ..*base }
            && self.leased <= base.leased + READY_MAX
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, threads, connections, leased } = self;
        write!(f, "{files} files, {threads} threads, ")?;
        write!(f, "{connections} connections, {leased} segments leased")
    }
}

/// By how many per cent the last fifth of the readings lies above the first one, warm-up left out.
/// Means, because a single reading says when the server was looked at.
pub(super) fn drift(resident: &[u64]) -> Option<f64> {
    let warm = resident.get(resident.len().div_ceil(WARM_UP_PART as usize)..)?;
    let part = (warm.len() / 5).max(1);
    let mean = |readings: &[u64]| readings.iter().sum::<u64>() as f64 / readings.len() as f64;
    let (first, last) = (warm.get(..part)?, warm.get(warm.len() - part..)?);
    Some(100.0 * (mean(last) / mean(first) - 1.0))
}

/// Memory may still grow in the first fifth of the time.
pub(super) const WARM_UP_PART: u32 = 5;
/// A queue of replies is 256 KiB at most.
const READY_MAX: u64 = 64;
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_kept_ready_are_no_leak() {
        let base = Counters { files: 14, threads: 3, connections: 1, leased: 16 };
        assert!(base.is_back_at(&base));
        assert!(Counters { leased: 29, ..base }.is_back_at(&base));
        assert!(!Counters { leased: 500, ..base }.is_back_at(&base));
        assert!(!Counters { connections: 2, ..base }.is_back_at(&base));
        assert!(!Counters { files: 15, ..base }.is_back_at(&base));
    }

    #[test]
    fn drift_leaves_the_warm_up_out() {
        let flat: Vec<u64> = (0..100).map(|at| if at < 20 { 10 } else { 1_000 }).collect();
        assert_eq!(drift(&flat), Some(0.0));
        let creeping: Vec<u64> = (0..100).map(|at| 1_000 + at).collect();
        assert!(drift(&creeping).unwrap() > 5.0);
        assert_eq!(drift(&[]), None);
    }
}
