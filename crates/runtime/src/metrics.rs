//! What a worker counts. Written by that worker alone, read by whoever wants to know.

use std::sync::atomic::{AtomicU64, Ordering};

/// Each line becomes a field of [`Metrics`], one of [`Meter`], and one [`Metric`].
macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $kind:ident $name:ident,)+) => {
        /// Counters of one worker since its start.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Metrics {
            /// Index of the worker.
            pub worker: usize,
            $($(#[doc = $help])+ pub $name: u64,)+
        }

        /// What a worker counts, while it counts. No other worker writes near it: processors fetch
        /// two lines of 64 bytes at a time.
        #[derive(Debug, Default)]
        #[repr(align(128))]
        pub struct Meter {
            pub(crate) worker: usize,
            $(pub(crate) $name: Count,)+
        }

        impl Meter {
            /// All counters, each as it was a moment ago.
            pub fn read(&self) -> Metrics {
                Metrics { worker: self.worker, $($name: self.$name.get(),)+ }
            }
        }

        impl Metrics {
            /// All that is counted.
            pub const ALL: &[Metric] = &[$(Metric {
                name: stringify!($name),
                help: concat!($($help),+).trim_ascii_start(),
                kind: MetricKind::$kind,
                value: |metrics| metrics.$name,
            },)+];
        }
    };
}

/// One of the numbers in [`Metrics`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Metric {
    /// The field's name.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// How it changes.
    pub kind: MetricKind,
    /// The field's value.
    pub value: fn(&Metrics) -> u64,
}

/// How a number changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

metrics! {
    /// Turns of the loop.
    Counter turns,
    /// Turns inside of calls that breathed.
    Counter nested_turns,
    /// Times that an expensive request was put behind cheap ones.
    Counter deferred,
    /// Connections that left for another worker, to have an expensive request run there.
    Counter handed_over,
    /// Connections that came from another worker.
    Counter taken_over,
    /// Turns in which all requests were refused that might be, because what was ready had waited
    /// for longer than the limit on lag.
    Counter late_turns,
    /// Calls that took longer than the watchdog allows.
    Counter slow_calls,
    /// The longest call, nested turns left out; 0 as long as none has taken a slice.
    Gauge longest_call_micros,
    /// Connections that it has accepted and begun, or that another worker has accepted for it.
    Counter accepted,
    /// Connections that it has accepted for a worker that had fewer.
    Counter dealt,
    /// Connections closed, for whatever reason.
    Counter closed,
    /// Connections open now.
    Gauge open,
    /// Accept calls that failed for want of descriptors or memory.
    Counter accept_starved,
    /// Accept calls that failed for a reason that concerned one connection only.
    Counter accept_failed,
    /// Connections of trusted proxies that were closed because no right header came.
    Counter proxy_header_failed,
    /// Connections closed because too much was parked outside the ring.
    Counter parked_full,
    /// Connections closed because their address had too many.
    Counter address_capped,
    /// Bytes received.
    Counter received_len,
    /// Bytes sent.
    Counter sent_len,
    /// Deadlines that passed.
    Counter timed_out,
    /// Events for connections that were gone already.
    Counter stale_events,
    /// Times a connection had to wait because the ring was full.
    Counter ring_full,
    /// Bytes moved out of the ring because their connection was idle or its peer did not read.
    Counter parked_len,
}

impl Meter {
    pub(crate) fn new(worker: usize) -> Self {
        Self { worker, ..Self::default() }
    }

    /// Connections open now.
    #[inline]
    pub fn open(&self) -> usize {
        usize::try_from(self.open.get()).unwrap_or(usize::MAX)
    }
}

/// A number that one thread writes and any thread may read.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    #[inline]
    pub(crate) fn add(&self, count: u64) {
        self.set(self.get().wrapping_add(count));
    }

    #[inline]
    pub(crate) fn subtract(&self, count: u64) {
        self.set(self.get().wrapping_sub(count));
    }

    #[inline]
    pub(crate) fn set(&self, count: u64) {
        // ORDERING: Relaxed: one thread writes, and readers conclude nothing about other memory.
        self.0.store(count, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn get(&self) -> u64 {
        // ORDERING: Relaxed: pairs with the store in `set`, for the reason given there.
        self.0.load(Ordering::Relaxed)
    }
}
