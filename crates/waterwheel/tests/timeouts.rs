//! How long the server waits for whom, in virtual time, with the defaults.

mod wire;

use std::time::Duration;

use waterwheel::lab::Lab;
use waterwheel::reactor::sim::{Client, End};
use waterwheel::{App, InPlace};
use wire::{get, post, replies, statuses, text};

fn app() -> App {
    App::new().get("/", || "home").post("/echo", |body: InPlace<[u8]>| body)
}

/// Lets time pass until the server has ended the connection; how long that took.
fn end_of(lab: &mut Lab, client: &Client) -> Duration {
    let begun = lab.world().now();
    while client.end().is_none() {
        lab.advance(STEP);
        assert!(lab.world().now() < begun + Duration::from_secs(200), "the connection never ends");
    }
    lab.world().now() - begun
}

fn assert_about(time: Duration, seconds: u64) {
    let expected = Duration::from_secs(seconds);
    assert!(time >= expected && time <= expected + TOLERANCE, "{time:?} instead of {expected:?}");
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const STEP: Duration = Duration::from_millis(50);
/// One step, a tick of the wheel, and the time in which a request was handled.
const TOLERANCE: Duration = Duration::from_millis(150);

#[test]
fn silent_connection_is_closed_without_a_word_after_ten_seconds() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    assert_about(end_of(&mut lab, &client), 10);
    assert_eq!((client.received(), client.end()), (Vec::new(), Some(End::Closed)));
}

#[test]
fn partial_head_is_answered_408_ten_seconds_after_the_accept() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    lab.advance(seconds(6));
    client.send(&get("/")[..10]);
    assert_about(end_of(&mut lab, &client), 4);
    assert_eq!(statuses(&client.received()), [408]);
    assert_eq!(client.end(), Some(End::Closed));
}

#[test]
fn dripped_head_does_not_buy_time() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    for (index, byte) in get("/").iter().enumerate() {
        client.send_at(seconds(9 * index as u64), &[*byte]);
    }
    assert_about(end_of(&mut lab, &client), 10);
    assert_eq!(statuses(&client.received()), [408]);
}

#[test]
fn later_head_has_ten_seconds_from_its_first_byte() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(&get("/"));
    lab.advance(seconds(60));
    assert_eq!(statuses(&client.received()), [200]);
    client.send(b"G");
    lab.advance(seconds(9));
    client.send(b"E");
    assert_about(end_of(&mut lab, &client), 1);
    assert_eq!(statuses(&client.received()), [408]);
}

#[test]
fn idle_connection_is_closed_without_a_word_after_75_seconds() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    for _ in 0..3 {
        client.send(&get("/"));
        lab.advance(seconds(74));
        assert_eq!(statuses(&client.received()), [200], "each request starts the time anew");
    }
    assert_about(end_of(&mut lab, &client), 1);
    assert_eq!((client.received(), client.end()), (Vec::new(), Some(End::Closed)));
}

#[test]
fn body_that_stalls_is_answered_408_after_thirty_seconds() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(&post("/echo", &[b'x'; 50_000])[..30_000]);
    assert_about(end_of(&mut lab, &client), 30);
    assert_eq!(statuses(&client.received()), [408]);
    assert_eq!(client.end(), Some(End::Closed));
}

#[test]
fn body_slower_than_the_rate_is_answered_408() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    let request = post("/echo", &[b'x'; 5000]);
    let (head, body) = request.split_at(request.len() - 5000);
    client.send(head);
    // 100 bytes a second: 5 s for free, then each 240 bytes buy one second.
    for (index, piece) in body.chunks(100).enumerate() {
        client.send_at(seconds(index as u64), piece);
    }
    let time = end_of(&mut lab, &client);
    assert!(time >= seconds(7) && time <= seconds(9), "{time:?}");
    assert_eq!(statuses(&client.received()), [408]);
}

#[test]
fn body_faster_than_the_rate_may_take_minutes() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    let request = post("/echo", &[b'x'; 30_000]);
    let (head, body) = request.split_at(request.len() - 30_000);
    client.send(head);
    for (index, piece) in body.chunks(250).enumerate() {
        client.send_at(seconds(index as u64), piece);
    }
    lab.advance(seconds(121));
    assert_eq!(replies(&client.received())[0].body().len(), 30_000);
}

#[test]
fn body_never_begun_is_answered_408_after_five_seconds() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(
        b"POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n",
    );
    assert_about(end_of(&mut lab, &client), 5);
    let received = text(&client.received());
    assert!(received.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 408 "), "{received}");
}

#[test]
fn reply_that_nobody_takes_is_given_up_after_thirty_seconds() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.set_auto_read(false);
    client.set_receive_window(4096);
    client.send(&post("/echo", &[b'x'; 100_000]));
    lab.advance(seconds(29));
    assert_eq!(lab.open_connections(), 1);
    lab.advance(seconds(1) + TOLERANCE);
    assert_eq!((lab.open_connections(), lab.leased_segments()), (0, 0));
    let received = client.read(1 << 20);
    assert!(received.len() < 100_000, "the content is cut short, which its length shows");
}

#[test]
fn reply_taken_slowly_but_steadily_arrives_whole() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.set_auto_read(false);
    client.set_receive_window(8192);
    client.send(&post("/echo", &[b'x'; 60_000]));
    let mut received = Vec::new();
    for _ in 0..12 {
        lab.advance(seconds(20));
        received.extend(client.read(8192));
    }
    assert_eq!(replies(&received)[0].body().len(), 60_000);
}

#[test]
fn reply_taken_slower_than_the_rate_is_given_up_after_half_a_minute() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.set_auto_read(false);
    client.set_receive_window(1000);
    client.send(&post("/echo", &[b'x'; 50_000]));
    let begun = lab.world().now();
    // 100 bytes every second: each time something moves, but 240 bytes buy one second.
    while client.end().is_none() {
        lab.advance(seconds(1));
        drop(client.read(100));
        assert!(lab.world().now() < begun + seconds(100), "the connection never ends");
    }
    let time = lab.world().now() - begun;
    // 30 s for free, the 1,000 bytes of the window buy 4 s, and 100 a second buy 0.42 s each.
    assert!(time > seconds(50) && time < seconds(65), "{time:?}");
}

#[test]
fn last_reply_is_lingered_on_for_two_seconds() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    lab.advance(STEP);
    assert_eq!(client.end(), Some(End::Closed), "the half-close comes at once");
    assert_eq!(lab.open_connections(), 1);
    lab.advance(seconds(1));
    assert_eq!(lab.open_connections(), 1);
    lab.advance(seconds(1) + TOLERANCE);
    assert_eq!(lab.open_connections(), 0);
}

#[test]
fn lingering_ends_as_soon_as_the_peer_does() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    lab.advance(STEP);
    client.shutdown_write();
    lab.advance(STEP);
    assert_eq!(lab.open_connections(), 0);
}

#[test]
fn lingering_reads_256_kibibytes_and_no_more() {
    for (len, read) in [(200 << 10, 200 << 10), (900 << 10, 256 << 10)] {
        let mut lab = Lab::new(app());
        let client = lab.connect();
        client.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999\r\n\r\n");
        lab.advance(STEP);
        assert_eq!(statuses(&client.received()), [413]);
        let before = lab.metrics().received_len;
        client.send(&vec![b'x'; len]);
        lab.advance(seconds(1));
        let late_len = lab.metrics().received_len - before;
        assert!((read..=read + 4096).contains(&late_len), "{late_len} of {len} late bytes");
        assert_eq!((lab.open_connections(), lab.leased_segments()), (1, 0), "it may still read");
        lab.advance(seconds(1) + TOLERANCE);
        assert_eq!(lab.open_connections(), 0, "{len} late bytes");
    }
}

#[test]
fn unread_body_that_does_not_come_ends_the_connection_after_two_seconds() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(&post("/nowhere", &[b'x'; 1000])[..200]);
    assert_about(end_of(&mut lab, &client), 2);
    assert_eq!(statuses(&client.received()), [404]);
}

#[test]
fn connection_of_an_hour_is_closed_after_its_next_reply() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    for _ in 0..60 {
        client.send(&get("/"));
        lab.advance(seconds(60));
        assert_eq!(replies(&client.received())[0].header("connection"), None);
    }
    client.send(&get("/"));
    lab.advance(STEP);
    assert_eq!(replies(&client.received())[0].header("connection"), Some("close"));
    assert!(client.end().is_some());
}

#[test]
fn waiting_connections_arm_one_timer_each() {
    let mut lab = Lab::new(app());
    let clients: Vec<Client> = (0..100).map(|_| lab.connect()).collect();
    for _ in 0..20 {
        for client in &clients {
            client.send(&get("/"));
        }
        lab.advance(seconds(1));
    }
    assert_eq!(lab.worker().timer_count(), 100);
    drop(clients);
    lab.advance(STEP);
    assert_eq!((lab.worker().timer_count(), lab.open_connections()), (0, 0));
}
