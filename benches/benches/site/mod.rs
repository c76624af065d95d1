//! Leases and bytes for benchmarks of stages.

#![allow(dead_code, reason = "every benchmark uses some of it")]

use std::hint::black_box;

use criterion::{BenchmarkGroup, BenchmarkId, measurement::WallTime};
use waterwheel_ring::{Config, Lease, Ring};

/// Runs `work` over a lease that holds `payload` anew in each lap. `room` is what the work needs
/// behind it.
pub(crate) fn over_lease(
    group: &mut BenchmarkGroup<'_, WallTime>,
    (name, len): (&str, usize),
    payload: &[u8],
    room: usize,
    work: impl Fn(&mut Lease) -> bool,
) {
    let ring = Ring::new(&Config::default()).expect("a ring of default size");
    let mut lease = ring.reserve_bytes(payload.len() + room).expect("the ring is empty");
    // Written to its end once: what growing has to zero in a fresh run is no part of the transform.
    lease.grow_back(lease.tailroom()).expect("the room is there");
    group.bench_function(BenchmarkId::new(name, len), |bencher| {
        bencher.iter(|| {
            lease.clear();
            lease.append(payload).expect("it fitted before");
            work(black_box(&mut lease))
        });
    });
}

/// Rows as a handler sees them, in a deterministic mixture of sameness and noise: about half is left
/// of them by compression.
pub(crate) fn rows(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut bytes: Vec<u8> = (0..len as u32 / 16 + 1)
        .flat_map(|id| [id, random.u32(..1000), random.u32(..), id / 8])
        .flat_map(u32::to_le_bytes)
        .collect();
    bytes.truncate(len);
    bytes
}
