//! Do the compressing stages keep up with their libraries' calls with a kept context and buffer?
//!
//! `stage` is the chain as a server runs it: each lap restores the payload, reserves the run for
//! the result at the ring's hand and releases the old one. `elsewhere` writes into one kept buffer.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use waterwheel_ring::{Config, Ring};
use waterwheel_stages::{Chain, gzip::Gzip, zstd::Zstd};
use zstd_safe::{CCtx, CParameter, DCtx};

use crate::site::rows;

mod site;

const LENS: [usize; 4] = [512, 4 * 1024, 16 * 1024, 64 * 1024];
const LIMIT: usize = 1 << 20;

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

/// One lap: a lease with the payload, and the chain over it.
fn stage(group: &mut Group<'_>, len: usize, payload: &[u8], chain: &Chain, inbound: bool) {
    let ring = Ring::new(&Config::default()).expect("a ring of default size");
    group.bench_function(BenchmarkId::new("stage", len), |bencher| {
        bencher.iter(|| {
            let mut lease = ring.reserve_bytes(payload.len()).expect("the ring is empty");
            lease.append(black_box(payload)).expect("it was reserved for this");
            let outcome =
                if inbound { chain.inbound(&mut lease) } else { chain.outbound(&mut lease) };
            outcome.expect("the payload is right");
            lease.len()
        });
    });
    group.bench_function(BenchmarkId::new("restore", len), |bencher| {
        bencher.iter(|| {
            let mut lease = ring.reserve_bytes(payload.len()).expect("the ring is empty");
            lease.append(black_box(payload)).expect("it was reserved for this");
            lease.len()
        });
    });
}

fn zstd(criterion: &mut Criterion) {
    let chain = Chain::new().then(Zstd::new(LIMIT));
    let mut compression = CCtx::create();
    let level = CParameter::CompressionLevel(1);
    compression.set_parameter(level).expect("level 1 is a level of zstd");
    let mut decompression = DCtx::create();
    for len in LENS {
        let raw = rows(len);
        let mut frame = Vec::with_capacity(zstd_safe::compress_bound(len));
        compression.compress2(&mut frame, &raw).expect("the room is enough");

        let mut group = criterion.benchmark_group("zstd/decompress");
        group.throughput(Throughput::Bytes(len as u64));
        stage(&mut group, len, &frame, &chain, true);
        let mut target = vec![0; len];
        group.bench_function(BenchmarkId::new("elsewhere", len), |bencher| {
            bencher.iter(|| decompression.decompress(&mut target[..], black_box(&frame)));
        });
        group.finish();

        let mut group = criterion.benchmark_group("zstd/compress");
        group.throughput(Throughput::Bytes(len as u64));
        stage(&mut group, len, &raw, &chain, false);
        let mut target = vec![0; zstd_safe::compress_bound(len)];
        group.bench_function(BenchmarkId::new("elsewhere", len), |bencher| {
            bencher.iter(|| compression.compress2(&mut target[..], black_box(&raw)));
        });
    }
}

fn gzip(criterion: &mut Criterion) {
    let chain = Chain::new().then(Gzip::new(LIMIT));
    let mut compression = Compress::new_gzip(Compression::new(1), 15);
    let mut decompression = Decompress::new_gzip(15);
    for len in LENS {
        let raw = rows(len);
        let mut member = Vec::with_capacity(2 * len);
        compression.reset();
        compression.compress_vec(&raw, &mut member, FlushCompress::Finish).expect("room enough");

        let mut group = criterion.benchmark_group("gzip/decompress");
        group.throughput(Throughput::Bytes(len as u64));
        stage(&mut group, len, &member, &chain, true);
        let mut target = vec![0; len + 1];
        group.bench_function(BenchmarkId::new("elsewhere", len), |bencher| {
            bencher.iter(|| {
                decompression.reset(true);
                decompression.decompress(black_box(&member), &mut target, FlushDecompress::Finish)
            });
        });
        group.finish();

        let mut group = criterion.benchmark_group("gzip/compress");
        group.throughput(Throughput::Bytes(len as u64));
        stage(&mut group, len, &raw, &chain, false);
        let mut target = vec![0; 2 * len];
        group.bench_function(BenchmarkId::new("elsewhere", len), |bencher| {
            bencher.iter(|| {
                compression.reset();
                compression.compress(black_box(&raw), &mut target, FlushCompress::Finish)
            });
        });
    }
}

criterion_group!(benches, zstd, gzip);
criterion_main!(benches);
