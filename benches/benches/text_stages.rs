//! Do hex, percent-encoding and UTF-8 in place keep up with their libraries' calls into another
//! buffer?
//!
//! Each lap of `stage` restores the payload first, which `restore` measures alone; the laps of
//! `elsewhere` need no such step.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hex_simd::{AsOut as _, AsciiCase};
use waterwheel_stages::{Chain, hex::Hex, percent::Percent, utf8::Utf8};

use crate::site::over_lease;

mod site;

const LENS: [usize; 4] = [256, 3 * 1024, 12 * 1024, 64 * 1024];

fn hex(criterion: &mut Criterion) {
    for len in LENS {
        let raw = site::rows(len);
        let text: Vec<u8> = hex_simd::encode_type(&raw, AsciiCase::Lower);
        let chain = Chain::new().then(Hex::LOWER);

        let mut group = criterion.benchmark_group("hex/decode");
        group.throughput(Throughput::Bytes(text.len() as u64));
        over_lease(&mut group, ("stage", len), &text, 0, |lease| chain.inbound(lease).is_ok());
        over_lease(&mut group, ("restore", len), &text, 0, |_| true);
        let mut target = vec![0; len];
        group.bench_function(BenchmarkId::new("elsewhere", len), |bencher| {
            bencher
                .iter(|| hex_simd::decode(black_box(&text), target.as_out()).map(|raw| raw.len()));
        });
        group.finish();

        let mut group = criterion.benchmark_group("hex/encode");
        group.throughput(Throughput::Bytes(raw.len() as u64));
        over_lease(&mut group, ("stage", len), &raw, len, |lease| chain.outbound(lease).is_ok());
        over_lease(&mut group, ("restore", len), &raw, len, |_| true);
        let mut target = vec![0; text.len()];
        group.bench_function(BenchmarkId::new("elsewhere", len), |bencher| {
            bencher.iter(|| {
                hex_simd::encode(black_box(&raw), target.as_out(), AsciiCase::Lower).len()
            });
        });
    }
}

fn percent(criterion: &mut Criterion) {
    for len in [256, 12 * 1024] {
        let raw: Vec<u8> =
            b"a field=of a form, & another ".iter().copied().cycle().take(len).collect();
        let text =
            percent_encoding::percent_encode(&raw, percent_encoding::NON_ALPHANUMERIC).to_string();
        let chain = Chain::new().then(Percent);

        let mut group = criterion.benchmark_group("percent/decode");
        group.throughput(Throughput::Bytes(text.len() as u64));
        let bytes = text.as_bytes();
        over_lease(&mut group, ("stage", len), bytes, 0, |lease| chain.inbound(lease).is_ok());
        over_lease(&mut group, ("restore", len), bytes, 0, |_| true);
        let mut target = Vec::with_capacity(len);
        group.bench_function(BenchmarkId::new("elsewhere", len), |bencher| {
            bencher.iter(|| {
                target.clear();
                target.extend(percent_encoding::percent_decode(black_box(bytes)));
                target.len()
            });
        });
        group.finish();

        let mut group = criterion.benchmark_group("percent/encode");
        group.throughput(Throughput::Bytes(raw.len() as u64));
        over_lease(&mut group, ("stage", len), &raw, 2 * len, |lease| {
            chain.outbound(lease).is_ok()
        });
        let mut target = String::with_capacity(3 * len);
        group.bench_function(BenchmarkId::new("elsewhere", len), |bencher| {
            bencher.iter(|| {
                target.clear();
                let encoded = percent_encoding::percent_encode(
                    black_box(&raw),
                    percent_encoding::NON_ALPHANUMERIC,
                );
                target.extend(encoded);
                target.len()
            });
        });
    }
}

fn utf8(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("utf8");
    for len in [256, 12 * 1024] {
        let text: Vec<u8> = "the wheel turns, été comme hiver ".bytes().cycle().take(len).collect();
        let text = &text[..String::from_utf8_lossy(&text).trim_end_matches('\u{fffd}').len()];
        group.throughput(Throughput::Bytes(text.len() as u64));
        let chain = Chain::new().then(Utf8);
        over_lease(&mut group, ("stage", len), text, 0, |lease| chain.inbound(lease).is_ok());
        over_lease(&mut group, ("restore", len), text, 0, |_| true);
        group.bench_function(BenchmarkId::new("simdutf8", len), |bencher| {
            bencher.iter(|| simdutf8::basic::from_utf8(black_box(text)).is_ok());
        });
        group.bench_function(BenchmarkId::new("std", len), |bencher| {
            bencher.iter(|| std::str::from_utf8(black_box(text)).is_ok());
        });
    }
}

criterion_group!(benches, hex, percent, utf8);
criterion_main!(benches);
