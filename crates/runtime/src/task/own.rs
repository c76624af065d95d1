//! What a future may ask of the worker that polls it.

use waterwheel_reactor::Instant;
use waterwheel_ring::Ring;

use super::local::Local;

/// The ring of this worker, for runs that a future fills itself.
///
/// # Panics
/// On a thread that runs no worker.
#[must_use]
pub fn ring() -> Ring {
    Local::current().ring().clone()
}

/// The clock of this worker, read once per turn: virtual in a simulation.
///
/// # Panics
/// On a thread that runs no worker.
#[must_use]
pub fn now() -> Instant {
    Local::current().now()
}
