//! How bytes are cut into reads changes nothing: replies are the same byte for byte, in order, and
//! cost no more than their bytes.

mod wire;

use std::time::Duration;

use waterwheel::lab::{Delivery, Lab};
use waterwheel::stages::base64::Base64;
use waterwheel::zerocopy::little_endian::U32;
use waterwheel::{App, Handler, InPlace, Request};
use wire::{get, post, post_chunked, replies, statuses, text, without_dates};

fn add_one(mut numbers: InPlace<[U32]>) -> InPlace<[U32]> {
    for number in numbers.iter_mut() {
        number.set(number.get().wrapping_add(1));
    }
    numbers
}

fn app() -> App {
    App::new()
        .get("/", || "home")
        .get("/query", |request: &Request<'_>| request.query().unwrap_or("none").to_owned())
        .get("/number/{n}", |waterwheel::Path(n): waterwheel::Path<u32>| n.to_string())
        .post("/echo", |body: InPlace<[u8]>| body)
        .post("/numbers", add_one.through(Base64::STANDARD))
}

/// Exchanges of every kind, by name.
fn exchanges() -> Vec<(&'static str, Vec<u8>)> {
    let numbers = base64_simd::STANDARD.encode_type::<Vec<u8>>([7; 48]);
    let expecting = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\
                      connection: close\r\n\r\nhello";
    let one_of_each =
        [get("/"), post("/numbers", &numbers), post_chunked("/echo", b"hello world", 4), get("/x")];
    vec![
        ("get", get("/query?a=b")),
        ("empty line first", [b"\r\n".to_vec(), get("/")].concat()),
        ("typed post", post("/numbers", &numbers)),
        ("malformed base64", [post("/numbers", b"AQA*"), get("/")].concat()),
        ("chunked post", post_chunked("/numbers", &numbers, 9)),
        (
            "extension and trailer",
            b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
            5;a=\"b\"\r\nhello\r\n0\r\nt: u\r\n\r\n"
                .to_vec(),
        ),
        ("pipelined", one_of_each.concat()),
        ("unread body", [post("/nowhere", b"hello"), get("/")].concat()),
        ("head", b"HEAD / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec()),
        ("version 1.0", b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n".to_vec()),
        ("close", expecting.to_vec()),
        ("bare feed", b"GET / HTTP/1.1\nhost: a\r\n\r\n".to_vec()),
        (
            "length and encoding",
            b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\
            transfer-encoding: chunked\r\n\r\n0\r\n\r\n"
                .to_vec(),
        ),
        (
            "bad chunk",
            b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
            5\r\nhelloX\r\n0\r\n\r\n"
                .to_vec(),
        ),
    ]
}

/// Everything that comes back, dates aside, and whether the connection was closed.
fn exchange(lab: &mut Lab, delivery: Delivery, bytes: &[u8]) -> (String, bool) {
    lab.deliver(delivery);
    let (received, closed) = lab.raw(bytes);
    (text(&without_dates(&received)), closed)
}

#[test]
fn one_byte_at_a_time_gives_the_same_replies() {
    let mut lab = Lab::new(app());
    for (name, bytes) in exchanges() {
        let whole = exchange(&mut lab, Delivery::Whole, &bytes);
        assert!(whole.0.starts_with("HTTP/1.1 "), "{name}");
        assert_eq!(exchange(&mut lab, Delivery::ByteByByte, &bytes), whole, "{name}");
    }
}

#[test]
fn every_split_point_gives_the_same_replies() {
    let mut lab = Lab::new(app());
    for (name, bytes) in exchanges() {
        let whole = exchange(&mut lab, Delivery::Whole, &bytes);
        for at in 0..bytes.len() {
            let split = exchange(&mut lab, Delivery::SplitAt(at), &bytes);
            assert_eq!(split, whole, "{name} split at {at}");
        }
    }
}

#[test]
fn split_points_far_apart_in_time_give_the_same_replies() {
    let mut lab = Lab::new(app());
    for (name, bytes) in exchanges() {
        let whole = exchange(&mut lab, Delivery::Whole, &bytes);
        for at in 1..bytes.len() {
            let client = lab.connect();
            client.send(&bytes[..at]);
            lab.advance(Duration::from_millis(100));
            client.send(&bytes[at..]);
            lab.settle();
            let received = text(&without_dates(&client.received()));
            assert_eq!((received, client.end().is_some()), whole, "{name} split at {at}");
        }
    }
}

#[test]
fn long_bodies_split_anywhere_come_back_whole() {
    let mut lab = Lab::new(app());
    let body: Vec<u8> = (0..70_000_u32).map(|index| (index % 251) as u8).collect();
    for bytes in [post("/echo", &body), post_chunked("/echo", &body, 4096)] {
        for at in (0..bytes.len()).step_by(4099) {
            lab.deliver(Delivery::SplitAt(at));
            let (received, closed) = lab.raw(&bytes);
            assert!(replies(&received)[0].body() == body && !closed, "split at {at}");
        }
    }
}

#[test]
fn ten_thousand_pipelined_requests_in_one_write_come_back_in_order() {
    let mut lab = Lab::new(app());
    let count = 10_000;
    let bytes: Vec<u8> = (0..count).flat_map(|index| get(&format!("/number/{index}"))).collect();
    let (received, closed) = lab.raw(&bytes);
    assert!(!closed);
    let replies = replies(&received);
    assert_eq!(replies.len(), count);
    for (index, reply) in replies.iter().enumerate() {
        assert_eq!(reply.text(), index.to_string());
    }
}

#[test]
fn pipelined_bodies_come_back_in_order() {
    let mut lab = Lab::new(app());
    let body = |index: usize| format!("body {index} ").repeat(index % 90 + 1);
    let bytes: Vec<u8> = (0..2000)
        .flat_map(|index| match index % 3 {
            0 => get(&format!("/number/{index}")),
            1 => post("/echo", body(index).as_bytes()),
            _ => post_chunked("/echo", body(index).as_bytes(), 100),
        })
        .collect();
    let (received, _) = lab.raw(&bytes);
    let replies = replies(&received);
    assert_eq!(replies.len(), 2000);
    for (index, reply) in replies.iter().enumerate() {
        let expected = if index % 3 == 0 { index.to_string() } else { body(index) };
        assert_eq!(reply.text(), expected);
    }
}

#[test]
fn pipelined_requests_in_one_read_are_answered_with_one_write() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(&get("/").repeat(20));
    lab.settle();
    assert_eq!(statuses(&client.received()), [200; 20]);
    assert_eq!(client.sent_places().len(), 1, "one piece: {:?}", client.sent_places());
}

#[test]
fn dripped_head_costs_a_turn_a_byte_and_no_moves() {
    let mut lab = Lab::new(app());
    let field = format!("a: {}\r\n", "b".repeat(200));
    let head = format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", field.repeat(75)).into_bytes();
    assert!(head.len() > 15 << 10);
    let client = lab.connect();
    let before = (lab.metrics().turns, lab.ring_stats().reservations);
    for byte in &head {
        client.send(std::slice::from_ref(byte));
        lab.turn();
    }
    assert_eq!(statuses(&client.received()), [200]);
    assert!(lab.metrics().turns - before.0 <= head.len() as u64 + 1);
    assert!(lab.ring_stats().reservations - before.1 <= 8, "{:?}", lab.ring_stats());
    assert!(lab.ring_stats().copied_bytes <= 2 * head.len() as u64, "{:?}", lab.ring_stats());
}
