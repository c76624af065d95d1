//! Connections go from worker to worker between two requests: nothing is lost, doubled or put in
//! another order on the way.

mod workers;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

use fastrand::Rng;
use waterwheel::http::Http;
use waterwheel::reactor::sim::{Client, Fault, Faults, World};
use waterwheel::{Handler, IntoRoute, Limits, Path, breathe};
use workers::{Workers, registration};

thread_local!(static WORLD: RefCell<Option<World>> = const { RefCell::new(None) });

/// Takes 2 ms, and breathes.
fn burn() {
    for _ in 0..20 {
        WORLD.with_borrow(|world| {
            world.as_ref().expect("a world was made").advance(Duration::from_micros(100));
        });
        breathe();
    }
}

fn heavy(Path(number): Path<String>) -> String {
    burn();
    format!("{number}.")
}

fn heavy_body(body: Vec<u8>) -> Vec<u8> {
    burn();
    body
}

/// Workers that answer to each request with its number.
fn workers(seed: u64, faults: Faults, count: usize) -> Workers<Http> {
    let light = |Path(number): Path<String>| format!("{number}.");
    let routes = vec![
        registration("GET", "/light/{number}", light.into_route()),
        registration("GET", "/heavy/{number}", heavy.expensive()),
        registration("POST", "/heavy", heavy_body.expensive()),
    ];
    let world = World::new(seed, faults);
    WORLD.set(Some(world.clone()));
    Workers::new(world, routes, count, |http| http)
}

/// A client that asks for numbers, and what it must get.
struct Asker {
    client: Client,
    expected: String,
    received: Vec<u8>,
}

impl Asker {
    fn new(world: &World, worker: usize, rng: &mut Rng) -> Self {
        let port = rng.u16(1024..);
        let client = world.connect_to(worker, SocketAddr::from(([10, 0, 0, 1], port)));
        let (mut expected, mut time) = (String::new(), Duration::ZERO);
        for number in 0..rng.usize(1..20) {
            expected += &format!("{number}.");
            let request = match rng.u8(..10) {
                0..6 => format!("GET /light/{number} HTTP/1.1\r\nhost: h\r\n\r\n"),
                6..9 => format!("GET /heavy/{number} HTTP/1.1\r\nhost: h\r\n\r\n"),
                _ => {
                    let body = format!("{number}.");
                    let len = body.len();
                    format!(
                        "POST /heavy HTTP/1.1\r\nhost: h\r\ncontent-length: {len}\r\n\r\n{body}"
                    )
                }
            };
            let cut = rng.usize(..=request.len());
            time += Duration::from_micros(rng.u64(..3_000));
            client.send_at(time, &request.as_bytes()[..cut]);
            time += Duration::from_micros(rng.u64(..200));
            client.send_at(time, &request.as_bytes()[cut..]);
        }
        Self { client, expected, received: Vec::new() }
    }

    /// The content of all replies so far, one behind the other.
    fn answered(&mut self) -> String {
        self.client.receive_into(&mut self.received);
        let received = str::from_utf8(&self.received).expect("replies here are text");
        let replies = received.split("HTTP/1.1 ").skip(1);
        replies.filter_map(|reply| Some(reply.split_once("\r\n\r\n")?.1)).collect()
    }
}

/// Runs one world until everybody is answered and gone. Returns how many connections moved.
fn run(seed: u64) -> u64 {
    let mut rng = Rng::with_seed(seed);
    let mut faults = Faults::none();
    for fault in HARMLESS {
        faults = faults.with(fault, if rng.bool() { 0.1 } else { 0.0 });
    }
    let worker_count = rng.usize(2..=4);
    let mut workers = workers(seed, faults, worker_count);
    let mut askers: Vec<_> = (0..rng.usize(1..8))
        .map(|_| Asker::new(&workers.world, rng.usize(..worker_count), &mut rng))
        .collect();
    let mut turns = 0;
    while askers.iter_mut().any(|asker| asker.answered().len() < asker.expected.len()) {
        workers.turn(|| ());
        turns += 1;
        assert!(turns < 20_000, "seed {seed}: somebody waits for ever");
    }
    for asker in &mut askers {
        assert_eq!(asker.answered(), asker.expected, "seed {seed}");
    }
    let moved = workers.sum(|metrics| metrics.handed_over);
    assert_eq!(workers.sum(|metrics| metrics.taken_over), moved, "seed {seed}");

    workers.control.drain();
    let mut turns = 0;
    while !workers.all.is_empty() {
        workers.turn(|| ());
        for worker in workers.all.extract_if(.., |worker| worker.is_finished()) {
            assert_eq!(worker.ring().leased(), worker.spare_segments(), "seed {seed}");
        }
        turns += 1;
        assert!(turns < 20_000, "seed {seed}: the drain does not end");
    }
    assert_eq!(workers.world.open_sockets(), 0, "seed {seed}");
    moved
}

#[test]
fn every_request_is_answered_once_and_in_order() {
    let moved: u64 = (0..300).map(run).sum();
    assert!(moved > 300, "only {moved} connections moved in all seeds");
}

#[test]
fn few_connections_are_spread_evenly_wherever_they_arrive() {
    for seed in 0..20 {
        let mut rng = Rng::with_seed(seed);
        let mut workers = workers(seed, Faults::none(), 3);
        let mut clients = Vec::new();
        // Nobody turns longer than it takes: where nothing happens, the clock runs to a timeout.
        for number in 0..9 {
            let worker = rng.usize(..workers.all.len());
            let address = SocketAddr::from(([10, 0, 0, 1], 1024 + number));
            let client = workers.world.connect_to(worker, address);
            client.send(b"GET /light/1 HTTP/1.1\r\nhost: h\r\n\r\n");
            let mut received = Vec::new();
            while received.is_empty() {
                workers.turn(|| ());
                client.receive_into(&mut received);
            }
            assert!(received.ends_with(b"\r\n\r\n1."), "seed {seed}");
            clients.push(client);
        }
        let open: Vec<_> = workers.all.iter().map(|worker| worker.metrics().open).collect();
        assert_eq!(open, [3, 3, 3], "seed {seed}");
        assert!(workers.sum(|metrics| metrics.dealt) > 0, "seed {seed}");
    }
}

#[test]
fn of_connections_that_come_and_go_few_are_dealt() {
    let mut workers = workers(0, Faults::none(), 2);
    let ask = b"GET /light/1 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    for round in 0..100 {
        // All of them at one worker, so that the other always has fewer.
        let clients = (0..8).map(|number| {
            let address = SocketAddr::from(([10, 0, 0, 3], 1024 + round * 8 + number));
            let client = workers.world.connect_to(0, address);
            client.send(ask);
            client
        });
        let mut waiting: Vec<_> = clients.collect();
        while !waiting.is_empty() {
            workers.turn(|| ());
            waiting.retain(|client| client.received().is_empty());
        }
    }
    assert_eq!(workers.sum(|metrics| metrics.accepted), 800);
    assert_eq!(workers.sum(|metrics| metrics.dealt), 64);
}

/// Asks for something heavy of the workers in turn, on fresh connections.
fn ask_workers(workers: &Workers<Http>, asked: &[usize], count: u16) -> Vec<Client> {
    let ask = |number: u16| {
        let address = SocketAddr::from(([10, 0, 0, 2], 1024 + number));
        let worker = asked[usize::from(number) % asked.len()];
        let client = workers.world.connect_to(worker, address);
        client.send(b"GET /heavy/1 HTTP/1.1\r\nhost: h\r\n\r\n");
        client
    };
    (0..count).map(ask).collect()
}

/// Turns until all are answered. How many were served, and how long the last of them waited.
fn serve_all(workers: &mut Workers<Http>, clients: &[Client]) -> (usize, Duration) {
    let (started, mut last, mut served, mut refused) = (workers.world.now(), Duration::ZERO, 0, 0);
    while served + refused < clients.len() {
        workers.turn(|| ());
        for received in clients.iter().map(Client::received).filter(|bytes| !bytes.is_empty()) {
            if received.starts_with(b"HTTP/1.1 200 ") {
                served += 1;
                last = workers.world.now().saturating_sub(started);
            } else {
                assert!(received.starts_with(b"HTTP/1.1 503 "));
                refused += 1;
            }
        }
    }
    (served, last)
}

#[test]
fn requests_are_refused_by_what_waits_for_each_of_the_workers() {
    let limit = Limits::default().lag_max;
    for asked in [&[0, 1][..], &[0], &[1]] {
        let mut workers = workers(0, Faults::none(), 2);
        // Both learn what such a request takes.
        for _ in 0..4 {
            let few = ask_workers(&workers, &[0, 1], 40);
            assert_eq!(serve_all(&mut workers, &few).0, 40);
        }
        let clients = ask_workers(&workers, asked, 900);
        let (served, last) = serve_all(&mut workers, &clients);
        // At 2 ms each; the workers of this world have one clock and take turns.
        assert!((490..=525).contains(&served), "{asked:?}: {served}");
        assert!(last < limit * 21 / 10, "{asked:?}: {last:?}");
    }
}

/// Those that end no connection.
const HARMLESS: [Fault; 6] = [
    Fault::DelayedEvent,
    Fault::SpuriousEvent,
    Fault::DuplicateEvent,
    Fault::StaleEvent,
    Fault::CoalescedEvent,
    Fault::InterruptedCall,
];
