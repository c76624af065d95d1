//! Waiting for code that blocks, on a thread that is there for nothing else.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::local::Local;

/// Runs `work` on a helper thread and waits for what it returns, while this worker goes on.
///
/// For code that truly blocks: a driver without an async side, a file system that hangs. Code that
/// computes belongs on the loop. The threads are shared by all workers, start when they are needed
/// first, and are few: see [`Config`](crate::Config). In a simulation `work` runs at once, on this
/// thread.
///
/// When the future is dropped, `work` still runs to its end and its result is dropped there.
///
/// # Errors
/// [`OffloadError`] when nobody can run it, or when it panicked.
///
/// # Panics
/// On a thread that runs no worker.
///
/// ```no_run
/// use waterwheel_runtime::task::{OffloadError, offload};
///
/// async fn host_name() -> Result<String, OffloadError> {
///     offload(|| std::fs::read_to_string("/etc/hostname").unwrap_or_default()).await
/// }
/// ```
pub async fn offload<T, F>(work: F) -> Result<T, OffloadError>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let state = Arc::new(Mutex::new(State { outcome: None, waiter: None }));
    let filled = Arc::clone(&state);
    let job = Box::new(move || {
        // What a panic leaves torn is the work's own.
        let outcome = catch_unwind(AssertUnwindSafe(work));
        finish(&filled, outcome.map_err(|_| OffloadError::Panicked));
    });
    match Local::current().driver_sources().offload(job) {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            return Err(OffloadError::Full);
        }
        Err(_) => return Err(OffloadError::NoThread),
        Ok(()) => {}
    }
    poll_fn(|context| {
        let mut state = lock(&state);
        match state.outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                state.waiter = Some(context.waker().clone());
                Poll::Pending
            }
        }
    })
    .await
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OffloadError {
    /// As much waits already as may.
    Full,
    /// No thread could be started.
    NoThread,
    /// The work panicked.
    Panicked,
}

impl fmt::Display for OffloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "too much work waits for the helper threads",
            Self::NoThread => "no helper thread could be started",
            Self::Panicked => "the work given to a helper thread panicked",
        })
    }
}

impl Error for OffloadError {}

/// Between the helper that works and the future that waits.
struct State<T> {
    /// Written by the helper, taken by the future.
    outcome: Option<Result<T, OffloadError>>,
    /// Written by the future, taken by the helper.
    waiter: Option<Waker>,
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves the outcome where the future finds it.
fn finish<T>(state: &Mutex<State<T>>, outcome: Result<T, OffloadError>) {
    let waiter = {
        let mut state = lock(state);
        state.outcome = Some(outcome);
        state.waiter.take()
    };
    // Outside the lock, which the woken worker wants at once.
    waiter.into_iter().for_each(Waker::wake);
}
