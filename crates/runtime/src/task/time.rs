//! Waiting for time to pass, on the clock of the worker that polls: virtual in a simulation.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use pin_project_lite::pin_project;
use waterwheel_reactor::Instant;

use super::local::Local;
use super::timers::TimerKey;

/// Civil time as the worker knows it, up to a quarter of a second old. It may jump.
///
/// # Panics
/// On a thread that runs no worker.
#[must_use]
pub fn wall_clock() -> SystemTime {
    Local::current().wall()
}

/// Completes when `duration` has passed, counted from the call.
///
/// The worker's clock is read once per turn, and its wait for events has the kernel's resolution of
/// a millisecond: the future may complete that much late, and never early.
///
/// # Panics
/// On a thread that runs no worker.
pub fn sleep(duration: Duration) -> Sleep {
    let local = Local::current();
    Sleep { due: local.now() + duration, local, timer: None }
}

/// Completes when the worker's clock has reached `due`.
///
/// # Panics
/// On a thread that runs no worker.
pub fn sleep_until(due: Instant) -> Sleep {
    Sleep { due, local: Local::current(), timer: None }
}

/// Gives `future` so much time: its output, or [`Elapsed`] and it is dropped.
///
/// # Panics
/// On a thread that runs no worker.
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    Timeout { future, sleep: sleep(duration) }
}

/// Ticks every `period`, the first time one period from now. A tick that comes late does not move
/// those behind it, and ticks that were missed altogether are left out.
///
/// # Panics
/// When `period` is zero, and on a thread that runs no worker.
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval has a period");
    Interval { period, sleep: sleep(period) }
}

/// See [`sleep`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Sleep {
    due: Instant,
    local: Rc<Local>,
    /// Set while it waits.
    timer: Option<TimerKey>,
}

impl Sleep {
    /// When it completes.
    #[must_use]
    pub const fn due(&self) -> Instant {
        self.due
    }

    fn poll_due(&mut self, context: &Context<'_>) -> Poll<()> {
        if self.local.now() >= self.due {
            self.cancel();
            return Poll::Ready(());
        }
        match self.timer {
            Some(timer) => self.local.rewake_timer(timer, context.waker()),
            None => self.timer = Some(self.local.set_timer(self.due, context.waker().clone())),
        }
        Poll::Pending
    }

    fn cancel(&mut self) {
        if let Some(timer) = self.timer.take() {
            self.local.cancel_timer(timer);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.local.now() >= self.due {
            // The clock stands still within a poll: instants that have passed already could be
            // awaited for ever.
            ready!(self.local.budget().poll_left(context));
            self.local.budget().charge(0);
        }
        self.poll_due(context)
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.cancel();
    }
}

pin_project! {
    /// See [`timeout`].
    #[derive(Debug)]
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        #[pin]
        sleep: Sleep,
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(context) {
            return Poll::Ready(Ok(output));
        }
        // Also where the future has used up what a poll may do, or it would never run out of time.
        this.sleep.get_mut().poll_due(context).map(|()| Err(Elapsed))
    }
}

/// The time given to a future has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time allowed has passed")
    }
}

impl Error for Elapsed {}

/// See [`interval`].
#[derive(Debug)]
pub struct Interval {
    period: Duration,
    sleep: Sleep,
}

impl Interval {
    /// Waits for the next tick and returns the instant that it was due at.
    pub async fn tick(&mut self) -> Instant {
        let due = self.sleep.due;
        (&mut self.sleep).await;
        let now = self.sleep.local.now();
        let mut next = due + self.period;
        if next <= now {
            let missed = now.saturating_since(due).as_nanos() / self.period.as_nanos();
            let missed = u32::try_from(missed).unwrap_or(u32::MAX);
            next = due + self.period.saturating_mul(missed.saturating_add(1));
        }
        self.sleep = sleep_until(next);
        due
    }
}
