//! Does Base64 in place keep up with Base64 into another buffer?
//!
//! `stage` is the chain as a server runs it, over a lease. Each of its laps restores the payload
//! first, which `restore` measures alone; the out-of-place laps need no such step. `identity` is
//! the null case: what the chain itself costs.

use std::hint::black_box;

use base64_simd::{Out, STANDARD};
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use waterwheel_ring::{Config, Lease, Ring};
use waterwheel_stages::{Chain, Identity, base64::Base64};

/// Raw bytes: a small body, one that fills a segment when encoded, four segments, a large body.
const RAW_LENS: [usize; 4] = [256, 3 * 1024, 12 * 1024, 64 * 1024];

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("base64/decode");
    for raw_len in RAW_LENS {
        let (raw, text) = pair(raw_len);
        group.throughput(Throughput::Bytes(text.len() as u64));
        let chain = Chain::new().then(Base64::STANDARD);
        over_lease(&mut group, ("stage", raw_len), &text, |lease| chain.inbound(lease).is_ok());
        over_lease(&mut group, ("restore", raw_len), &text, |_| true);
        let mut target = vec![0; raw.len()];
        group.bench_function(BenchmarkId::new("elsewhere", raw_len), |bencher| {
            bencher.iter(|| {
                STANDARD.decode(black_box(&text), Out::from_slice(&mut target)).map(|raw| raw.len())
            });
        });
        let mut bytes = text.clone();
        group.bench_function(BenchmarkId::new("decode_inplace", raw_len), |bencher| {
            bencher.iter(|| {
                bytes.copy_from_slice(&text);
                STANDARD.decode_inplace(black_box(&mut bytes)).map(|raw| raw.len())
            });
        });
    }
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("base64/encode");
    for raw_len in RAW_LENS {
        let (raw, text) = pair(raw_len);
        group.throughput(Throughput::Bytes(raw.len() as u64));
        let chain = Chain::new().then(Base64::STANDARD);
        over_lease(&mut group, ("stage", raw_len), &raw, |lease| chain.outbound(lease).is_ok());
        over_lease(&mut group, ("restore", raw_len), &raw, |_| true);
        let mut target = vec![0; text.len()];
        group.bench_function(BenchmarkId::new("elsewhere", raw_len), |bencher| {
            bencher.iter(|| STANDARD.encode(black_box(&raw), Out::from_slice(&mut target)).len());
        });
    }
}

fn identity(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("base64/identity");
    for raw_len in RAW_LENS {
        let (raw, _) = pair(raw_len);
        group.throughput(Throughput::Bytes(raw.len() as u64));
        let chain = Chain::new().then(Identity);
        let mut lease = leased(&raw);
        group.bench_function(BenchmarkId::new("stage", raw_len), |bencher| {
            bencher.iter(|| {
                chain.inbound(black_box(&mut lease)).is_ok() && chain.outbound(&mut lease).is_ok()
            });
        });
    }
}

/// Runs `work` over a lease that holds `payload` anew in each lap.
fn over_lease(
    group: &mut BenchmarkGroup<'_, WallTime>,
    (name, raw_len): (&str, usize),
    payload: &[u8],
    work: impl Fn(&mut Lease) -> bool,
) {
    let mut lease = leased(payload);
    group.bench_function(BenchmarkId::new(name, raw_len), |bencher| {
        bencher.iter(|| {
            lease.clear();
            lease.append(payload).expect("it fitted before");
            work(black_box(&mut lease))
        });
    });
}

/// A lease with room for the encoded payload, written to its end once: what `grow_back` has to zero
/// in a fresh run is no part of the transform.
fn leased(payload: &[u8]) -> Lease {
    let ring = Ring::new(&Config::default()).expect("a ring of default size");
    let mut lease = ring.reserve_bytes(2 * payload.len()).expect("the ring is empty");
    lease.grow_back(lease.tailroom()).expect("the room is there");
    lease.clear();
    lease.append(payload).expect("the run is twice as long");
    lease
}

fn pair(raw_len: usize) -> (Vec<u8>, Vec<u8>) {
    let mut random = fastrand::Rng::with_seed(7);
    let raw: Vec<u8> = (0..raw_len).map(|_| random.u8(..)).collect();
    let text = STANDARD.encode_type(&raw);
    (raw, text)
}

criterion_group!(benches, decode, encode, identity);
criterion_main!(benches);
