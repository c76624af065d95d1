//! What a worker counts, as a handler can see it.

use serde::Serialize;

/// A worker's counters at the start of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Gauges {
    /// Index of the worker.
    pub worker: usize,
    /// Connections open on it.
    pub connections: usize,
    /// Requests whose handler it has called, this one included.
    pub requests: u64,
}
