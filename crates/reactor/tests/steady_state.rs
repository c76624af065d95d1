//! A warmed driver allocates nothing, and tells where bytes came in and left from.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use std::time::Duration;

use waterwheel_reactor::sim::{Faults, SimDriver, SimSocket, World};
use waterwheel_reactor::{Driver, Event, Instant, Slab, Token, Wheel};

fn exchange(
    driver: &mut SimDriver,
    socket: &mut SimSocket,
    room: &mut [u8],
    events: &mut Vec<Event>,
) {
    events.clear();
    driver.poll(Some(Duration::from_millis(1)), events).unwrap();
    let count = driver.recv(socket, room).unwrap();
    assert_eq!(driver.send(socket, &room[..count]).unwrap(), count);
    events.clear();
    driver.poll(Some(Duration::from_millis(1)), events).unwrap();
}

#[test]
fn warmed_exchange_allocates_nothing() {
    let world = World::new(0, Faults::none());
    let mut driver = world.driver();
    let client = world.connect();
    let (mut socket, _) = driver.accept(0).unwrap();
    driver.register(&mut socket, Token { index: 0, generation: 0 }).unwrap();
    let (mut room, mut events, mut reply) = ([0; 8192], Vec::new(), Vec::new());
    let mut turn = || {
        client.send(&[5; 6000]);
        exchange(&mut driver, &mut socket, &mut room, &mut events);
        reply.clear();
        client.receive_into(&mut reply);
        assert_eq!(reply, [5; 6000]);
    };
    turn();
    turn();
    let counted = allocation_counter::measure(|| (0..100).for_each(|_| turn()));
    assert_eq!(counted.count_total, 0);
}

#[test]
fn grown_tables_allocate_nothing() {
    let mut slab = Slab::new(1000);
    let mut wheel = Wheel::new(Duration::from_millis(10), 64);
    let (mut tokens, mut expired) = (Vec::new(), Vec::new());
    let mut now = Instant::ZERO;
    let mut lap = || {
        for value in 0..1000_u32 {
            let token = slab.insert(value);
            wheel.arm(token, now + Duration::from_millis(value.into()));
            tokens.push(token);
        }
        now = now + Duration::from_secs(1);
        expired.clear();
        wheel.expire(now, &mut expired);
        assert_eq!(expired.len(), tokens.len());
        for token in tokens.drain(..) {
            slab.remove(token);
        }
    };
    lap();
    let counted = allocation_counter::measure(|| (0..10).for_each(|_| lap()));
    assert_eq!(counted.count_total, 0);
}

#[test]
fn places_tell_that_a_reply_left_from_where_its_request_arrived() {
    let world = World::new(0, Faults::none());
    let mut driver = world.driver();
    let client = world.connect();
    let (mut socket, _) = driver.accept(0).unwrap();
    let mut room = [0; 512];
    client.send(b"in place");
    let count = driver.recv(&mut socket, &mut room).unwrap();
    driver.send(&mut socket, &room[3..count]).unwrap();
    let start = room.as_ptr().addr();
    assert_eq!(client.recv_places(), [(start, count)]);
    assert_eq!(client.sent_places(), [(start + 3, count - 3)]);
}

#[test]
fn places_are_bounded_and_can_be_off() {
    for places_max in [0, 2] {
        let world = World::new(0, Faults::none());
        world.set_places_max(places_max);
        let mut driver = world.driver();
        let client = world.connect();
        let (mut socket, _) = driver.accept(0).unwrap();
        for _ in 0..5 {
            driver.send(&mut socket, b"x").unwrap();
        }
        assert_eq!(client.sent_places().len(), places_max);
    }
}
