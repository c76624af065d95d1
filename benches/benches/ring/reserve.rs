//! Reserve and release, beside the ways in which servers usually get a buffer.
//!
//! `lifo` takes a boxed buffer from a free list and puts it back; `vec` and `bytes` allocate and
//! free as many bytes without touching them. `leased_N` is the ring with N % of it leased at random
//! in runs of the length asked for. `torn_two` has runs of 1 to 16 segments leased and released at
//! random around one half of the ring, and reserves two runs at a time: one of the two cannot be a
//! spare run and is searched in the map. `queue` releases the oldest of 64 leases, then reserves
//! one.

use std::collections::VecDeque;
use std::hint::black_box;

use bytes::BytesMut;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};
use waterwheel_ring::{Config, Lease, Ring};

const SEGMENT_LEN: usize = 4096;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring/reserve");
    for segments in [1, 16] {
        for share in [0, 50, 95] {
            let ring = ring();
            let held = leased_at_random(&ring, segments, share);
            reserve(&mut group, &format!("leased_{share}"), &ring, segments);
            drop(held);
        }
        queue(&mut group, segments);
        others(&mut group, segments);
    }
    for segments in [1, 16] {
        two_in_torn(&mut group, segments);
    }
    group.finish();
}

fn ring() -> Ring {
    Ring::new(&Config::default()).expect("a ring can be made")
}

fn reserve(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, ring: &Ring, segments: usize) {
    group.bench_function(BenchmarkId::new(name, segments), |bencher| {
        bencher.iter(|| {
            let lease = ring.reserve(black_box(segments)).expect("there is such a run");
            black_box(&lease);
        });
    });
}

fn two_in_torn(group: &mut BenchmarkGroup<'_, WallTime>, segments: usize) {
    let ring = ring();
    let held = torn(&ring);
    group.bench_function(BenchmarkId::new("torn_two", segments), |bencher| {
        bencher.iter(|| {
            let two = [(); 2].map(|()| ring.reserve(black_box(segments)).expect("half is free"));
            black_box(&two);
        });
    });
    drop(held);
}

fn queue(group: &mut BenchmarkGroup<'_, WallTime>, segments: usize) {
    let ring = ring();
    let mut leases: VecDeque<Lease> = (0..64).filter_map(|_| ring.reserve(segments).ok()).collect();
    group.bench_function(BenchmarkId::new("queue", segments), |bencher| {
        bencher.iter(|| {
            drop(black_box(&mut leases).pop_front());
            leases.push_back(ring.reserve(black_box(segments)).expect("one was just released"));
        });
    });
}

fn others(group: &mut BenchmarkGroup<'_, WallTime>, segments: usize) {
    let len = segments * SEGMENT_LEN;
    group.bench_function(BenchmarkId::new("vec", segments), |bencher| {
        bencher.iter(|| {
            let buffer = Vec::<u8>::with_capacity(black_box(len));
            black_box(&buffer);
        });
    });
    group.bench_function(BenchmarkId::new("bytes", segments), |bencher| {
        bencher.iter(|| {
            let buffer = BytesMut::with_capacity(black_box(len));
            black_box(&buffer);
        });
    });
    let mut free: Vec<Box<[u8]>> = (0..64).map(|_| vec![0; len].into()).collect();
    group.bench_function(BenchmarkId::new("lifo", segments), |bencher| {
        bencher.iter(|| {
            let buffer = free.pop().expect("it was put back");
            black_box(&buffer);
            free.push(buffer);
        });
    });
}

/// Leases the whole ring in runs of `segments`, then releases all but `share` % of them.
fn leased_at_random(ring: &Ring, segments: usize, share: usize) -> Vec<Lease> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut all: Vec<Lease> = std::iter::from_fn(|| ring.reserve(segments).ok()).collect();
    random.shuffle(&mut all);
    all.truncate(all.len() * share / 100);
    all
}

/// Fills half of the ring with runs of 1 to 16 segments and exchanges them at random.
fn torn(ring: &Ring) -> Vec<Lease> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut held = Vec::new();
    for _ in 0..100_000 {
        if ring.leased() < ring.segment_count() / 2 {
            held.extend(ring.reserve(random.usize(1..=16)));
        } else {
            held.swap_remove(random.usize(0..held.len()));
        }
    }
    held
}
