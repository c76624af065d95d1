//! What a connection over TLS costs: memory while it is idle, allocations and copies for a request.

mod sealed;

use std::time::Duration;

use allocation_counter::measure;
use sealed::{Sealed, VERSIONS, client_config, config};
use waterwheel::lab::{Lab, LabConfig};
use waterwheel::reactor::sim::Client;
use waterwheel::{App, Tls};

fn app() -> App {
    App::new().get("/", || "sealed")
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Bytes that come free when an idle connection ends, its simulated socket among them.
fn closing_frees(lab: &mut Lab, client: Client) -> i64 {
    lab.advance(Duration::from_secs(5));
    assert_eq!(lab.leased_segments(), 0);
    let freed = measure(|| {
        drop(client);
        lab.advance(Duration::from_secs(5));
    });
    assert_eq!(lab.open_connections(), 0);
    -freed.bytes_current
}

/// Requests are short, so that the simulated sockets have the same buffers in both cases. That a
/// session keeps nothing of long ones is tested where sessions are.
#[test]
fn idle_connection_takes_little_memory() {
    let (config, certificate) = config();
    let settings = client_config(&certificate, VERSIONS[0]);
    let mut secured = LabConfig::default();
    secured.tls = Some(Tls::new(config).unwrap());
    let mut lab = Lab::with(app(), secured);
    let mut over_tls = Vec::new();
    for _ in 0..3 {
        let mut client = Sealed::connect(&lab, &settings);
        for _ in 0..3 {
            assert_eq!(client.ask(&mut lab, GET).status(), 200);
        }
        let Sealed { wire, .. } = client;
        over_tls.push(closing_frees(&mut lab, wire));
    }
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(GET);
    lab.settle();
    let in_clear = closing_frees(&mut lab, client);
    let more = over_tls[2] - in_clear;
    println!("an idle connection takes {more} bytes more over TLS; {over_tls:?}, {in_clear}");
    // The slab has 0.3 KiB for each connection besides.
    assert!(more > 0 && more <= 1228 - 300, "{more} bytes");
}

/// A request and its reply, once everything is warm. The lab's counting allocator is not installed
/// here, so that the one of this crate is.
#[test]
fn request_costs_no_copy_and_no_allocation() {
    let (config, certificate) = config();
    let mut secured = LabConfig::default();
    secured.tls = Some(Tls::new(config).unwrap());
    let mut lab = Lab::with(app(), secured);
    let mut client = Sealed::connect(&lab, &client_config(&certificate, VERSIONS[0]));
    for _ in 0..20 {
        assert_eq!(client.ask(&mut lab, GET).status(), 200);
    }
    let request = client.seal(GET);
    client.wire.send(&request);
    let (before, mut turns) = (lab.ring_stats().copies, 0);
    let counted = measure(|| {
        while client.wire.received_len() == 0 && turns < 10 {
            lab.turn();
            turns += 1;
        }
    });
    client.take();
    assert_eq!(client.reply().status(), 200);
    assert_eq!((lab.ring_stats().copies - before, counted.count_total), (0, 0));
}
