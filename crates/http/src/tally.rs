//! What a worker counts of requests and replies. Written by that worker alone, read by all.

use std::sync::atomic::{AtomicU64, Ordering};

/// The numbers of one worker. No other worker writes near them: processors fetch two lines of 64
/// bytes at a time.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Tally {
    /// Calls of handlers, by index of the route.
    calls: Box<[AtomicU64]>,
    /// Replies by the first digit of their status.
    replies: [AtomicU64; 10],
    /// Requests that were refused, for want of memory or time.
    shed: AtomicU64,
}

impl Tally {
    pub(crate) fn new(route_count: usize) -> Self {
        let calls = (0..route_count).map(|_| AtomicU64::new(0)).collect();
        Self { calls, replies: Default::default(), shed: AtomicU64::new(0) }
    }

    #[inline]
    pub(crate) fn note_call(&self, route: usize) {
        add_one(&self.calls[route]);
    }

    #[inline]
    pub(crate) fn note_reply(&self, status: http::StatusCode) {
        // A `StatusCode` has three digits.
        if let Some(count) = self.replies.get(usize::from(status.as_u16() / 100)) {
            add_one(count);
        }
    }

    /// Counts a request that was refused for want of memory or time, by a 503.
    pub(crate) fn note_shed(&self) {
        self.note_reply(http::StatusCode::SERVICE_UNAVAILABLE);
        add_one(&self.shed);
    }

    pub(crate) fn calls(&self, route: usize) -> u64 {
        get(&self.calls[route])
    }

    pub(crate) fn replies(&self, class: usize) -> u64 {
        self.replies.get(class).map_or(0, get)
    }

    pub(crate) fn shed(&self) -> u64 {
        get(&self.shed)
    }

    /// Calls of all handlers.
    pub(crate) fn requests(&self) -> u64 {
        self.calls.iter().map(get).sum()
    }
}

#[inline]
fn add_one(count: &AtomicU64) {
    // ORDERING: Relaxed: one thread writes, and readers conclude nothing about other memory.
    count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

#[inline]
fn get(count: &AtomicU64) -> u64 {
    // ORDERING: Relaxed: pairs with the store in `add_one`, for the reason given there.
    count.load(Ordering::Relaxed)
}
