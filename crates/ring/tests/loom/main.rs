//! The hand-back between threads under loom: every interleaving and every reordering, for rings of
//! one to four segments and at most three threads. One file for each property.
//!
//! `cargo xtask loom` runs the models; `cargo xtask loom --weaken` takes the ordering of each
//! access away in turn and expects a model to fail. Loom watches the bytes themselves: two threads
//! that touch a segment without an order between them end a model.
#![cfg(waterwheel_loom)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod exclusive;
mod lost;
mod ordered;
mod racing;
mod shutdown;

use waterwheel_ring::{Config, RemoteLease, Ring};

fn ring(segment_count: usize) -> Ring {
    let mut config = Config::default();
    config.segment_len = SEGMENT;
    config.segment_count = segment_count;
    Ring::new(&config).unwrap()
}

fn remote(ring: &Ring, segment_count: usize) -> RemoteLease {
    ring.reserve(segment_count).unwrap().into_remote().unwrap()
}

/// What loom watches as one.
const SEGMENT: usize = 64;
