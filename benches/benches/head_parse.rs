//! What does it cost to read a head and find its route, beside the parser most servers use?
//!
//! The null case passes over the bytes with nothing but a length check, so that the price of the
//! harness shows.

use std::hint::black_box;
use std::mem::MaybeUninit;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use waterwheel_http::Limits;
use waterwheel_http::body::Chunked;
use waterwheel_http::parse::{HeadScan, HeaderSlots, Method};
use waterwheel_http::router::{Found, Router};

const PLAINTEXT: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
const BROWSER: &[u8] = b"GET /users/42?sort=name&page=2 HTTP/1.1\r\nHost: www.example.com\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
Connection: keep-alive\r\nCookie: session=abcdefghijklmnopqrstuvwxyz0123456789\r\n\
Upgrade-Insecure-Requests: 1\r\n\r\n";

fn router() -> Router<u32> {
    let mut router = Router::new();
    for (value, path) in (0..).zip(["/plaintext", "/json", "/users/{id}", "/files/{*rest}"]) {
        router.insert(Method::Get, path, value).expect("the paths differ");
    }
    router
}

fn heads(criterion: &mut Criterion) {
    let limits = Limits::default();
    let router = router();
    for (name, bytes) in [("plaintext", PLAINTEXT), ("browser", BROWSER)] {
        let mut group = criterion.benchmark_group(format!("head/{name}"));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("null", |bench| bench.iter(|| black_box(bytes).len()));
        group.bench_function("httparse", |bench| {
            bench.iter(|| {
                let mut fields = [const { MaybeUninit::uninit() }; 100];
                let mut request = httparse::Request::new(&mut []);
                let parsed = request.parse_with_uninit_headers(black_box(bytes), &mut fields);
                black_box((parsed, request.path, request.headers.len()))
            });
        });
        let mut slots = HeaderSlots::new();
        group.bench_function("parse", |bench| {
            bench.iter(|| {
                let mut scan = HeadScan::new();
                let head = scan.parse(black_box(bytes), &mut slots, &limits);
                black_box(head.ok().flatten().map(|head| head.head_len))
            });
        });
        group.bench_function("parse and route", |bench| {
            bench.iter(|| {
                let mut scan = HeadScan::new();
                let head = scan.parse(black_box(bytes), &mut slots, &limits).ok().flatten()?;
                match router.find(head.method, head.target.path_bytes()) {
                    Found::Route { value, params, .. } => Some((*value, params.len())),
                    _ => None,
                }
            });
        });
        group.finish();
    }
}

fn routes(criterion: &mut Criterion) {
    let router = router();
    let mut tree = matchit::Router::new();
    for path in ["/plaintext", "/json", "/users/{id}", "/files/{*rest}"] {
        tree.insert(path, 0u32).expect("the paths differ");
    }
    for (name, path) in [("literal", "/plaintext"), ("parameter", "/users/42")] {
        let mut group = criterion.benchmark_group(format!("route/{name}"));
        group.bench_function("matchit", |bench| {
            bench.iter(|| tree.at(black_box(path)).map(|found| *found.value).ok());
        });
        group.bench_function("find", |bench| {
            bench.iter(|| match router.find(Method::Get, black_box(path)) {
                Found::Route { value, .. } => Some(*value),
                _ => None,
            });
        });
        group.finish();
    }
}

fn chunks(criterion: &mut Criterion) {
    for (name, size, count) in [("one of 10,000", 10_000, 1), ("100 of 100", 100, 100)] {
        let chunk = [format!("{size:x}\r\n").as_bytes(), &vec![b'a'; size], b"\r\n"].concat();
        let body = [chunk.repeat(count), b"0\r\n\r\n".to_vec()].concat();
        let mut group = criterion.benchmark_group("chunked");
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bench| {
            bench.iter_batched_ref(
                || body.clone(),
                |bytes| {
                    let received = bytes.len();
                    black_box(Chunked::new(1 << 20).decode(bytes, received))
                },
                BatchSize::SmallInput,
            );
        });
        group.finish();
    }
}

criterion_group!(benches, heads, routes, chunks);
criterion_main!(benches);
