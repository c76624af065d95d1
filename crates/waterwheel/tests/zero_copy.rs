//! What a warmed-up request costs: no copy of its content, no heap allocation, and the reply leaves
//! from the very bytes that were received. The counters that say so are shown to count.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod wire;

use std::hint::black_box;

use waterwheel::lab::{CountingAllocator, Lab, LabReply};
use waterwheel::ring::Lease;
use waterwheel::stages::base64::Base64;
use waterwheel::zerocopy::little_endian::{U32, U64};
use waterwheel::zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};
use waterwheel::{App, Call, Extract, Handler, InPlace, Rejection, Reply};
use wire::{post, replies};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[zerocopy(crate = "waterwheel::zerocopy")]
#[repr(C)]
struct Order {
    id: U64,
    quantity: U32,
    price: U32,
}

fn clamp(mut orders: InPlace<[Order]>) -> InPlace<[Order]> {
    for order in orders.iter_mut() {
        order.quantity.set(order.quantity.get().min(100));
    }
    orders
}

/// Sends its body back after one needless copy inside the run.
fn copied_within(orders: InPlace<[Order]>) -> Reply {
    let mut lease = orders.into_lease();
    lease.copy_within(0..16, 16);
    Reply::run(lease)
}

/// The body, moved to another run of the ring on the way.
struct Moved(Lease);

impl Extract for Moved {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        let mut lease = call.take_body().expect("the test sends a body");
        let target = call.ring().reserve_bytes(lease.len()).expect("the ring has room");
        lease.relocate(target).expect("the run was reserved for these bytes");
        Ok(Self(lease))
    }
}

fn app() -> App {
    App::new()
        .get("/plaintext", || "Hello, World!")
        .post("/orders", clamp.through(Base64::STANDARD))
        .post("/within", copied_within.through(Base64::STANDARD))
        .post("/moved", (|moved: Moved| Reply::run(moved.0)).through(Base64::STANDARD))
        .get("/allocates", || {
            black_box(Box::new(1_u8));
            "allocated"
        })
        .post("/owned", |body: Vec<u8>| body)
}

fn orders(count: usize) -> Vec<u8> {
    let orders: Vec<Order> = (0..count)
        .map(|index| Order {
            id: U64::new(index as u64),
            quantity: U32::new(250),
            price: U32::new(999),
        })
        .collect();
    orders.as_bytes().to_vec()
}

fn encoded(bytes: &[u8]) -> Vec<u8> {
    base64_simd::STANDARD.encode_type(bytes)
}

/// The same request three times; the last reply, when nothing is new any more.
fn warm(lab: &mut Lab, method: &str, target: &str, body: Option<&[u8]>) -> LabReply {
    let mut send = || {
        let request = lab.request(method, target);
        let request = match body {
            Some(body) => request.body(body),
            None => request,
        };
        request.send()
    };
    send();
    send();
    send()
}

#[test]
fn typed_base64_request_costs_no_copy_and_no_allocation() {
    let mut lab = Lab::new(app());
    // One record, one segment's worth, and several segments.
    for count in [1, 100, 250, 2000] {
        let body = encoded(&orders(count));
        let reply = warm(&mut lab, "POST", "/orders", Some(&body));
        assert_eq!(reply.status(), 200);
        assert_eq!(reply.copies(), 0, "{count} orders: {} bytes", reply.copied_len());
        assert_eq!(reply.allocations(), Some(0), "{count} orders");
        let content = base64_simd::STANDARD.decode_to_vec(reply.body()).unwrap();
        let changed = <[Order]>::ref_from_bytes(&content).unwrap();
        assert_eq!(changed.len(), count);
        assert!(changed.iter().all(|order| order.quantity.get() == 100));
    }
}

#[test]
fn plaintext_request_costs_no_copy_and_no_allocation() {
    let mut lab = Lab::new(app());
    let reply = warm(&mut lab, "GET", "/plaintext", None);
    assert_eq!((reply.text(), reply.copies(), reply.allocations()), ("Hello, World!", 0, Some(0)));
}

#[test]
fn refusal_costs_no_allocation() {
    let mut lab = Lab::new(app());
    let reply = warm(&mut lab, "GET", "/no-such-page", None);
    assert_eq!(reply.text(), "404 Not Found: nothing is served at this path\n");
    assert_eq!((reply.status(), reply.allocations()), (404, Some(0)));
}

/// Where the body of `request` was received, and the places that its reply was sent from.
fn places(lab: &mut Lab, request: &[u8], body_len: usize) -> (usize, Vec<(usize, usize)>) {
    let client = lab.connect();
    client.send(request);
    lab.settle();
    let received = client.received();
    assert_eq!(replies(&received)[0].body().len(), body_len);
    // The request came in one read or in more, into one run.
    let recv_places = client.recv_places();
    let (start, _) = recv_places[0];
    let len: usize = recv_places.iter().map(|(_, len)| len).sum();
    let last = recv_places.last().unwrap();
    assert_eq!((last.0 + last.1, len), (start + request.len(), request.len()), "one run");
    (start + len - body_len, client.sent_places())
}

#[test]
fn body_leaves_from_the_address_where_it_was_received() {
    let mut lab = Lab::new(app());
    for count in [1, 2000] {
        let body = encoded(&orders(count));
        let (address, sent) = places(&mut lab, &post("/orders", &body), body.len());
        // The reply's head is longer than the request's was; the headroom makes up for it.
        let [(sent_start, sent_len)] = sent[..] else { panic!("one piece: {sent:?}") };
        assert_eq!(sent_start + sent_len, address + body.len(), "{count} orders");
        assert!(sent_start < address, "the head lies right in front");
    }
}

#[test]
fn copy_inside_the_run_is_counted() {
    let mut lab = Lab::new(app());
    let reply = warm(&mut lab, "POST", "/within", Some(&encoded(&orders(2))));
    assert_eq!((reply.copies(), reply.copied_len()), (1, 16));
}

#[test]
fn move_to_another_run_is_counted() {
    let mut lab = Lab::new(app());
    let reply = warm(&mut lab, "POST", "/moved", Some(&encoded(&orders(2))));
    assert!(reply.copies() >= 1 && reply.copied_len() >= 32, "{} copies", reply.copies());
}

#[test]
fn allocation_of_a_handler_is_counted() {
    let mut lab = Lab::new(app());
    assert_eq!(warm(&mut lab, "GET", "/allocates", None).allocations(), Some(1));
    let reply = warm(&mut lab, "POST", "/owned", Some(b"body"));
    assert!(reply.allocations() >= Some(1), "{:?}", reply.allocations());
}

#[test]
fn bytes_that_left_the_ring_and_came_back_are_counted() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    let request = post("/orders", &encoded(&orders(2)));
    let (first, rest) = request.split_at(request.len() - 10);
    client.send(first);
    lab.settle();
    assert_eq!(lab.leased_segments(), 0, "parked");
    assert_eq!(lab.ring_stats().copies, 1, "moved out");
    client.send(rest);
    lab.settle();
    assert_eq!(replies(&client.received())[0].status(), 200);
    assert_eq!(lab.ring_stats().copies, 2, "and moved back once");
}
