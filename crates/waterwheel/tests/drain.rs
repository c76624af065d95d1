//! The end of a server: what was begun is finished, nothing new is taken, what takes too long is
//! cut, and the report says so.

mod wire;

use std::time::Duration;

use waterwheel::lab::{Lab, LabConfig};
use waterwheel::reactor::sim::{Client, End};
use waterwheel::{App, InPlace};
use wire::{get, post, replies, statuses};

fn app() -> App {
    App::new().get("/", || "home").post("/echo", |body: InPlace<[u8]>| body)
}

fn finished_and_cut(lab: &Lab) -> (u64, u64) {
    let report = lab.worker().report();
    (report.finished, report.cut)
}

/// A reply, and that it and the connection are the last.
fn assert_last_reply(client: &Client) {
    let received = client.received();
    let replies = replies(&received);
    assert_eq!(replies.len(), 1);
    assert_eq!((replies[0].status(), replies[0].header("connection")), (200, Some("close")));
    assert_eq!(client.end(), Some(End::Closed));
}

#[test]
fn idle_connections_end_within_a_second_and_count_as_finished() {
    let mut lab = Lab::new(app());
    let clients: Vec<Client> = (0..10).map(|_| lab.connect()).collect();
    clients[0].send(&get("/"));
    lab.settle();
    lab.drain();
    lab.advance(Duration::from_millis(900));
    assert!(clients.iter().all(|client| client.end().is_none()));
    lab.advance(Duration::from_millis(200));
    assert!(clients.iter().all(|client| client.end() == Some(End::Closed)));
    drop(clients);
    lab.settle();
    assert!(lab.worker().is_finished());
    assert_eq!(finished_and_cut(&lab), (10, 0));
}

#[test]
fn request_on_an_idle_connection_in_that_second_is_the_last() {
    let mut lab = Lab::new(app());
    let kept = lab.connect();
    kept.send(&get("/"));
    lab.settle();
    assert_eq!(statuses(&kept.received()), [200]);
    lab.drain();
    lab.advance(Duration::from_millis(800));
    kept.send(&get("/"));
    lab.advance(Duration::from_millis(10));
    assert_last_reply(&kept);
}

#[test]
fn grace_accepts_while_readiness_is_false_already() {
    let mut config = LabConfig::default();
    config.worker.drain_grace = Duration::from_secs(5);
    let mut lab = Lab::with(app().readiness("/readyz").liveness("/livez"), config);
    assert_eq!(lab.get("/readyz").send().status(), 200);
    lab.drain();
    lab.advance(Duration::from_secs(4));
    let client = lab.connect();
    client.send(&[get("/readyz"), get("/livez"), get("/")].concat());
    lab.settle();
    assert_eq!(statuses(&client.received()), [503, 200, 200]);
    assert_eq!(client.end(), None, "kept open in the grace");
    lab.advance(Duration::from_millis(600));
    assert!(lab.connect().refused());
    client.send(&get("/"));
    lab.settle();
    assert_last_reply(&client);
}

#[test]
fn grace_counts_against_the_time_of_the_drain() {
    let mut config = LabConfig::default();
    config.worker.drain_grace = Duration::from_secs(5);
    let mut lab = Lab::with(app(), config);
    let client = lab.connect();
    client.send(&post("/echo", &[b'x'; 50_000])[..30_000]);
    lab.settle();
    lab.drain();
    lab.advance(Duration::from_secs(24));
    assert!(!lab.worker().is_finished());
    lab.advance(Duration::from_secs(2));
    assert!(lab.worker().is_finished());
}

#[test]
fn begun_request_is_finished_and_told_to_be_the_last() {
    let request = post("/echo", b"hello");
    for cut in [1, 20, request.len() - 1] {
        let mut lab = Lab::new(app());
        let client = lab.connect();
        client.send(&request[..cut]);
        lab.settle();
        lab.drain();
        lab.advance(Duration::from_secs(2));
        assert_eq!(client.end(), None, "cut at {cut}");
        client.send(&request[cut..]);
        lab.settle();
        assert_last_reply(&client);
        drop(client);
        lab.settle();
        assert!(lab.worker().is_finished());
        assert_eq!(finished_and_cut(&lab), (1, 0));
    }
}

#[test]
fn request_that_has_arrived_but_was_not_read_yet_is_served() {
    let mut lab = Lab::new(app());
    let kept = lab.connect();
    kept.send(&get("/"));
    lab.settle();
    assert_eq!(statuses(&kept.received()), [200]);
    // One on a connection that is open, one on a connection that waits to be accepted.
    kept.send(&get("/"));
    let waiting = lab.connect();
    waiting.send(&get("/"));
    lab.drain();
    lab.settle();
    assert_last_reply(&kept);
    assert_last_reply(&waiting);
}

#[test]
fn pipelined_requests_end_with_the_one_that_says_close() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(&get("/").repeat(3));
    lab.drain();
    lab.settle();
    assert_last_reply(&client);
}

#[test]
fn nobody_is_accepted_any_more() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(&get("/")[..5]);
    lab.settle();
    lab.drain();
    lab.settle();
    assert!(lab.connect().refused());
}

#[test]
fn half_sent_request_is_cut_at_the_hard_stop() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(&post("/echo", &[b'x'; 50_000])[..30_000]);
    lab.settle();
    lab.drain();
    lab.advance(Duration::from_secs(24));
    assert_eq!(lab.open_connections(), 1);
    lab.advance(Duration::from_secs(2));
    assert!(lab.worker().is_finished());
    assert_eq!(finished_and_cut(&lab), (0, 1));
    assert!(client.end().is_some());
    assert_eq!(lab.leased_segments(), 0);
}

#[test]
fn unsent_reply_is_cut_at_the_hard_stop() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.set_auto_read(false);
    client.set_receive_window(1000);
    client.send(&post("/echo", &[b'x'; 50_000]));
    lab.settle();
    lab.drain();
    lab.advance(Duration::from_secs(24));
    assert!(!lab.worker().is_finished());
    lab.advance(Duration::from_secs(2));
    assert!(lab.worker().is_finished());
    assert_eq!(finished_and_cut(&lab), (0, 1));
}

#[test]
fn unsent_reply_that_is_taken_in_time_counts_as_finished() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.set_auto_read(false);
    client.set_receive_window(1000);
    client.send(&post("/echo", &[b'x'; 50_000]));
    lab.settle();
    lab.drain();
    lab.advance(Duration::from_secs(20));
    client.set_auto_read(true);
    lab.settle();
    assert_eq!(replies(&client.received())[0].body().len(), 50_000);
    lab.advance(Duration::from_secs(1));
    assert_eq!(client.end(), Some(End::Closed));
    drop(client);
    lab.settle();
    assert!(lab.worker().is_finished());
    assert_eq!(finished_and_cut(&lab), (1, 0));
}
