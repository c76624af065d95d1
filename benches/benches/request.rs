//! What does a whole request cost between the two system calls?
//!
//! Bytes are put into a run as a read would, go through parser, router, chain, handler and encoder,
//! and the queued reply is dropped as after a write. `empty` is the null case: a handler that
//! answers nothing.

use std::convert::Infallible;
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, SystemTime};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use waterwheel_http::{
    Connection, Exchange, Handler, Http, InPlace, Instant, IntoRoute, Json, Limits, Locals,
    Pressure, Registration, Reply, Service,
};
use waterwheel_ring::{Config, Inbound, Ring, Runs};
use waterwheel_stages::base64::Base64;
use zerocopy::little_endian::U32;

/// One worker's HTTP without a worker.
struct Stand {
    http: Http,
    ring: Ring,
    connection: Connection,
    inbound: Inbound,
    outbound: Runs,
}

impl Stand {
    fn new() -> Self {
        let ring = Ring::new(&Config::default()).expect("a ring can be made");
        let routes = vec![
            registration("GET", "/empty", (|| ()).into_route()),
            registration("GET", "/plaintext", (|| Reply::text("Hello, World!")).into_route()),
            registration("GET", "/json", (|| Json(["Hello", "World"])).into_route()),
            registration("POST", "/echo64", add_one.through(Base64::STANDARD)),
        ];
        let (len, count) = (ring.segment_len(), ring.segment_count());
        let service = Service::build(routes, Limits::default(), len, count);
        let service = Arc::new(service.expect("the routes can be served"));
        let mut http = Http::new(service, Locals::default(), 0);
        http.set_wall(SystemTime::now());
        let peer = SocketAddr::from(([127, 0, 0, 1], 4096));
        Self {
            http,
            ring,
            connection: Connection::new(peer.into(), Instant::ZERO, &Limits::default()),
            inbound: Inbound::default(),
            outbound: Runs::new(),
        }
    }

    /// Serves the requests in `bytes` and returns the length of the replies.
    fn serve(&mut self, bytes: &[u8]) -> usize {
        let received = self.inbound.receive(&self.ring, bytes.len(), 1 << 16, |room| {
            room[..bytes.len()].copy_from_slice(bytes);
            Ok::<_, Infallible>(bytes.len())
        });
        received.expect("the ring is empty").0.expect("copying cannot fail");
        let mut exchange = Exchange {
            file: None,
            ring: &self.ring,
            inbound: &mut self.inbound,
            outbound: &mut self.outbound,
            ended: false,
            closed: false,
            draining: false,
            pressure: Pressure::NONE,
            now: Duration::from_secs(1).into(),
            connections: 1,
            layer: None,
            waker: &|| Waker::noop().clone(),
        };
        black_box(self.connection.advance(&mut self.http, &mut exchange));
        let len = self.outbound.len();
        self.outbound.consume(len);
        len
    }
}

fn registration(method: &'static str, path: &str, route: waterwheel_http::Route) -> Registration {
    Registration { method: Some(method), path: path.to_owned(), route }
}

fn add_one(mut numbers: InPlace<[U32]>) -> InPlace<[U32]> {
    for number in numbers.iter_mut() {
        number.set(number.get().wrapping_add(1));
    }
    numbers
}

fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request");
    let mut stand = Stand::new();
    for path in ["/empty", "/plaintext", "/json"] {
        let bytes = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n").into_bytes();
        group.bench_function(path, |bencher| bencher.iter(|| stand.serve(black_box(&bytes))));
        let sixteen = bytes.repeat(16);
        group.throughput(Throughput::Elements(16));
        group.bench_function(format!("{path} x16"), |bencher| {
            bencher.iter(|| stand.serve(black_box(&sixteen)));
        });
        group.throughput(Throughput::Elements(1));
    }
    for raw_len in [64, 4096, 65_536] {
        let body = base64_simd::STANDARD.encode_to_string(vec![7; raw_len]);
        let len = body.len();
        let head = format!("POST /echo64 HTTP/1.1\r\nHost: b\r\nContent-Length: {len}\r\n\r\n");
        let bytes = [head.as_bytes(), body.as_bytes()].concat();
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(format!("/echo64 {raw_len}"), |bencher| {
            bencher.iter(|| stand.serve(black_box(&bytes)));
        });
    }
}

criterion_group!(benches, requests);
criterion_main!(benches);
