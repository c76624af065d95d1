//! What is in place worth over a whole exchange in memory: body in, rows changed, reply out?
//!
//! All versions start with the body in memory and copy it to where a receive would put it, and end
//! with a head of 120 bytes and the reply's body right behind it.
//!
//! - `in_place`: a lease, the route's chain both ways, a typed view between; then released.
//! - `copying`: kept buffers and contexts, each transform into the next buffer, rows viewed in
//!   theirs without a copy, and the last one writes behind the head.
//! - `copying_rows`: as `copying`, with the rows taken out into a kept `Vec` of native structs for
//!   the handler, and written back.

use std::hint::black_box;

use base64_simd::{AsOut as _, STANDARD};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use waterwheel_ring::{Config, Ring};
use waterwheel_stages::{Chain, base64::Base64, typed::View, zstd::Zstd};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, little_endian::U32};
use zstd_safe::{CCtx, CParameter, DCtx};

mod site;

const LENS: [usize; 4] = [512, 3 * 1024, 11 * 1024, 64 * 1024];
const HEAD: [u8; 120] = [b'h'; 120];
const LIMIT: usize = 1 << 20;

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Row {
    id: U32,
    count: U32,
    price: U32,
    group: U32,
}

/// As a handler without views has it.
struct NativeRow {
    id: u32,
    count: u32,
    price: u32,
    group: u32,
}

fn handle(rows: &mut [Row]) {
    for row in rows {
        row.count.set(row.count.get().wrapping_add(1));
    }
}

fn in_place(ring: &Ring, chain: &Chain, body: &[u8]) -> usize {
    let mut lease = ring.reserve_bytes(256 + body.len() + 8).expect("the ring is empty");
    lease.set_headroom(256);
    lease.append(body).expect("it was reserved for this");
    chain.inbound(&mut lease).expect("the body is right");
    let mut rows = View::<[Row]>::new(lease).map_err(|(error, _)| error).expect("whole rows");
    handle(&mut rows);
    let mut lease = rows.into_lease();
    chain.outbound(&mut lease).expect("there is room");
    lease.prepend(&HEAD).expect("there is headroom");
    black_box(lease.payload()).len()
}

/// Buffers and contexts that are kept from one exchange to the next.
struct Kept {
    received: Vec<u8>,
    text: Vec<u8>,
    raw: Vec<u8>,
    rows: Vec<NativeRow>,
    encoded: Vec<u8>,
    sent: Vec<u8>,
    compression: CCtx<'static>,
    decompression: DCtx<'static>,
}

impl Kept {
    fn new() -> Self {
        let mut compression = CCtx::create();
        let level = CParameter::CompressionLevel(1);
        compression.set_parameter(level).expect("level 1 is a level of zstd");
        Self {
            received: Vec::with_capacity(LIMIT),
            text: Vec::with_capacity(LIMIT),
            raw: vec![0; LIMIT],
            rows: Vec::with_capacity(LIMIT / 16),
            encoded: vec![0; LIMIT],
            sent: vec![0; LIMIT],
            compression,
            decompression: DCtx::create(),
        }
    }

    fn exchange(&mut self, body: &[u8], packed: bool, takes_rows: bool) -> usize {
        self.received.clear();
        self.received.extend_from_slice(body);
        let text = if packed {
            let claim = zstd_safe::get_frame_content_size(&self.received);
            let claim = claim.ok().flatten().expect("the frame has one");
            assert!(claim <= LIMIT as u64, "the claim is held against the limit");
            self.text.clear();
            let done = self.decompression.decompress(&mut self.text, &self.received);
            done.expect("the body is right");
            &self.text
        } else {
            &self.received
        };
        let raw = STANDARD.decode(text, self.raw.as_out()).expect("the body is right");
        if takes_rows {
            change_taken(raw, &mut self.rows);
        } else {
            handle(<[Row]>::mut_from_bytes(raw).expect("whole rows"));
        }
        self.sent[..HEAD.len()].copy_from_slice(&HEAD);
        let behind = &mut self.sent[HEAD.len()..];
        let len = if packed {
            let encoded = STANDARD.encode(raw, self.encoded.as_out());
            self.compression.compress2(behind, encoded).expect("there is room")
        } else {
            STANDARD.encode(raw, behind.as_out()).len()
        };
        black_box(&self.sent[..HEAD.len() + len]).len()
    }
}

fn change_taken(raw: &mut [u8], rows: &mut Vec<NativeRow>) {
    rows.clear();
    let views = <[Row]>::mut_from_bytes(raw).expect("whole rows");
    rows.extend(views.iter().map(|row| NativeRow {
        id: row.id.get(),
        count: row.count.get(),
        price: row.price.get(),
        group: row.group.get(),
    }));
    for row in black_box(&mut *rows) {
        row.count = row.count.wrapping_add(1);
    }
    for (view, row) in views.iter_mut().zip(rows) {
        view.id.set(row.id);
        view.count.set(row.count);
        view.price.set(row.price);
        view.group.set(row.group);
    }
}

fn pipeline(criterion: &mut Criterion) {
    let mut kept = Kept::new();
    let plain = Chain::new().then(Base64::STANDARD);
    let packed = Chain::new().then(Zstd::new(LIMIT)).then(Base64::STANDARD);
    for (name, chain, is_packed) in [("base64", plain, false), ("zstd+base64", packed, true)] {
        let mut group = criterion.benchmark_group(format!("pipeline/{name}"));
        for len in LENS {
            let text: Vec<u8> = STANDARD.encode_type(site::rows(len));
            let mut frame = Vec::with_capacity(zstd_safe::compress_bound(text.len()));
            kept.compression.compress2(&mut frame, &text).expect("there is room");
            let body = if is_packed { frame } else { text };
            group.throughput(Throughput::Elements(1));
            let ring = Ring::new(&Config::default()).expect("a ring of default size");
            group.bench_function(BenchmarkId::new("in_place", len), |bencher| {
                bencher.iter(|| in_place(&ring, &chain, black_box(&body)));
            });
            for (name, takes_rows) in [("copying", false), ("copying_rows", true)] {
                group.bench_function(BenchmarkId::new(name, len), |bencher| {
                    bencher.iter(|| kept.exchange(black_box(&body), is_packed, takes_rows));
                });
            }
        }
    }
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
