//! Who was woken, from the worker's own thread or from any other.

use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

use waterwheel_reactor::Token;

/// What a waker wakes. A stale token wakes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sleeper {
    /// The future of a connection's request.
    Connection(Token),
    /// A task of its own.
    Task(Token),
}

/// The sleepers that were woken since the worker last looked. Shared by all wakers of one worker.
pub(super) struct Wakes {
    woken: Mutex<Vec<Sleeper>>,
    /// Set after an entry was added, cleared before the entries are taken.
    is_pending: AtomicBool,
    /// Names the worker's thread.
    thread: usize,
    /// Ends the worker's wait for events.
    unpark: Box<dyn Fn() + Send + Sync>,
}

impl Wakes {
    /// For a worker on the calling thread.
    pub(super) fn new(unpark: impl Fn() + Send + Sync + 'static) -> Self {
        let (woken, is_pending) = (Mutex::default(), AtomicBool::new(false));
        Self { woken, is_pending, thread: this_thread(), unpark: Box::new(unpark) }
    }

    /// A waker for one sleeper. Allocates.
    pub(super) fn waker(self: &Arc<Self>, sleeper: Sleeper) -> Waker {
        Waker::from(Arc::new(OneWaker { wakes: Arc::clone(self), sleeper }))
    }

    #[inline]
    pub(super) fn is_pending(&self) -> bool {
        // ORDERING: Relaxed. The flag is a hint to look under the lock, which orders the entries;
        // a worker that misses it is woken by `unpark` and looks again.
        self.is_pending.load(Ordering::Relaxed)
    }

    /// Moves the woken sleepers to `woken`, which is empty.
    pub(super) fn take(&self, woken: &mut Vec<Sleeper>) {
        // ORDERING: Relaxed, for the reason given at the load. Cleared first: an entry that comes
        // now sets it again.
        self.is_pending.store(false, Ordering::Relaxed);
        std::mem::swap(&mut *self.lock(), woken);
    }

    /// Puts sleepers that were taken in front of those who were woken since.
    pub(super) fn put_back(&self, mut sleepers: Vec<Sleeper>) {
        let mut woken = self.lock();
        sleepers.append(&mut woken);
        *woken = sleepers;
        // ORDERING: Relaxed, for the reason given at the load.
        self.is_pending.store(true, Ordering::Relaxed);
    }

    fn note(&self, sleeper: Sleeper) {
        self.lock().push(sleeper);
        // ORDERING: Relaxed, for the reason given at the load.
        self.is_pending.store(true, Ordering::Relaxed);
        // The worker itself looks before it waits.
        if this_thread() != self.thread {
            (self.unpark)();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sleeper>> {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Wakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wakes").field("is_pending", &self.is_pending()).finish_non_exhaustive()
    }
}

/// What a [`Waker`] points to.
struct OneWaker {
    wakes: Arc<Wakes>,
    sleeper: Sleeper,
}

impl Wake for OneWaker {
    fn wake(self: Arc<Self>) {
        self.wakes.note(self.sleeper);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wakes.note(self.sleeper);
    }
}

/// A number that no other running thread has: the place of a thread's own byte.
fn this_thread() -> usize {
    thread_local!(static PLACE: u8 = const { 0 });
    PLACE.with(|place| ptr::from_ref(place).addr())
}
