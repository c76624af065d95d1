//! Breathing: how a call that takes long lets its worker serve others meanwhile.
//!
//! While an expensive request runs, its worker's event loop is on [`Standby`], where the thread
//! finds it. [`breathe`] takes it from there for one bounded turn and puts it back, so turns nest
//! once and no deeper. Anywhere else none stands by, and breathing does nothing.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use waterwheel_reactor::{Clock, Driver, Instant};

use super::turn::EventLoop;
use crate::Protocol;
use crate::task::Local;

/// Lets the worker serve other connections, if it is time: for handlers that compute for long, to
/// be called as often as is convenient, at least every 50 µs or so.
///
/// In a sync handler that runs [as expensive](crate::Protocol::advance_expensive), this runs a
/// nested turn when half a [`SLICE`] has passed since the last one: at most 64 connections that are
/// ready have their cheap requests answered, and whatever else is due is done. Requests that are
/// expensive themselves wait, so turns never nest deeper. In all other places, on threads without a
/// worker too, it costs a few nanoseconds and does nothing.
///
/// In an async function, `breathe().await` also gives way where no nested turn is possible: it
/// completes at once until the slice is spent, and in the next turn after that.
///
/// The handlers of other requests run inside the call, on the same stack. What the caller holds
/// borrowed of a per-core value, they find borrowed: let go of a `RefCell` first.
///
/// ```
/// fn sum(numbers: &[u64]) -> u64 {
///     let mut sum = 0u64;
///     for part in numbers.chunks(10_000) {
///         sum = part.iter().fold(sum, |sum, number| sum.wrapping_add(*number));
///         waterwheel_runtime::breathe();
///     }
///     sum
/// }
/// # assert_eq!(sum(&[1; 30_000]), 30_000);
/// ```
#[inline]
pub fn breathe() -> Breath {
    if IS_LENT.get() {
        nest();
    }
    Breath(())
}

/// From [`breathe`]. To be awaited in an async function, and to be ignored in a sync one.
#[derive(Clone, Copy, Debug)]
pub struct Breath(());

impl IntoFuture for Breath {
    type Output = ();
    type IntoFuture = Breathing;

    fn into_future(self) -> Breathing {
        Breathing { has_yielded: false }
    }
}

/// The future of a [`Breath`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Breathing {
    has_yielded: bool,
}

impl Future for Breathing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.has_yielded || IS_LENT.get() || !Local::is_slice_spent(SLICE) {
            return Poll::Ready(());
        }
        self.has_yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Where a worker's event loop is while an expensive request runs.
pub(super) struct Standby<D: Driver, P: Protocol> {
    event_loop: Cell<Option<Box<EventLoop<D, P>>>>,
    clock: Clock,
    /// When the next nested turn is due.
    due: Cell<Instant>,
    /// How long the nested turns of the request at hand have taken.
    nested_time: Cell<Duration>,
}

impl<D: Driver, P: Protocol> Standby<D, P> {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            event_loop: Cell::new(None),
            clock,
            due: Cell::new(Instant::MAX),
            nested_time: Cell::new(Duration::ZERO),
        }
    }

    /// Calls `call`, which can breathe meanwhile, and gives the event loop back with its result.
    pub(super) fn lend<R>(
        self: &Rc<Self>,
        event_loop: Box<EventLoop<D, P>>,
        call: impl FnOnce() -> R,
    ) -> (R, Box<EventLoop<D, P>>) {
        self.due.set(self.clock.now() + BREATH_INTERVAL);
        self.nested_time.set(Duration::ZERO);
        self.event_loop.set(Some(event_loop));
        let known = Known::make(Rc::clone(self) as Rc<dyn Nests>);
        let result = call();
        drop(known);
        let event_loop =
            self.event_loop.take().expect("a nested turn puts it back, or it panicked");
        (result, event_loop)
    }

    /// How long the nested turns of the last call have taken.
    pub(super) fn nested_time(&self) -> Duration {
        self.nested_time.get()
    }
}

impl<D: Driver, P: Protocol> fmt::Debug for Standby<D, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standby").field("due", &self.due).finish_non_exhaustive()
    }
}

/// The standby of any worker.
trait Nests {
    fn nest(&self);
}

impl<D: Driver, P: Protocol> Nests for Standby<D, P> {
    fn nest(&self) {
        let started = self.clock.now();
        if started < self.due.get() {
            return;
        }
        // Away already: this is called from within a nested turn.
        let Some(mut event_loop) = self.event_loop.take() else { return };
        event_loop.nested_turn();
        self.event_loop.set(Some(event_loop));
        let ended = self.clock.now();
        self.nested_time.set(self.nested_time.get() + ended.saturating_since(started));
        self.due.set(ended + BREATH_INTERVAL);
    }
}

thread_local! {
    /// Where an event loop stands by, while one does.
    static STANDBY: RefCell<Option<Rc<dyn Nests>>> = const { RefCell::new(None) };
    /// Whether there is one, which is found faster.
    static IS_LENT: Cell<bool> = const { Cell::new(false) };
}

#[cold]
fn nest() {
    let standby = STANDBY.with_borrow(Clone::clone);
    if let Some(standby) = standby {
        standby.nest();
    }
}

/// The thread knows a standby until this is dropped.
struct Known(());

impl Known {
    fn make(standby: Rc<dyn Nests>) -> Self {
        STANDBY.set(Some(standby));
        IS_LENT.set(true);
        Self(())
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        IS_LENT.set(false);
        STANDBY.set(None);
    }
}

/// How long a call that breathes computes from one nested turn to the next. Beside
/// handlers of 2 ms the median of cheap requests was a fifth lower than at twice this time, and the
/// CPU the same: a nested turn that finds nothing is a poll.
const BREATH_INTERVAL: Duration = Duration::from_nanos(SLICE_NS / 2);

/// How long a call may take before others should have a chance: what is shorter is cheap.
pub const SLICE: Duration = Duration::from_nanos(SLICE_NS);

pub(super) const SLICE_NS: u64 = 100_000;
