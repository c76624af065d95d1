//! Which JSON parser reads typed values from a payload at the least cost?
//!
//! `simd_json` changes its input, so each of its laps restores it, as `restore` does alone.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, Serialize)]
struct Order<'a> {
    id: u64,
    item: &'a str,
    price: f64,
    quantities: Vec<u32>,
    paid: bool,
}

fn order(id: u64) -> Order<'static> {
    let quantities = vec![1, 20, 300];
    Order { id, item: "a bucket of the wheel", price: 12.5, quantities, paid: id.is_multiple_of(2) }
}

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("json/read");
    for count in [1, 40, 700] {
        let orders: Vec<_> = (0..count).map(order).collect();
        let text = serde_json::to_vec(&orders).expect("orders have a json");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("serde_json", text.len()), |bencher| {
            bencher.iter(|| {
                let orders: Vec<Order<'_>> =
                    waterwheel_stages::json::read(black_box(&text)).expect("it is right");
                orders.len()
            });
        });
        group.bench_function(BenchmarkId::new("sonic_rs", text.len()), |bencher| {
            bencher.iter(|| {
                let orders: Vec<Order<'_>> =
                    sonic_rs::from_slice(black_box(&text)).expect("it is right");
                orders.len()
            });
        });
        let mut buffers = simd_json::Buffers::new(text.len());
        let mut scratch = text.clone();
        group.bench_function(BenchmarkId::new("simd_json", text.len()), |bencher| {
            bencher.iter(|| {
                scratch.copy_from_slice(&text);
                let orders: Vec<Order<'_>> = simd_json::serde::from_slice_with_buffers(
                    black_box(&mut scratch),
                    &mut buffers,
                )
                .expect("it is right");
                orders.len()
            });
        });
        group.bench_function(BenchmarkId::new("restore", text.len()), |bencher| {
            bencher.iter(|| {
                scratch.copy_from_slice(black_box(&text));
                scratch.len()
            });
        });
    }
}

criterion_group!(benches, read);
criterion_main!(benches);
