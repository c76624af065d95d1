//! What does a run of the ring cost, and what do its lap, its wipe and a prefetch cost or gain?
//!
//! One module a question; each says what it compares.

mod exchange;
mod prefetch;
mod reserve;
mod wipe;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, reserve::bench, wipe::bench, exchange::bench, prefetch::bench);
criterion_main!(benches);
