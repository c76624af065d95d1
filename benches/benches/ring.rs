//! What does a run of the ring cost beside the ways in which servers usually get a buffer?
//!
//! `reserve` is reserve and release, for 1 and 16 segments, in an empty ring and in one of which
//! half is leased in scattered single segments. `vec` allocates and frees as many bytes; `lifo`
//! takes a boxed buffer from a free list and puts it back.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use waterwheel_ring::{Config, Lease, Ring};

const RUNS: [usize; 2] = [1, 16];
const SEGMENT_LEN: usize = 4096;

fn reserve(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring/reserve");
    for segments in RUNS {
        let ring = Ring::new(&Config::default()).expect("a ring can be made");
        group.bench_function(BenchmarkId::new("empty", segments), |bencher| {
            bencher.iter(|| {
                let lease = ring.reserve(black_box(segments));
                black_box(&lease);
            });
        });
        let held = half_leased(&ring, segments);
        group.bench_function(BenchmarkId::new("half_leased", segments), |bencher| {
            bencher.iter(|| {
                let lease = ring.reserve(black_box(segments));
                black_box(&lease);
            });
        });
        drop(held);
        group.bench_function(BenchmarkId::new("vec", segments), |bencher| {
            bencher.iter(|| drop(black_box(Vec::<u8>::with_capacity(segments * SEGMENT_LEN))));
        });
        let mut free: Vec<Box<[u8]>> =
            (0..64).map(|_| vec![0; segments * SEGMENT_LEN].into()).collect();
        group.bench_function(BenchmarkId::new("lifo", segments), |bencher| {
            bencher.iter(|| {
                if let Some(buffer) = black_box(&mut free).pop() {
                    free.push(black_box(buffer));
                }
            });
        });
    }
}

/// Leases about half of the ring in single segments at random places, leaving runs of `segments`.
fn half_leased(ring: &Ring, segments: usize) -> Vec<Lease> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut all: Vec<Lease> = std::iter::from_fn(|| ring.reserve(segments).ok()).collect();
    let half = all.len() / 2;
    random.shuffle(&mut all);
    all.truncate(half);
    all
}

fn wipe(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring/write_and_release");
    for len in [128, 4096, 65_536] {
        for wipe in [waterwheel_ring::Wipe::OnRelease, waterwheel_ring::Wipe::Never] {
            let mut config = Config::default();
            config.wipe = wipe;
            let ring = Ring::new(&config).expect("a ring can be made");
            let bytes = vec![7; len];
            group.bench_function(BenchmarkId::new(format!("{wipe:?}"), len), |bencher| {
                bencher.iter(|| {
                    let mut lease = ring.reserve_bytes(len).expect("the ring is empty");
                    lease.append(black_box(&bytes)).expect("the run is long enough");
                    black_box(lease.payload());
                });
            });
        }
    }
}

criterion_group!(benches, reserve, wipe);
criterion_main!(benches);
