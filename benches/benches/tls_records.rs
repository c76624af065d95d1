//! TLS records opened and sealed in place, by rustls unbuffered and by rustls buffered, in one run
//! with AES-128-GCM. Only the server's side is timed; the client works in between.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use waterwheel_ring::{Config as RingConfig, Inbound, Lease, Ring, Runs, Wipe};
use waterwheel_tls::{Acceptor, Config, Credentials, Layering, Session};

const LENS: [usize; 4] = [256, 1024, 4096, 16_384];

/// Records that are made ready before the clock starts.
const BATCH: u64 = 16;

struct Keys {
    chain: String,
    key: String,
    client: Arc<ClientConfig>,
}

fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256];
    provider
}

fn keys() -> Keys {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
        .expect("a name that is one");
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a certificate just made");
    let mut client = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("the suite is one of TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.resumption = rustls::client::Resumption::disabled();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    Keys { chain, key, client: Arc::new(client) }
}

fn client(keys: &Keys) -> ClientConnection {
    let name = ServerName::try_from("localhost").expect("a name that is one");
    let mut client = ClientConnection::new(Arc::clone(&keys.client), name).expect("a client");
    client.set_buffer_limit(None);
    client
}

/// A server of one kind, which opens what it is given and seals what it is told to.
trait Server {
    fn new(keys: &Keys) -> Self;
    /// Bytes from the client; returns how many of plaintext there were.
    fn open(&mut self, wire: &[u8]) -> usize;
    /// Writes payloads where an encoder would write them, before the clock starts.
    fn encode(&mut self, _payload: &[u8], _count: u64) {}
    /// Seals a payload and hands the record to `send`.
    fn seal(&mut self, payload: &[u8], send: &mut dyn FnMut(&[u8]));
}

struct Ours<const IN_PLACE: bool, const WIPE: bool> {
    ring: Ring,
    session: Session,
    sealed: Inbound,
    replies: Runs,
    out: Runs,
    encoded: Vec<Lease>,
}

impl<const IN_PLACE: bool, const WIPE: bool> Server for Ours<IN_PLACE, WIPE> {
    fn new(keys: &Keys) -> Self {
        let mut config = Config::default();
        let credentials = Credentials::from_pem(keys.chain.as_bytes(), keys.key.as_bytes());
        config.credentials.push(credentials.expect("a certificate just made"));
        config.layering = if IN_PLACE { Layering::InPlace } else { Layering::Stock };
        config.ticket_count = 0;
        let acceptor = Acceptor::new(&config).expect("a configuration that is right");
        acceptor.set_wall(SystemTime::now());
        let mut ring = RingConfig::default();
        ring.wipe = if WIPE { Wipe::OnRelease } else { Wipe::Never };
        Self {
            ring: Ring::new(&ring).expect("a ring"),
            session: acceptor.accept(),
            sealed: Inbound::default(),
            replies: Runs::new(),
            out: Runs::new(),
            encoded: Vec::new(),
        }
    }

    /// As a worker does it: one recv into the hot run, and the hot run back after the reader. The
    /// recv is a copy here as it is in the kernel, and so it is for the others.
    fn open(&mut self, wire: &[u8]) -> usize {
        let mut plain = Inbound::default();
        let copied = self.sealed.receive(&self.ring, 0, 64 * 1024, |room| {
            room[..wire.len()].copy_from_slice(wire);
            Ok::<usize, ()>(wire.len())
        });
        copied.expect("a free ring").0.expect("room for a record");
        self.session
            .receive(&self.ring, &mut self.sealed, &mut plain, 0, &mut self.out)
            .expect("an honest client");
        let len = plain.len();
        plain.consume(len);
        plain.recycle(64 * 1024);
        if self.sealed.is_nowhere() {
            self.sealed = plain;
        }
        len
    }

    fn encode(&mut self, payload: &[u8], count: u64) {
        for _ in 0..count {
            let mut lease = self.ring.reserve_bytes(payload.len() + 22).expect("a free ring");
            lease.set_headroom(5);
            lease.append(payload).expect("the run was reserved for it");
            self.encoded.push(lease);
        }
    }

    fn seal(&mut self, payload: &[u8], send: &mut dyn FnMut(&[u8])) {
        match self.encoded.pop() {
            Some(lease) => self.replies.push(lease),
            None => self.replies.push_heap(payload.to_vec()),
        }
        self.session
            .send(&self.ring, &mut self.replies, &mut self.out)
            .expect("an open connection");
        while let Some(front) = self.out.front() {
            let len = front.len();
            send(front);
            self.out.consume(len);
        }
    }
}

struct Buffered {
    connection: ServerConnection,
    plain: Vec<u8>,
    sealed: Vec<u8>,
}

impl Server for Buffered {
    fn new(keys: &Keys) -> Self {
        let chain = CertificateDer::from_pem_slice(keys.chain.as_bytes()).expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(keys.key.as_bytes()).expect("PEM");
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[&TLS13])
            .expect("the suite is one of TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![chain], key)
            .expect("a certificate just made");
        config.send_tls13_tickets = 0;
        let connection = ServerConnection::new(Arc::new(config)).expect("a server");
        Self { connection, plain: vec![0; 64 * 1024], sealed: Vec::with_capacity(64 * 1024) }
    }

    fn open(&mut self, mut wire: &[u8]) -> usize {
        while !wire.is_empty() {
            self.connection.read_tls(&mut wire).expect("a slice");
            self.connection.process_new_packets().expect("an honest client");
        }
        let mut len = 0;
        while let Ok(more) = self.connection.reader().read(&mut self.plain)
            && more > 0
        {
            len += more;
        }
        len
    }

    fn seal(&mut self, payload: &[u8], send: &mut dyn FnMut(&[u8])) {
        self.connection.writer().write_all(payload).expect("a buffer");
        self.sealed.clear();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.sealed).expect("a buffer");
        }
        send(&self.sealed);
    }
}

struct Pair<S> {
    client: ClientConnection,
    server: S,
}

impl<S: Server> Pair<S> {
    fn new(keys: &Keys) -> Self {
        let mut pair = Self { client: client(keys), server: S::new(keys) };
        for _ in 0..3 {
            let hello = pair.sent_by_client();
            pair.server.open(&hello);
            let mut back = Vec::new();
            pair.server.seal(b"x", &mut |bytes| back.extend_from_slice(bytes));
            let mut back = &back[..];
            while !back.is_empty() {
                pair.client.read_tls(&mut back).expect("a slice");
                pair.client.process_new_packets().expect("an honest server");
            }
        }
        assert!(!pair.client.is_handshaking());
        pair
    }

    fn sent_by_client(&mut self) -> Vec<u8> {
        let mut wire = Vec::new();
        while self.client.wants_write() {
            self.client.write_tls(&mut wire).expect("a buffer");
        }
        wire
    }

    /// Time to open so many records of this payload.
    fn open(&mut self, payload: &[u8], count: u64) -> Duration {
        let mut elapsed = Duration::ZERO;
        let mut left = count;
        while left > 0 {
            let batch = left.min(BATCH);
            let records: Vec<_> = (0..batch)
                .map(|_| {
                    self.client.writer().write_all(payload).expect("a buffer");
                    self.sent_by_client()
                })
                .collect();
            let started = Instant::now();
            for record in &records {
                assert_eq!(self.server.open(record), payload.len());
            }
            elapsed += started.elapsed();
            left -= batch;
        }
        elapsed
    }

    /// Time to seal so many records of this payload.
    fn seal(&mut self, payload: &[u8], count: u64) -> Duration {
        let mut elapsed = Duration::ZERO;
        let mut left = count;
        // What is sealed was just encoded, so no more is made ready than stays in the first cache.
        let hot = (16_384 / payload.len() as u64).clamp(1, BATCH);
        while left > 0 {
            let batch = left.min(hot);
            self.server.encode(payload, batch);
            let started = Instant::now();
            for _ in 0..batch {
                self.server.seal(payload, &mut |record| {
                    std::hint::black_box(record);
                });
            }
            elapsed += started.elapsed();
            left -= batch;
        }
        elapsed
    }
}

fn measure<S: Server>(criterion: &mut Criterion, keys: &Keys, kind: &str) {
    for len in LENS {
        let payload = vec![b'w'; len];
        for direction in ["open", "seal"] {
            let mut group = criterion.benchmark_group(format!("tls_records/{direction}"));
            group.throughput(Throughput::Bytes(len as u64));
            let id = BenchmarkId::new(kind, len);
            group.bench_function(id, |bencher| {
                let mut pair = Pair::<S>::new(keys);
                bencher.iter_custom(|count| match direction {
                    "open" => pair.open(&payload, count),
                    _ => pair.seal(&payload, count),
                });
            });
            group.finish();
        }
    }
}

fn bench(criterion: &mut Criterion) {
    let keys = keys();
    measure::<Buffered>(criterion, &keys, "rustls_buffered");
    measure::<Ours<false, true>>(criterion, &keys, "rustls_unbuffered");
    measure::<Ours<true, true>>(criterion, &keys, "in_place");
    // What wiping released runs costs, which neither of rustls' ways does.
    measure::<Ours<true, false>>(criterion, &keys, "in_place_unwiped");
}

criterion_group!(benches, bench);
criterion_main!(benches);
