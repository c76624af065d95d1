//! The one thing that all workers share: whether to go on, to drain, or to stop.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use waterwheel_reactor::Wake;

/// The phase of a server, set by anyone, followed by every worker at its next turn.
#[derive(Default)]
pub struct Control {
    /// Written by [`advance`](Self::advance), read by every worker each turn. Only ever grows.
    phase: AtomicU8,
    /// Called after the phase changed, so that parked workers see it.
    wakers: Mutex<Vec<Box<dyn Fn() + Send>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Phase {
    Running = 0,
    Draining = 1,
    Stopping = 2,
}

impl Control {
    /// A control in the running phase, with nobody to wake yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every worker to finish what it has begun and to accept nothing more.
    pub fn drain(&self) {
        self.advance(Phase::Draining);
    }

    /// Asks every worker to close every connection now.
    pub fn stop(&self) {
        self.advance(Phase::Stopping);
    }

    /// Drains; asked for the second time, stops. What a signal handler wants.
    pub fn drain_then_stop(&self) {
        match self.phase() {
            Phase::Running => self.drain(),
            Phase::Draining | Phase::Stopping => self.stop(),
        }
    }

    /// Adds a worker to be woken when the phase changes.
    pub fn add_waker(&self, waker: impl Wake) {
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        wakers.push(Box::new(move || waker.wake()));
    }

    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        // ORDERING: Relaxed. The phase is the whole message: nothing else is read because of it,
        // and the waker's write to its event descriptor makes the worker look again soon.
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Running,
            1 => Phase::Draining,
            _ => Phase::Stopping,
        }
    }

    fn advance(&self, phase: Phase) {
        // ORDERING: Relaxed, for the reason given at the load in `phase`.
        self.phase.fetch_max(phase as u8, Ordering::Relaxed);
        for wake in self.wakers.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            wake();
        }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("phase", &self.phase()).finish_non_exhaustive()
    }
}
