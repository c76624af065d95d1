//! Does it pay to prefetch the next lease's first bytes while one is worked on?
//!
//! 64 leases lie in the caches of a core, 4,096 with a segment each do not. Each is read in a
//! random order, its first 512 bytes or all of it, with and without a prefetch of the one after.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use waterwheel_ring::{Config, Lease, Ring};

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring/prefetch");
    for count in [64, 4096] {
        let ring = Ring::new(&Config::default()).expect("a ring can be made");
        let leases = leases(&ring, count);
        group.throughput(Throughput::Elements(count as u64));
        for len in [512, 4096] {
            for prefetch in [false, true] {
                let name = format!("{count}_leases/{}", if prefetch { "on" } else { "off" });
                group.bench_function(BenchmarkId::new(name, len), |bencher| {
                    bencher.iter(|| read_all(&leases, len, prefetch));
                });
            }
        }
    }
    group.finish();
}

fn leases(ring: &Ring, count: usize) -> Vec<Lease> {
    let mut leases: Vec<Lease> = std::iter::from_fn(|| ring.reserve(1).ok()).take(count).collect();
    for lease in &mut leases {
        lease.append(&[7; 4096]).expect("a segment is that long");
    }
    fastrand::Rng::with_seed(7).shuffle(&mut leases);
    leases
}

fn read_all(leases: &[Lease], len: usize, prefetch: bool) {
    for (at, lease) in leases.iter().enumerate() {
        if prefetch && let Some(next) = leases.get(at + 1) {
            next.prefetch();
        }
        black_box(
            lease.payload()[..len].iter().fold(0_u64, |sum, byte| sum * 31 + u64::from(*byte)),
        );
    }
}
