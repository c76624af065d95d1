//! Faults of sockets, peers and handlers: each stays where it happened, and what can be answered
//! is.
//!
//! Rows of the threat table: H1 descriptors, H2 accept, H3 memory for sending, H4 short calls, H6
//! half-close, H8 stale events, I1 panics.

mod wire;

use std::panic::resume_unwind;
use std::time::Duration;

use waterwheel::http::StatusCode;
use waterwheel::lab::{Lab, LabConfig};
use waterwheel::reactor::sim::{Client, End, Fault, Faults};
use waterwheel::{App, InPlace, Reply};
use wire::{get, post, post_chunked, replies, statuses, text};

fn app() -> App {
    App::new()
        .get("/", || "home")
        .post("/echo", |body: InPlace<[u8]>| body)
        // Unwinds without the panic hook, which would print.
        .get("/panics", || -> Reply { resume_unwind(Box::new("a handler's fault")) })
        .post("/panics", |_: InPlace<[u8]>| -> Reply { resume_unwind(Box::new("a fault")) })
        .get("/fails", || Err::<&str, _>((StatusCode::BAD_GATEWAY, "no luck")))
}

fn lab_with(fault: Fault, rate: f64) -> Lab {
    let mut config = LabConfig::default();
    config.faults = Faults::none().with(fault, rate);
    Lab::with(app(), config)
}

fn connect_and_get(lab: &Lab, count: usize) -> Vec<Client> {
    let clients: Vec<Client> = (0..count).map(|_| lab.connect()).collect();
    clients.iter().for_each(|client| client.send(&get("/")));
    clients
}

#[test]
fn h1_worker_without_descriptors_is_calm_and_recovers_within_a_second() {
    let mut lab = lab_with(Fault::AcceptExhausted, 1.0);
    let clients = connect_and_get(&lab, 100);
    lab.advance(Duration::from_secs(10));
    let calm = lab.metrics();
    assert_eq!((calm.accepted, calm.open), (0, 0));
    // 100 ms, 200, 400, 800, then one a second.
    assert!((10..=16).contains(&calm.accept_starved), "{calm:?}");
    assert!(calm.turns <= 60, "{calm:?}");

    lab.world().stop_faults();
    lab.advance(Duration::from_millis(1100));
    let ended = clients.iter().filter(|client| client.end().is_some()).count();
    let answered = clients.iter().filter(|client| client.received_len() > 0).count();
    assert!(ended as u64 <= calm.accept_starved, "at most one was ended per try: {ended}");
    assert_eq!(ended + answered, 100);
}

#[test]
fn h1_established_connections_are_served_while_descriptors_are_out() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    lab.settle();
    lab.world().set_faults(Faults::none().with(Fault::AcceptExhausted, 1.0));
    let _waiting = connect_and_get(&lab, 10);
    for _ in 0..10 {
        client.send(&get("/"));
        lab.settle();
        assert_eq!(statuses(&client.received()), [200]);
    }
}

#[test]
fn h2_failed_accepts_cost_only_their_own_connection() {
    let mut lab = lab_with(Fault::AcceptConnection, 0.3);
    let clients = connect_and_get(&lab, 500);
    lab.settle();
    let metrics = lab.metrics();
    assert!(metrics.accept_failed > 100, "{metrics:?}");
    assert_eq!(metrics.accepted + metrics.accept_failed, 500);
    let answered = clients.iter().filter(|client| client.received_len() > 0).count();
    assert_eq!(answered as u64, metrics.accepted);
}

#[test]
fn h3_send_without_memory_is_tried_again_without_spinning() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    lab.settle();
    lab.world().set_faults(Faults::none().with(Fault::SendPressure, 1.0));
    client.send(&get("/"));
    let before = lab.metrics().turns;
    lab.advance(Duration::from_secs(1));
    assert_eq!(client.received(), b"");
    assert!(lab.metrics().turns - before <= 1100, "at most one try a millisecond");
    lab.world().stop_faults();
    lab.advance(Duration::from_millis(5));
    assert_eq!(statuses(&client.received()), [200]);
}

#[test]
fn h3_peer_is_given_up_when_memory_for_sending_never_comes() {
    let mut lab = lab_with(Fault::SendPressure, 1.0);
    let client = lab.connect();
    client.send(&get("/"));
    lab.advance(Duration::from_secs(31));
    assert_eq!((lab.open_connections(), lab.leased_segments()), (0, 0));
}

/// What comes back for a mix of requests on one connection.
fn mixed_exchange(mut lab: Lab) -> (Vec<(u16, Vec<u8>)>, bool) {
    let client = lab.connect();
    let body = vec![b'x'; 20_000];
    let mix = [get("/"), post("/echo", &body), post_chunked("/echo", &body, 3000), get("/fails")];
    client.send(&mix.concat());
    lab.advance(Duration::from_secs(4));
    let received = client.received();
    let replies = replies(&received);
    assert_eq!(lab.leased_segments(), 0);
    let replies = replies.iter().map(|reply| (reply.status(), reply.body().to_vec())).collect();
    (replies, client.end().is_some())
}

#[test]
fn h4_calls_cut_short_refused_or_interrupted_change_no_reply() {
    let whole = mixed_exchange(Lab::new(app()));
    assert_eq!(whole.0.len(), 4);
    for fault in [
        Fault::ShortRead,
        Fault::ShortWrite,
        Fault::RefusedRead,
        Fault::RefusedWrite,
        Fault::InterruptedCall,
        Fault::InterruptedPoll,
        Fault::SendPressure,
        Fault::SpuriousEvent,
        Fault::DuplicateEvent,
        Fault::CoalescedEvent,
    ] {
        let lab = lab_with(fault, 0.5);
        assert!(mixed_exchange(lab) == whole, "{fault:?}");
    }
}

#[test]
fn h4_buffers_of_a_few_bytes_change_no_reply() {
    let whole = mixed_exchange(Lab::new(app()));
    for buffer_max in [1, 2, 16] {
        let mut config = LabConfig::default();
        config.faults = Faults::none().with(Fault::SmallBuffers, 1.0);
        config.faults.small_buffer_max = buffer_max;
        assert!(mixed_exchange(Lab::with(app(), config)) == whole, "{buffer_max} bytes");
    }
}

#[test]
fn h6_half_close_behind_a_whole_request_gets_its_answer() {
    let mut lab = Lab::new(app());
    for request in [get("/"), post("/echo", b"hello"), get("/").repeat(3)] {
        let client = lab.connect();
        client.send(&request);
        client.shutdown_write();
        lab.settle();
        let received = client.received();
        assert_eq!(replies(&received)[0].status(), 200);
        assert_eq!(client.end(), Some(End::Closed));
    }
    assert_eq!(lab.open_connections(), 0);
}

#[test]
fn h6_half_close_inside_a_request_ends_it_at_once() {
    let request = post("/echo", b"hello");
    let mut lab = Lab::new(app());
    for cut in 0..request.len() {
        let client = lab.connect();
        client.send(&[get("/"), request[..cut].to_vec()].concat());
        client.shutdown_write();
        let before = lab.metrics().turns;
        lab.settle();
        assert_eq!(statuses(&client.received()), [200], "cut at {cut}: what was whole is answered");
        assert!(client.end().is_some(), "cut at {cut}");
        assert!(lab.metrics().turns - before < 20, "cut at {cut}: no spinning");
        assert_eq!((lab.open_connections(), lab.leased_segments()), (0, 0), "cut at {cut}");
    }
}

#[test]
fn h6_half_close_while_the_reply_waits_still_gets_all_of_it() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.set_auto_read(false);
    client.set_receive_window(1000);
    client.send(&post("/echo", &[b'x'; 50_000]));
    lab.settle();
    client.shutdown_write();
    lab.settle();
    client.set_auto_read(true);
    lab.settle();
    assert_eq!(replies(&client.received())[0].body().len(), 50_000);
    assert_eq!(lab.open_connections(), 0);
}

#[test]
fn h8_events_of_closed_sockets_reach_nobody_else() {
    let mut lab = lab_with(Fault::StaleEvent, 0.5);
    for _ in 0..200 {
        let gone = connect_and_get(&lab, 3);
        lab.settle();
        drop(gone);
        let clients = connect_and_get(&lab, 3);
        lab.settle();
        for client in &clients {
            assert_eq!(statuses(&client.received()), [200]);
        }
    }
    assert!(lab.metrics().stale_events > 100, "{:?}", lab.metrics());
    lab.world().stop_faults();
    lab.settle();
    assert_eq!(lab.open_connections(), 0);
}

#[test]
fn reset_at_any_point_leaves_nothing_behind() {
    let mut lab = Lab::new(app());
    let request = post("/echo", &[b'x'; 9000]);
    for cut in (0..request.len()).step_by(97).chain([request.len()]) {
        let client = lab.connect();
        client.send(&request[..cut]);
        lab.turn();
        client.reset();
        lab.settle();
        assert_eq!((lab.open_connections(), lab.leased_segments()), (0, 0), "reset at {cut}");
    }
    assert_eq!(lab.worker().timer_count(), 0);
}

#[test]
fn i1_panic_of_a_handler_is_a_500_and_concerns_nobody_else() {
    let mut lab = Lab::new(app());
    let other = lab.connect();
    other.send(&post("/echo", b"hello")[..50]);
    for request in [get("/panics"), post("/panics", &[b'x'; 9000])] {
        let (received, closed) = lab.raw(&[request, get("/")].concat());
        assert_eq!((statuses(&received), closed), (vec![500], true), "{}", text(&received));
        assert_eq!(replies(&received)[0].header("connection"), Some("close"));
        assert_eq!(lab.leased_segments(), 0);
    }
    other.send(&post("/echo", b"hello")[50..]);
    lab.settle();
    assert_eq!(statuses(&other.received()), [200]);
    assert_eq!(lab.get("/").send().status(), 200);
}

#[test]
fn panic_behind_pipelined_requests_does_not_lose_their_replies() {
    let mut lab = Lab::new(app());
    let (received, closed) = lab.raw(&[get("/").repeat(5), get("/panics"), get("/")].concat());
    assert_eq!((statuses(&received), closed), (vec![200, 200, 200, 200, 200, 500], true));
}

#[test]
fn error_of_a_handler_is_its_reply_and_the_connection_goes_on() {
    let mut lab = Lab::new(app());
    let (received, closed) = lab.raw(&[get("/fails"), get("/")].concat());
    assert_eq!((statuses(&received), closed), (vec![502, 200], false));
}

#[test]
fn more_bodies_at_once_than_the_ring_holds_are_all_answered() {
    let mut config = LabConfig::default();
    config.ring.segment_count = 1024;
    let mut lab = Lab::with(app(), config);
    let body: Vec<u8> = (0..700_000_u32).map(|index| (index % 251) as u8).collect();
    let clients: Vec<Client> = (0..40).map(|_| lab.connect()).collect();
    for (index, client) in clients.iter().enumerate() {
        let request =
            if index % 2 == 0 { post("/echo", &body) } else { post_chunked("/echo", &body, 9000) };
        client.send(&request);
    }
    lab.advance(Duration::from_secs(4));
    for client in &clients {
        assert!(replies(&client.received())[0].body() == body);
    }
    assert_eq!(lab.leased_segments(), 0);
}
