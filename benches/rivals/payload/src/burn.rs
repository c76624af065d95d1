//! CPU time to burn: the same chain of multiplications, as long, in every entry.

use std::sync::atomic::{AtomicU64, Ordering};

/// About 2 ms at 4 cycles a round and 3 GHz.
const ROUND_COUNT: u64 = 2_000_000;

/// One request in so many burns on `/mix`.
const MIX_PERIOD: u64 = 20;

/// Multiplies about 2 ms long; every step needs the one before, so nothing can shorten it.
pub fn burn() {
    let mut state = std::hint::black_box(1_u64);
    for _ in 0..ROUND_COUNT {
        // Without the box the compiler takes several rounds in one step.
        state = std::hint::black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
    std::hint::black_box(state);
}

/// Counts a request to `/mix` and tells whether it is one that burns.
#[must_use]
pub fn mix_burns() -> bool {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // ORDERING: Relaxed: a counter that nothing else depends on.
    COUNT.fetch_add(1, Ordering::Relaxed) % MIX_PERIOD == MIX_PERIOD - 1
}

/// Burns when it is this request's turn.
pub fn mix() {
    if mix_burns() {
        burn();
    }
}
