//! What does the wipe add to a run that is written, read once and released?
//!
//! `read_twice` in place of the wipe shows what a second look at the same bytes costs: the floor
//! for anything that touches them again.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use waterwheel_ring::{Config, Ring, Wipe};

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring/wipe");
    for len in [64, 512, 4096, 16_384, 65_536] {
        let bytes = vec![7; len];
        for (name, wipe, reads) in [
            ("never", Wipe::Never, 1),
            ("read_twice", Wipe::Never, 2),
            ("wiped", Wipe::OnRelease, 1),
        ] {
            let mut config = Config::default();
            config.wipe = wipe;
            let ring = Ring::new(&config).expect("a ring can be made");
            group.bench_function(BenchmarkId::new(name, len), |bencher| {
                bencher.iter(|| {
                    let mut lease = ring.reserve_bytes(len).expect("the ring is empty");
                    lease.append(black_box(&bytes)).expect("the run is long enough");
                    for _ in 0..reads {
                        black_box(sum(black_box(lease.payload())));
                    }
                });
            });
        }
    }
    group.finish();
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}
