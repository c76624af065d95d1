//! What a worker counts, as a handler can see it.

use serde::Serialize;
use waterwheel_ring::Ring;

use crate::core::Core;

/// A worker's counters at the moment of the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Gauges {
    /// Index of the worker.
    pub worker: usize,
    /// Connections open on it.
    pub connections: usize,
    /// Requests whose handler it has called, this one included.
    pub requests: u64,
    /// Requests that it has refused because it was short of memory or late.
    pub shed: u64,
    /// Calls that kept it for longer than its watchdog allows, 100 ms unless set otherwise; turns
    /// nested in them left out.
    pub slow_calls: u64,
    /// The longest call in microseconds, likewise; 0 as long as none has taken 100.
    pub longest_call_micros: u64,
    /// Segments in its ring.
    pub segments: usize,
    /// Bytes in a segment.
    pub segment_len: usize,
    /// Segments leased now, those of this request included.
    pub leased: usize,
    /// Most segments that were leased at once.
    pub leased_max: usize,
    /// Times a release called the ring's hand back.
    pub laps: u64,
    /// Leases handed out.
    pub reservations: u64,
    /// Copies of received or sent content.
    pub copies: u64,
}

impl Gauges {
    pub(crate) fn read(core: &Core, connections: usize, ring: &Ring) -> Self {
        let stats = ring.stats();
        Self {
            worker: core.worker,
            connections,
            requests: core.tally().requests(),
            shed: core.tally().shed(),
            slow_calls: core.shared.costs.slow_calls(),
            longest_call_micros: core.shared.costs.longest_call_micros(),
            segments: ring.segment_count(),
            segment_len: ring.segment_len(),
            leased: stats.leased,
            leased_max: stats.leased_max,
            laps: stats.laps,
            reservations: stats.reservations,
            copies: stats.copies,
        }
    }
}
