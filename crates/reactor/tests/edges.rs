//! What a simulated world reports, and what it keeps to itself: exactly like edge-triggered epoll.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use std::io::{self, IoSlice};
use std::time::Duration;

use waterwheel_reactor::sim::{Client, End, Fault, Faults, SimDriver, SimSocket, World};
use waterwheel_reactor::{AcceptFault, Driver, Event, Readiness, SendFault, Token, Wake};

const TOKEN: Token = Token { index: 3, generation: 5 };

struct Pair {
    world: World,
    driver: SimDriver,
    socket: SimSocket,
    client: Client,
}

/// An accepted connection whose first edge, the one of its registration, is over.
fn pair() -> Pair {
    let world = World::new(0, Faults::none());
    let mut driver = world.driver();
    let client = world.connect();
    assert_eq!(poll(&mut driver), [Event::Listener(0)]);
    let (mut socket, peer) = driver.accept(0).unwrap();
    assert_eq!(peer, client.address().into());
    driver.register(&mut socket, TOKEN).unwrap();
    assert_eq!(poll(&mut driver), [writable()]);
    Pair { world, driver, socket, client }
}

fn poll(driver: &mut SimDriver) -> Vec<Event> {
    let mut events = Vec::new();
    driver.poll(None, &mut events).unwrap();
    events
}

fn event(readable: bool, writable: bool, read_closed: bool) -> Event {
    Event::Socket { token: TOKEN, readiness: Readiness { readable, writable, read_closed } }
}

fn readable() -> Event {
    event(true, false, false)
}

fn writable() -> Event {
    event(false, true, false)
}

fn kind<T: std::fmt::Debug>(result: io::Result<T>) -> io::ErrorKind {
    result.unwrap_err().kind()
}

/// Such a pair after `at_work`, during which `fault` struck wherever it could.
fn faulty(fault: Fault, at_work: impl FnOnce(&mut Pair)) -> Pair {
    let mut pair = pair();
    pair.world.set_faults(Faults::none().with(fault, 1.0));
    at_work(&mut pair);
    pair.world.stop_faults();
    pair
}

#[test]
fn bytes_left_unread_give_no_second_edge() {
    let Pair { world, mut driver, mut socket, client } = pair();
    client.send(b"0123456789");
    assert_eq!(poll(&mut driver), [readable()]);
    assert_eq!(driver.recv(&mut socket, &mut [0; 4]).unwrap(), 4);
    assert_eq!(poll(&mut driver), []);
    assert!(world.idle());
    client.send(b"more");
    assert_eq!(poll(&mut driver), [readable()]);
    assert_eq!(driver.recv(&mut socket, &mut [0; 40]).unwrap(), 10);
    assert_eq!(kind(driver.recv(&mut socket, &mut [0; 40])), io::ErrorKind::WouldBlock);
}

#[test]
fn edge_is_dropped_when_its_bytes_were_read_before() {
    let Pair { mut driver, mut socket, client, .. } = pair();
    client.send(b"early");
    assert_eq!(driver.recv(&mut socket, &mut [0; 40]).unwrap(), 5);
    assert_eq!(poll(&mut driver), []);
}

#[test]
fn end_is_told_with_the_edge_it_came_with() {
    let Pair { mut driver, mut socket, client, .. } = pair();
    client.send(b"last");
    client.shutdown_write();
    assert_eq!(poll(&mut driver), [event(true, false, true)]);
    assert_eq!(driver.recv(&mut socket, &mut [0; 40]).unwrap(), 4);
    assert_eq!(driver.recv(&mut socket, &mut [0; 40]).unwrap(), 0);
    assert_eq!(poll(&mut driver), []);
}

#[test]
fn end_after_a_read_is_an_edge_of_its_own() {
    let Pair { mut driver, mut socket, client, .. } = pair();
    client.send(b"last");
    assert_eq!(poll(&mut driver), [readable()]);
    assert_eq!(driver.recv(&mut socket, &mut [0; 40]).unwrap(), 4);
    client.shutdown_write();
    assert_eq!(poll(&mut driver), [event(true, false, true)]);
}

#[test]
fn room_is_news_only_to_who_missed_it() {
    let Pair { mut driver, mut socket, client, .. } = pair();
    client.set_auto_read(false);
    client.set_receive_window(9);
    assert_eq!(driver.send(&mut socket, b"12345").unwrap(), 5);
    assert_eq!(client.read(5), b"12345");
    assert_eq!(poll(&mut driver), [], "nobody missed the room");
    assert_eq!(driver.send(&mut socket, &[1; 20]).unwrap(), 9);
    assert_eq!(kind(driver.send(&mut socket, &[1; 11])), io::ErrorKind::WouldBlock);
    client.read(2);
    assert_eq!(poll(&mut driver), [], "less than a third is free");
    client.read(1);
    assert_eq!(poll(&mut driver), [writable()]);
    assert_eq!(poll(&mut driver), []);
}

#[test]
fn second_waiting_connection_gives_no_second_edge() {
    let world = World::new(0, Faults::none());
    let mut driver = world.driver();
    let _clients = [world.connect(), world.connect()];
    assert_eq!(poll(&mut driver), [Event::Listener(0)]);
    let _socket = driver.accept(0).unwrap();
    assert_eq!(poll(&mut driver), []);
    driver.accept(0).unwrap();
    assert_eq!(kind(driver.accept(0)), io::ErrorKind::WouldBlock);
}

#[test]
fn registration_reports_what_is_ready() {
    let world = World::new(0, Faults::none());
    let mut driver = world.driver();
    let client = world.connect();
    let (mut socket, _) = driver.accept(0).unwrap();
    client.send(b"before");
    client.shutdown_write();
    driver.register(&mut socket, TOKEN).unwrap();
    assert_eq!(poll(&mut driver), [event(true, true, true)]);
}

#[test]
fn bytes_past_the_receive_buffer_arrive_with_an_edge() {
    let Pair { mut driver, mut socket, client, .. } = pair();
    let bytes = vec![1; 200 * 1024];
    client.send(&bytes);
    let mut room = vec![0; bytes.len()];
    assert_eq!(poll(&mut driver), [readable()]);
    let first = driver.recv(&mut socket, &mut room).unwrap();
    assert!(first < bytes.len());
    assert_eq!(kind(driver.recv(&mut socket, &mut room)), io::ErrorKind::WouldBlock);
    assert_eq!(poll(&mut driver), [readable()]);
    assert_eq!(driver.recv(&mut socket, &mut room).unwrap(), bytes.len() - first);
}

#[test]
fn rest_of_an_injected_short_read_comes_with_an_edge() {
    let pair = faulty(Fault::ShortRead, |pair| {
        pair.client.send(b"0123456789");
        assert_eq!(poll(&mut pair.driver), [readable()]);
        assert!(pair.driver.recv(&mut pair.socket, &mut [0; 6]).unwrap() < 6);
        let again = pair.driver.recv(&mut pair.socket, &mut [0; 6]);
        assert_eq!(kind(again), io::ErrorKind::WouldBlock, "a short read means drained");
    });
    let Pair { mut driver, mut socket, .. } = pair;
    assert_eq!(poll(&mut driver), [readable()]);
    assert!(driver.recv(&mut socket, &mut [0; 40]).unwrap() > 4);
}

#[test]
fn room_behind_an_injected_short_write_comes_with_an_edge() {
    let Pair { mut driver, mut socket, client, .. } = faulty(Fault::ShortWrite, |pair| {
        let runs = [IoSlice::new(b"01234"), IoSlice::new(b"56789")];
        assert!(pair.driver.send_vectored(&mut pair.socket, &runs).unwrap() < 10);
        assert_eq!(kind(pair.driver.send(&mut pair.socket, b"x")), io::ErrorKind::WouldBlock);
    });
    assert_eq!(poll(&mut driver), [writable()]);
    assert_eq!(driver.send(&mut socket, b"x").unwrap(), 1);
    assert!(client.received().ends_with(b"x"));
}

#[test]
fn refused_read_is_made_good_by_an_edge() {
    let mut pair = faulty(Fault::RefusedRead, |pair| {
        pair.client.send(b"here");
        assert_eq!(poll(&mut pair.driver), [readable()]);
        let refused = pair.driver.recv(&mut pair.socket, &mut [0; 6]);
        assert_eq!(kind(refused), io::ErrorKind::WouldBlock);
    });
    assert_eq!(poll(&mut pair.driver), [readable()]);
    assert_eq!(pair.driver.recv(&mut pair.socket, &mut [0; 6]).unwrap(), 4);
}

#[test]
fn refused_write_is_made_good_by_an_edge() {
    let mut pair = faulty(Fault::RefusedWrite, |pair| {
        assert_eq!(kind(pair.driver.send(&mut pair.socket, b"x")), io::ErrorKind::WouldBlock);
    });
    assert_eq!(poll(&mut pair.driver), [writable()]);
    assert_eq!(pair.driver.send(&mut pair.socket, b"x").unwrap(), 1);
}

#[test]
fn refused_accept_is_made_good_by_an_edge() {
    let mut waiting = None;
    let mut pair = faulty(Fault::RefusedAccept, |pair| {
        waiting = Some(pair.world.connect());
        assert_eq!(poll(&mut pair.driver), [Event::Listener(0)]);
        assert_eq!(kind(pair.driver.accept(0)), io::ErrorKind::WouldBlock);
    });
    assert_eq!(poll(&mut pair.driver), [Event::Listener(0)]);
    assert!(pair.driver.accept(0).is_ok());
}

#[test]
fn interruption_hides_nothing_and_gives_no_edge() {
    let mut pair = faulty(Fault::InterruptedCall, |pair| {
        pair.client.send(b"here");
        assert_eq!(poll(&mut pair.driver), [readable()]);
        let interrupted = pair.driver.recv(&mut pair.socket, &mut [0; 6]);
        assert_eq!(kind(interrupted), io::ErrorKind::Interrupted);
    });
    assert_eq!(poll(&mut pair.driver), []);
    assert_eq!(pair.driver.recv(&mut pair.socket, &mut [0; 6]).unwrap(), 4);
}

#[test]
fn pressure_hides_nothing_and_gives_no_edge() {
    let mut pair = faulty(Fault::SendPressure, |pair| {
        let error = pair.driver.send(&mut pair.socket, b"x").unwrap_err();
        assert_eq!(SendFault::of(&error), SendFault::Pressure);
    });
    assert_eq!(poll(&mut pair.driver), []);
    assert_eq!(pair.driver.send(&mut pair.socket, b"x").unwrap(), 1);
}

#[test]
fn exhausted_accept_gives_no_edge() {
    let mut waiting = Vec::new();
    let mut pair = faulty(Fault::AcceptExhausted, |pair| {
        waiting = (0..50).map(|_| pair.world.connect()).collect();
        assert_eq!(poll(&mut pair.driver), [Event::Listener(0)]);
        let error = pair.driver.accept(0).unwrap_err();
        assert_eq!(AcceptFault::of(&error), AcceptFault::Exhausted);
    });
    assert_eq!(poll(&mut pair.driver), []);
    assert!(pair.driver.accept(0).is_ok());
}

#[test]
fn closed_socket_is_not_reported() {
    let Pair { mut driver, socket, client, world } = pair();
    client.send(b"unread");
    driver.close(socket);
    assert_eq!(poll(&mut driver), []);
    assert_eq!(world.open_sockets(), 0);
}

#[test]
fn stale_event_carries_the_old_token() {
    let Pair { mut driver, socket, client: _client, world } = pair();
    driver.close(socket);
    world.set_faults(Faults::none().with(Fault::StaleEvent, 1.0));
    assert!(matches!(poll(&mut driver)[..], [Event::Socket { token: TOKEN, .. }]));
}

#[test]
fn closing_over_unread_bytes_costs_the_client_its_answer() {
    let Pair { mut driver, mut socket, client, .. } = pair();
    client.send(b"a body that nobody reads");
    driver.send(&mut socket, b"413").unwrap();
    driver.close(socket);
    assert_eq!((client.end(), client.received()), (Some(End::Reset), Vec::new()));
}

#[test]
fn lingering_close_delivers_the_answer() {
    let Pair { mut driver, mut socket, client, .. } = pair();
    client.send(b"a body that is drained");
    driver.send(&mut socket, b"413").unwrap();
    driver.shutdown_write(&mut socket).unwrap();
    poll(&mut driver);
    assert_eq!((client.received(), client.end()), (b"413".to_vec(), Some(End::Closed)));
    driver.recv(&mut socket, &mut [0; 64]).unwrap();
    driver.close(socket);
    assert_eq!(client.end(), Some(End::Closed));
}

#[test]
fn reset_lets_arrived_bytes_be_read_and_then_fails() {
    let Pair { mut driver, mut socket, client, .. } = pair();
    client.send(b"arrived");
    client.reset();
    assert_eq!(poll(&mut driver), [event(true, true, true)]);
    assert_eq!(driver.recv(&mut socket, &mut [0; 64]).unwrap(), 7);
    assert_eq!(kind(driver.recv(&mut socket, &mut [0; 64])), io::ErrorKind::ConnectionReset);
    assert_eq!(driver.recv(&mut socket, &mut [0; 64]).unwrap(), 0);
    assert_eq!(kind(driver.send(&mut socket, b"x")), io::ErrorKind::BrokenPipe);
}

#[test]
fn sending_to_a_client_that_left_resets() {
    let Pair { mut driver, mut socket, client, .. } = pair();
    client.close();
    assert_eq!(poll(&mut driver), [event(true, false, true)]);
    assert_eq!(driver.send(&mut socket, b"too late").unwrap(), 8);
    assert_eq!(poll(&mut driver), [event(true, true, true)]);
    assert_eq!(kind(driver.send(&mut socket, b"x")), io::ErrorKind::ConnectionReset);
}

#[test]
fn closed_listener_refuses_and_resets_who_waits() {
    let world = World::new(0, Faults::none());
    let mut driver = world.driver();
    let waiting = world.connect();
    driver.close_listeners();
    assert_eq!(driver.listener_count(), 0);
    assert_eq!((waiting.refused(), waiting.end()), (false, Some(End::Reset)));
    assert!(world.connect().refused());
    assert_eq!(kind(driver.accept(0)), io::ErrorKind::WouldBlock);
}

#[test]
fn wake_is_remembered_and_told_once() {
    let Pair { world, mut driver, .. } = pair();
    let waker = driver.waker();
    std::thread::spawn(move || waker.wake()).join().unwrap();
    assert_eq!(poll(&mut driver), [Event::Wake]);
    assert_eq!(poll(&mut driver), []);
    assert_eq!(world.now(), Duration::ZERO);
}
