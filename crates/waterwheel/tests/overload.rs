//! A worker that runs short of memory: the ladder from shorter idle times to closed doors, the
//! bound on what is parked, and the cap on one address.

mod wire;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use waterwheel::lab::{Lab, LabConfig};
use waterwheel::reactor::sim::Client;
use waterwheel::runtime::AddressCap;
use waterwheel::{App, Handler, InPlace, Limits};
use wire::{get, post, replies, statuses};

fn app() -> App {
    let mut limits = Limits::default();
    limits.body_len_max = 64 << 10;
    App::new()
        .limits(limits)
        .get("/", || "home")
        .post("/echo", |body: InPlace<[u8]>| body)
        .get("/vital", (|| "here").vital())
}

/// A lab whose ring has 256 segments, and in which unfinished bodies stay there.
fn lab() -> Lab {
    let mut config = LabConfig::default();
    config.ring.segment_count = 256;
    config.worker.read_len = 4096;
    config.worker.hold = Duration::from_secs(600);
    Lab::with(app(), config)
}

/// Unfinished bodies until the ring has reached so many of its watermarks.
fn fill(lab: &mut Lab, level: usize) -> Vec<Client> {
    let mut holders = Vec::new();
    while lab.worker().ring().level() < level.min(3) {
        let holder = lab.connect();
        holder.send(&post("/echo", &[b'x'; 9000])[..5000]);
        lab.advance(Duration::from_millis(1));
        holders.push(holder);
        assert!(holders.len() < 256, "the ring fills");
    }
    // From here on only those that have begun can go on.
    for holder in &holders {
        if lab.worker().ring().level() < level {
            holder.send(&[b'x'; 3900]);
            lab.advance(Duration::from_millis(1));
        }
    }
    assert_eq!(lab.worker().ring().level(), level);
    // A burst is none of it.
    lab.advance(Duration::from_millis(90));
    assert_eq!(lab.worker().ring().level(), level);
    lab.world().advance(Duration::from_millis(20));
    holders
}

fn ask(lab: &mut Lab, client: &Client, target: &str) {
    client.send(&get(target));
    lab.advance(Duration::from_millis(1));
}

#[test]
fn from_70_percent_on_idle_connections_end_after_two_seconds() {
    let mut lab = lab();
    let before = lab.connect();
    ask(&mut lab, &before, "/");
    let holders = fill(&mut lab, 1);
    let client = lab.connect();
    ask(&mut lab, &client, "/");
    assert_eq!(statuses(&client.received()), [200]);
    lab.advance(Duration::from_millis(2100));
    assert!(client.end().is_some());
    assert_eq!(before.end(), None, "it was promised 75 s");
    drop(holders);
}

#[test]
fn from_85_percent_on_replies_are_the_last_of_their_connection() {
    let mut lab = lab();
    let _holders = fill(&mut lab, 2);
    let client = lab.connect();
    ask(&mut lab, &client, "/");
    assert_eq!(replies(&client.received())[0].header("connection"), Some("close"));
}

#[test]
fn from_95_percent_on_requests_are_refused_and_vital_ones_served() {
    let mut lab = lab();
    let old = lab.connect();
    ask(&mut lab, &old, "/");
    assert_eq!(statuses(&old.received()), [200]);
    let holders = fill(&mut lab, 3);
    for target in ["/", "/nowhere"] {
        let client = lab.connect();
        ask(&mut lab, &client, target);
        let received = client.received();
        let refused = &replies(&received)[0];
        assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("2")));
        assert_eq!(refused.header("connection"), Some("close"));
    }
    ask(&mut lab, &old, "/");
    assert_eq!(statuses(&old.received()), [503]);
    let client = lab.connect();
    ask(&mut lab, &client, "/vital");
    assert_eq!(statuses(&client.received()), [200]);

    // Nothing of it lasts.
    drop(holders);
    lab.settle();
    let client = lab.connect();
    ask(&mut lab, &client, "/");
    assert_eq!(statuses(&client.received()), [200]);
    assert_eq!(replies(&client.received()).len(), 0);
}

#[test]
fn from_98_percent_on_nobody_is_accepted_until_there_is_room() {
    let mut lab = lab();
    let holders = fill(&mut lab, 4);
    let open = lab.open_connections();
    let client = lab.connect();
    client.send(&get("/"));
    lab.advance(Duration::from_millis(100));
    assert_eq!((lab.open_connections(), client.received().len()), (open, 0));
    drop(holders);
    lab.settle();
    assert_eq!(statuses(&client.received()), [200], "it has waited in the queue");
}

#[test]
fn who_wants_more_than_is_left_outside_the_ring_is_closed() {
    let mut config = LabConfig::default();
    config.worker.parked_len_max = 100_000;
    let mut lab = Lab::with(app(), config);
    let slow: Vec<Client> = (0..20).map(|_| lab.connect()).collect();
    let request = post("/echo", &[b'x'; 50_000]);
    for piece in [&request[..200], &request[200..9_200]] {
        slow.iter().for_each(|client| client.send(piece));
        lab.advance(Duration::from_millis(50));
    }
    let closed = slow.iter().filter(|client| client.end().is_some()).count();
    assert_eq!(lab.metrics().parked_full, closed as u64);
    assert!((10..20).contains(&closed), "{closed}");
    // What is parked is counted down again.
    drop(slow);
    lab.settle();
    let late = lab.connect();
    late.send(&post("/echo", &[b'z'; 50_000])[..10_000]);
    lab.advance(Duration::from_millis(50));
    late.send(&post("/echo", &[b'z'; 50_000])[10_000..]);
    lab.settle();
    assert_eq!(statuses(&late.received()), [200]);
}

fn from(lab: &Lab, address: &str) -> Client {
    let address: SocketAddr = address.parse().expect("an address");
    lab.world().connect_from(address)
}

#[test]
fn storm_of_connections_is_accepted_a_few_at_a_time_beside_requests() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    lab.settle();
    let _storm: Vec<Client> = (0..100).map(|_| lab.connect()).collect();
    let mut accepted = Vec::new();
    while accepted.iter().sum::<usize>() < 100 {
        client.send(&get("/"));
        accepted.push(lab.turn().accepted);
        assert_eq!(statuses(&client.received()), [200], "in turn {}", accepted.len());
    }
    let (last, others) = accepted.split_last().expect("a turn");
    assert!(others.iter().all(|count| *count == 8) && *last == 4, "{accepted:?}");
}

#[test]
fn long_pipeline_is_answered_over_several_turns() {
    const REQUESTS: usize = 1_000;
    let mut lab = Lab::new(app());
    let client = lab.connect();
    lab.settle();
    client.send(&get("/").repeat(REQUESTS));
    let mut replies = Vec::new();
    for _ in 0..REQUESTS {
        lab.turn();
        let part = client.received();
        assert!(part.len() < 33 << 10, "{} bytes in one turn", part.len());
        replies.extend(part);
        if statuses(&replies).len() == REQUESTS {
            return;
        }
    }
    panic!("{} replies", statuses(&replies).len());
}

#[test]
fn address_has_so_many_connections_and_no_more() {
    let mut config = LabConfig::default();
    let exempt = ["10.7.0.0/16".parse().expect("a network")];
    let max = NonZeroU32::new(3).expect("not zero");
    config.worker.address_cap = Some(AddressCap::new(max, &exempt));
    config.worker.proxies.push("10.8.0.1".parse().expect("an address"));
    let mut lab = Lab::with(app(), config);
    let greedy: Vec<Client> =
        (1000..1005).map(|port| from(&lab, &format!("192.0.2.7:{port}"))).collect();
    let exempt: Vec<Client> =
        (1000..1005).map(|port| from(&lab, &format!("10.7.1.1:{port}"))).collect();
    let other = from(&lab, "192.0.2.8:1000");
    // One customer of a provider has 64 bits to choose from, and the next one others.
    let flood: Vec<Client> =
        (1..6).map(|host| from(&lab, &format!("[2001:db8:1:2::{host}]:1000"))).collect();
    let neighbour = from(&lab, "[2001:db8:1:3::1]:1000");
    lab.settle();
    assert_eq!(flood.iter().filter(|client| client.end().is_none()).count(), 3);
    assert!(neighbour.end().is_none());
    assert_eq!(greedy.iter().filter(|client| client.end().is_none()).count(), 3);
    assert!(exempt.iter().all(|client| client.end().is_none()) && other.end().is_none());
    assert_eq!(lab.metrics().address_capped, 4);

    // By way of a trusted proxy the client is counted, and the proxy is not.
    let by_proxy: Vec<Client> =
        (1000..1005).map(|port| from(&lab, &format!("10.8.0.1:{port}"))).collect();
    for client in &by_proxy {
        client.send(b"PROXY TCP4 192.0.2.8 10.9.0.9 5555 80\r\n");
    }
    lab.settle();
    assert_eq!(by_proxy.iter().filter(|client| client.end().is_none()).count(), 2);

    // Who leaves makes room.
    drop(greedy);
    lab.settle();
    let again = from(&lab, "192.0.2.7:2000");
    ask(&mut lab, &again, "/");
    assert_eq!(statuses(&again.received()), [200]);
}
