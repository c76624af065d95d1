//! What each route costs on one worker: measured while it is served, so that requests which take
//! long can stand back behind those that do not.
//!
//! Cheap requests are not timed one by one. The runtime tells of calls that were long, and of every
//! one that ran as expensive; what it did not tell of counts as nothing in a route's mean.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use crate::tally::Tally;

/// The routes of one worker, by index, and the one that was called last.
#[derive(Debug)]
pub(crate) struct Costs {
    routes: Box<[RouteCost]>,
    tally: Arc<Tally>,
    /// What the protocol call at hand has run; [`NONE`] before it has.
    last: Cell<usize>,
    /// The mean from which a route is expensive, in nanoseconds.
    limit: u64,
    /// Calls that were said to be slow.
    slow_calls: Cell<u64>,
    longest_call: Cell<Duration>,
}

#[derive(Debug)]
struct RouteCost {
    is_expensive: Cell<bool>,
    /// The application said so: no measurement takes it back.
    is_declared: bool,
    /// How many calls there were when one was told of last.
    calls_told: Cell<u64>,
    /// In nanoseconds, over about the last [`WEIGHT`] calls.
    mean: Cell<u64>,
}

impl Costs {
    /// For routes of which the application declares some to be expensive, and others are from a
    /// mean of `expensive_after` on.
    pub(crate) fn new(
        declared: impl Iterator<Item = bool>,
        expensive_after: Duration,
        tally: Arc<Tally>,
    ) -> Self {
        let limit = u64::try_from(expensive_after.as_nanos()).unwrap_or(u64::MAX);
        let route = |is_declared| RouteCost {
            is_expensive: Cell::new(is_declared),
            is_declared,
            calls_told: Cell::new(0),
            mean: Cell::new(0),
        };
        Self {
            routes: declared.map(route).collect(),
            tally,
            last: Cell::new(NONE),
            limit,
            slow_calls: Cell::new(0),
            longest_call: Cell::new(Duration::ZERO),
        }
    }

    #[inline]
    pub(crate) fn is_expensive(&self, route: usize) -> bool {
        self.routes[route].is_expensive.get()
    }

    /// A protocol call begins: it has run nothing yet.
    #[inline]
    pub(crate) fn begin(&self) {
        self.last.set(NONE);
    }

    /// The handler of a route is called.
    #[inline]
    pub(crate) fn run(&self, route: usize) {
        self.tally.note_call(route);
        self.last.set(route);
    }

    /// The future of a route's handler is polled.
    pub(crate) fn poll(&self, route: usize) {
        self.last.set(route);
    }

    /// Calls that were said to be slow.
    pub(crate) fn slow_calls(&self) -> u64 {
        self.slow_calls.get()
    }

    /// The longest call of those that were told of.
    pub(crate) fn longest_call_micros(&self) -> u64 {
        u64::try_from(self.longest_call.get().as_micros()).unwrap_or(u64::MAX)
    }

    /// The protocol call has taken so long. Returns the route that it has run last.
    pub(crate) fn told(&self, time: Duration, is_slow: bool) -> Option<usize> {
        self.slow_calls.set(self.slow_calls.get() + u64::from(is_slow));
        self.longest_call.set(self.longest_call.get().max(time));
        let last = self.last.get();
        let route = self.routes.get(last)?;
        let mut mean = route.mean.get();
        let calls = self.tally.calls(last);
        for _ in 1..(calls - route.calls_told.replace(calls)).min(FORGOTTEN_AFTER) {
            mean -= mean / WEIGHT;
        }
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).min(TIME_MAX_NS);
        mean = mean - mean / WEIGHT + time / WEIGHT;
        route.mean.set(mean);
        let limit = if route.is_expensive.get() { self.limit / 2 } else { self.limit };
        route.is_expensive.set(route.is_declared || mean >= limit);
        Some(last)
    }
}

/// No route has this index.
const NONE: usize = usize::MAX;

/// Five long calls in a row make a route expensive.
const WEIGHT: u64 = 16;

/// What a call counts for at most. On a machine with other things to do any call can be interrupted
/// for some milliseconds: one that is must not make a cheap route expensive.
const TIME_MAX_NS: u64 = 400_000;

/// After so many calls nothing is left of a mean: (15/16)¹²⁸ is a four-thousandth.
const FORGOTTEN_AFTER: u64 = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn costs() -> Costs {
        let tally = Arc::new(Tally::new(2));
        Costs::new([false, true].into_iter(), Duration::from_micros(100), tally)
    }

    fn call(costs: &Costs, route: usize, microseconds: u64) {
        costs.begin();
        costs.run(route);
        if costs.is_expensive(route) || microseconds >= 100 {
            costs.told(Duration::from_micros(microseconds), false);
        }
    }

    #[test]
    fn five_long_calls_make_a_route_expensive() {
        let costs = costs();
        for _ in 0..5 {
            assert!(!costs.is_expensive(0));
            call(&costs, 0, 2_000);
        }
        assert!(costs.is_expensive(0));
    }

    #[test]
    fn a_call_that_is_interrupted_now_and_then_does_not() {
        let costs = costs();
        for _ in 0..1_000 {
            (0..20).for_each(|_| call(&costs, 0, 5));
            call(&costs, 0, 20_000);
            assert!(!costs.is_expensive(0));
        }
    }

    #[test]
    fn a_route_that_became_short_is_cheap_again() {
        let costs = costs();
        (0..100).for_each(|_| call(&costs, 0, 2_000));
        let short_calls = (0..1_000).take_while(|_| {
            call(&costs, 0, 10);
            costs.is_expensive(0)
        });
        // From 400 µs to 50 µs, a sixteenth a call.
        let count = short_calls.count();
        assert!((30..40).contains(&count), "{count}");
    }

    #[test]
    fn slow_calls_are_counted_and_the_longest_is_kept() {
        let costs = costs();
        for millis in [99, 100, 250, 150] {
            costs.told(Duration::from_millis(millis), millis >= 100);
        }
        assert_eq!((costs.slow_calls(), costs.longest_call_micros()), (3, 250_000));
    }

    #[test]
    fn a_declared_route_stays_expensive() {
        let costs = costs();
        (0..1_000).for_each(|_| call(&costs, 1, 0));
        assert!(costs.is_expensive(1));
    }

    #[test]
    fn a_call_that_ran_nothing_is_no_routes() {
        let costs = costs();
        call(&costs, 0, 5);
        costs.begin();
        assert_eq!(costs.told(Duration::from_secs(1), true), None);
        assert!(!costs.is_expensive(0));
    }
}
