//! The one thing that all workers share: whether to go on, to drain, or to stop; and what each of
//! them shows of itself to those who ask how the server is.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use waterwheel_reactor::Wake;

use crate::Metrics;
use crate::metrics::Meter;

/// The phase of a server, set by anyone, followed by every worker at its next turn.
#[derive(Default)]
pub struct Control {
    /// Written by [`advance`](Self::advance), read by every worker each turn. Only ever grows.
    phase: AtomicU8,
    /// Written by [`hand_over`](Self::hand_over), read by each worker when it drains.
    handed_over: AtomicBool,
    /// Called after the phase changed, so that parked workers see it.
    wakers: Mutex<Vec<Box<dyn Fn() + Send>>>,
    /// What each worker shows of itself.
    pulses: Mutex<Vec<Arc<Pulse>>>,
}

/// What a worker shows of itself. Written by that worker alone.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Counts up when a turn begins and when the worker parks: odd while it works.
    beat: AtomicU64,
    /// What it counts.
    pub(crate) meter: Arc<Meter>,
}

impl Pulse {
    /// Notes that the worker parks, or that it goes on.
    #[inline]
    pub(crate) fn beat(&self) {
        // ORDERING: Relaxed: this thread alone writes it.
        let beat = self.beat.load(Ordering::Relaxed);
        // ORDERING: Relaxed: pairs with the load in `work`, which reads nothing else because of it.
        self.beat.store(beat.wrapping_add(1), Ordering::Relaxed);
    }

    /// How far the worker has come; `None` while it is parked.
    pub(crate) fn work(&self) -> Option<u64> {
        // ORDERING: Relaxed: pairs with the store in `beat`.
        let beat = self.beat.load(Ordering::Relaxed);
        (beat % 2 == 1).then_some(beat)
    }
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

    /// Drains, because another process accepts from the same listeners already.
    pub(crate) fn hand_over(&self) {
        // ORDERING: pairs with the load in `is_handed_over`, which follows one of the phase; both
        // orders are right, and a worker that sees the phase alone closes its listener, of which
        // the successor has another descriptor.
        self.handed_over.store(true, Ordering::Release);
        self.drain();
    }

    /// Whether another process has taken over the listeners.
    pub fn is_handed_over(&self) -> bool {
        // ORDERING: pairs with the store in `hand_over`.
        self.handed_over.load(Ordering::Acquire)
    }

    /// Whether new clients are welcome: workers run, and no drain has begun.
    pub fn is_ready(&self) -> bool {
        self.phase() == Phase::Running && !self.pulses().is_empty()
    }

    /// What each worker that has started has counted, by index.
    pub fn metrics(&self) -> Vec<Metrics> {
        let mut metrics: Vec<_> = self.pulses().iter().map(|pulse| pulse.meter.read()).collect();
        metrics.sort_unstable_by_key(|metrics| metrics.worker);
        metrics
    }

    /// Adds the worker with this index, which shows how it is.
    pub(crate) fn enlist(&self, worker: usize) -> Arc<Pulse> {
        let meter = Arc::new(Meter::new(worker));
        let pulse = Arc::new(Pulse { meter, ..Pulse::default() });
        self.pulses().push(Arc::clone(&pulse));
        pulse
    }

    /// What the workers show of themselves.
    pub(crate) fn pulses(&self) -> MutexGuard<'_, Vec<Arc<Pulse>>> {
        self.pulses.lock().unwrap_or_else(PoisonError::into_inner)
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
