//! What a worker counts. Plain numbers, written by their worker alone.

use std::time::Duration;

/// Counters of one worker since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Index of the worker.
    pub worker: usize,
    /// Turns of the loop.
    pub turns: u64,
    /// Turns inside of calls that breathed.
    pub nested_turns: u64,
    /// Times that an expensive request was put behind cheap ones.
    pub deferred: u64,
    /// Connections that left for another worker, to have an expensive request run there.
    pub handed_over: u64,
    /// Connections that came from another worker.
    pub taken_over: u64,
    /// Turns in which all requests were refused that might be, because what was ready had waited
    /// for longer than [`lag_max`](crate::WorkerConfig::lag_max).
    pub late_turns: u64,
    /// Calls that took longer than the [watchdog](crate::Watchdog) allows.
    pub slow_calls: u64,
    /// The longest call, nested turns left out; 0 as long as none has taken a
    /// [slice](crate::SLICE).
    pub longest_call: Duration,
    /// Connections that it has accepted and begun, or that another worker has accepted for it.
    pub accepted: u64,
    /// Connections that it has accepted for a worker that had fewer.
    pub dealt: u64,
    /// Connections closed, for whatever reason.
    pub closed: u64,
    /// Connections open now.
    pub open: usize,
    /// Accept calls that failed for want of descriptors or memory.
    pub accept_starved: u64,
    /// Accept calls that failed for a reason that concerned one connection only.
    pub accept_failed: u64,
    /// Connections of trusted proxies that were closed because no right header came.
    pub proxy_header_failed: u64,
    /// Connections closed because too much was parked outside the ring.
    pub parked_full: u64,
    /// Connections closed because their address had too many.
    pub address_capped: u64,
    /// Bytes received.
    pub received_len: u64,
    /// Bytes sent.
    pub sent_len: u64,
    /// Deadlines that passed.
    pub timed_out: u64,
    /// Events for connections that were gone already.
    pub stale_events: u64,
    /// Times a connection had to wait because the ring was full.
    pub ring_full: u64,
    /// Bytes moved out of the ring because their connection was idle or its peer did not read.
    pub parked_len: u64,
}
