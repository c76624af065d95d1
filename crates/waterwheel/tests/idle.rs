//! Connections on which nothing happens own no segment of the ring, whatever came before.

mod wire;

use std::time::Duration;

use waterwheel::lab::{Lab, LabConfig};
use waterwheel::reactor::sim::Client;
use waterwheel::{App, InPlace};
use wire::{get, post, post_chunked, replies, statuses};

fn app() -> App {
    App::new().get("/", || "home").post("/echo", |body: InPlace<[u8]>| body)
}

fn connect_many(lab: &Lab, count: usize) -> Vec<Client> {
    (0..count).map(|_| lab.connect()).collect()
}

#[test]
fn idle_connections_own_no_segment_before_and_after_requests() {
    let mut lab = Lab::new(app());
    let clients = connect_many(&lab, 2000);
    lab.settle();
    assert_eq!((lab.open_connections(), lab.leased_segments()), (2000, 0), "nothing was sent");
    for request in [get("/"), post("/echo", &[b'x'; 9000]), post_chunked("/echo", b"hello", 2)] {
        for client in &clients {
            client.send(&request);
        }
        lab.settle();
        assert_eq!((lab.open_connections(), lab.leased_segments()), (2000, 0));
        for client in &clients {
            assert_eq!(statuses(&client.received()), [200]);
        }
    }
}

#[test]
fn far_more_connections_than_segments_are_served() {
    let mut config = LabConfig::default();
    config.ring.segment_count = 512;
    let mut lab = Lab::with(app(), config);
    let clients = connect_many(&lab, 3000);
    for client in &clients {
        client.send(&get("/")[..10]);
    }
    lab.settle();
    assert_eq!(lab.leased_segments(), 0, "parked heads hold no segment");
    for client in &clients {
        client.send(&get("/")[10..]);
    }
    lab.settle();
    for client in &clients {
        assert_eq!(statuses(&client.received()), [200]);
    }
    assert_eq!(lab.open_connections(), 3000);
}

#[test]
fn request_parked_at_any_point_is_answered_when_the_rest_comes() {
    let body: Vec<u8> = (0..10_000_u32).map(|index| (index % 251) as u8).collect();
    for request in [post("/echo", &body), post_chunked("/echo", &body, 999)] {
        for cut in [1, 20, 60, 90, 5000, request.len() - 1] {
            let mut lab = Lab::new(app());
            let client = lab.connect();
            client.send(&request[..cut]);
            lab.settle();
            assert_eq!(lab.leased_segments(), 0, "cut at {cut}");
            assert!(lab.metrics().parked_len >= cut as u64, "cut at {cut}");
            assert_eq!(client.received(), b"");
            client.send(&request[cut..]);
            lab.settle();
            let received = client.received();
            assert!(replies(&received)[0].body() == body, "cut at {cut}");
            assert_eq!(lab.leased_segments(), 0);
        }
    }
}

#[test]
fn request_parked_again_and_again_is_answered() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    let body = vec![b'x'; 400];
    for piece in post_chunked("/echo", &body, 30).chunks(11) {
        client.send(piece);
        lab.advance(Duration::from_millis(50));
        assert_eq!(lab.leased_segments(), 0);
    }
    assert!(replies(&client.received())[0].body() == body);
}

#[test]
fn pipelined_request_cut_short_is_parked_without_those_before_it() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(&[get("/").repeat(50), get("/")[..20].to_vec()].concat());
    lab.settle();
    assert_eq!(replies(&client.received()).len(), 50);
    assert_eq!((lab.leased_segments(), lab.metrics().parked_len), (0, 20));
    client.send(&get("/")[20..]);
    lab.settle();
    assert_eq!(statuses(&client.received()), [200]);
}

#[test]
fn reply_that_its_peer_does_not_take_leaves_the_ring() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.set_auto_read(false);
    client.set_receive_window(1000);
    let body = vec![b'x'; 100_000];
    client.send(&post("/echo", &body));
    lab.settle();
    assert_eq!(lab.leased_segments(), 0, "unsent bytes wait outside the ring");
    client.set_auto_read(true);
    lab.settle();
    assert!(replies(&client.received())[0].body() == body);
}

#[test]
fn connections_that_come_and_go_leave_nothing_behind() {
    let mut lab = Lab::new(app());
    for round in 0..50 {
        let clients = connect_many(&lab, 20);
        for (index, client) in clients.iter().enumerate() {
            match (round + index) % 5 {
                0 => client.send(&get("/")),
                1 => client.send(&get("/")[..10]),
                2 => client.send(&post("/echo", &[b'x'; 5000])[..3000]),
                3 => client.reset(),
                _ => client.shutdown_write(),
            }
        }
        lab.settle();
        drop(clients);
        lab.settle();
    }
    let metrics = lab.metrics();
    assert_eq!((metrics.open, lab.leased_segments(), lab.worker().timer_count()), (0, 0, 0));
    assert_eq!((metrics.accepted, metrics.closed), (1000, 1000));
    assert_eq!(lab.world().open_sockets(), 0);
}

/// What one more idle connection costs in the slab is mostly this, so it must not grow unnoticed.
#[test]
fn state_of_an_idle_connection_takes_88_bytes_at_most() {
    let len = size_of::<waterwheel::http::Connection>();
    assert!(len <= 88, "{len}");
}
