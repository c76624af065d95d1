//! The production driver over loopback.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod echo;

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use echo::Echo;
use socket2::SockRef;
use waterwheel_reactor::listen::{self, ListenConfig};
use waterwheel_reactor::{Driver, Event, MioDriver, Stream, Token, Wake};

const TOKEN: Token = Token { index: 9, generation: 2 };
const LONG: Option<Duration> = Some(Duration::from_secs(30));

fn loopback() -> (TcpListener, SocketAddr) {
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = listen::bind(any_port, &ListenConfig::default()).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A driver with one accepted and registered connection, and its peer.
fn pair() -> (MioDriver, Stream, TcpStream) {
    let (listener, address) = loopback();
    let mut driver = MioDriver::new(vec![listener.into()]).unwrap();
    let peer = TcpStream::connect(address).unwrap();
    assert_eq!(poll(&mut driver), [Event::Listener(0)]);
    let (mut stream, from) = driver.accept(0).unwrap();
    assert_eq!(from, peer.local_addr().unwrap().into());
    driver.register(&mut stream, TOKEN).unwrap();
    poll(&mut driver);
    (driver, stream, peer)
}

fn poll(driver: &mut MioDriver) -> Vec<Event> {
    let mut events = Vec::new();
    driver.poll(LONG, &mut events).unwrap();
    events
}

#[test]
fn echo_is_whole_for_many_clients() {
    let (listener, address) = loopback();
    let driver = MioDriver::new(vec![listener.into()]).unwrap();
    let (waker, done) = (driver.waker(), Arc::new(AtomicBool::new(false)));
    let done_by_clients = Arc::clone(&done);
    let clients = thread::spawn(move || {
        let clients: Vec<_> =
            (0..8).map(|byte| thread::spawn(move || converse(address, byte))).collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
        done_by_clients.store(true, Ordering::Release);
        waker.wake();
    });
    let mut worker = Echo::new(driver, 3000);
    while !done.load(Ordering::Acquire) {
        worker.turn(LONG);
    }
    clients.join().unwrap();
}

fn converse(address: SocketAddr, byte: u8) {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut writing = stream.try_clone().unwrap();
    let sent = vec![byte; 3_000_000];
    let bytes = sent.clone();
    let writer = thread::spawn(move || {
        writing.write_all(&bytes).unwrap();
        writing.shutdown(Shutdown::Write).unwrap();
    });
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    writer.join().unwrap();
    assert!(received == sent, "{} of {} bytes", received.len(), sent.len());
}

#[test]
#[cfg(target_os = "linux")]
fn accepted_sockets_inherit_their_options() {
    let (_driver, stream, _peer) = pair();
    let socket = SockRef::from(&stream);
    assert!(socket.tcp_nodelay().unwrap());
    assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(30)));
    assert!(socket.nonblocking().unwrap());
    let flags = rustix::io::fcntl_getfd(stream.as_fd()).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
}

#[test]
fn listeners_share_a_port_and_reopen_it_at_once() {
    let (first, address) = loopback();
    let second = listen::bind(address, &ListenConfig::default()).unwrap();
    let mut alone = ListenConfig::default();
    alone.reuse_port = false;
    assert_eq!(listen::bind(address, &alone).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    let driver = MioDriver::new(vec![first.into(), second.into()]).unwrap();
    assert_eq!(driver.listener_count(), 2);
    drop(driver);
    listen::bind(address, &alone).unwrap();
}

#[test]
fn edges_come_once_and_tell_the_end() {
    let (mut driver, mut stream, mut peer) = pair();
    peer.write_all(b"0123456789").unwrap();
    let [Event::Socket { token: TOKEN, readiness }] = poll(&mut driver)[..] else {
        panic!("one edge is due")
    };
    assert!(readiness.readable && !readiness.read_closed);
    assert_eq!(driver.recv(&mut stream, &mut [0; 4]).unwrap(), 4);
    let mut events = Vec::new();
    driver.poll(Some(Duration::from_millis(20)), &mut events).unwrap();
    assert_eq!(events, [], "bytes left unread give no second edge");
    peer.shutdown(Shutdown::Write).unwrap();
    let [Event::Socket { token: TOKEN, readiness }] = poll(&mut driver)[..] else {
        panic!("one edge is due")
    };
    assert!(readiness.readable && readiness.read_closed);
    assert_eq!(driver.recv(&mut stream, &mut [0; 40]).unwrap(), 6);
    assert_eq!(driver.recv(&mut stream, &mut [0; 40]).unwrap(), 0);
}

#[test]
fn reset_is_an_edge_in_both_directions() {
    let (mut driver, mut stream, peer) = pair();
    SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    drop(peer);
    let [Event::Socket { token: TOKEN, readiness }] = poll(&mut driver)[..] else {
        panic!("one edge is due")
    };
    assert!(readiness.readable && readiness.writable && readiness.read_closed);
    let error = driver.recv(&mut stream, &mut [0; 4]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn closed_stream_is_not_reported() {
    let (mut driver, stream, mut peer) = pair();
    driver.close(stream);
    // Answered with a reset, which is about a socket that is no longer there.
    peer.write_all(b"late").unwrap();
    let mut events = Vec::new();
    driver.poll(Some(Duration::from_millis(20)), &mut events).unwrap();
    assert_eq!(events, []);
}

#[test]
fn vectored_send_keeps_the_order_of_runs() {
    let (mut driver, mut stream, mut peer) = pair();
    let runs =
        [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two "), IoSlice::new(b"three")];
    assert_eq!(driver.send_vectored(&mut stream, &runs).unwrap(), 13);
    driver.shutdown_write(&mut stream).unwrap();
    let mut received = String::new();
    peer.read_to_string(&mut received).unwrap();
    assert_eq!(received, "one two three");
}

#[test]
fn broken_connection_raises_no_signal() {
    let raised = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGPIPE, Arc::clone(&raised)).unwrap();
    let (mut driver, mut stream, _peer) = pair();
    driver.shutdown_write(&mut stream).unwrap();
    assert_eq!(driver.send(&mut stream, b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    let runs = [IoSlice::new(b"x")];
    let error = driver.send_vectored(&mut stream, &runs).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    assert!(!raised.load(Ordering::SeqCst));
}

#[test]
fn wake_from_another_thread_ends_the_wait() {
    let (listener, _) = loopback();
    let mut driver = MioDriver::new(vec![listener.into()]).unwrap();
    let waker = driver.waker();
    let thread = thread::spawn(move || waker.wake());
    assert_eq!(poll(&mut driver), [Event::Wake]);
    thread.join().unwrap();
}

#[test]
fn closed_listeners_refuse() {
    let (listener, address) = loopback();
    let held_elsewhere = listener.try_clone().unwrap();
    let mut driver = MioDriver::new(vec![listener.into()]).unwrap();
    driver.close_listeners();
    assert_eq!(driver.listener_count(), 0);
    assert_eq!(driver.accept(0).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    // Still open for whoever else holds it, and no longer reported here.
    let _peer = TcpStream::connect(address).unwrap();
    let mut events = Vec::new();
    driver.poll(Some(Duration::from_millis(20)), &mut events).unwrap();
    assert_eq!(events, []);
    drop(held_elsewhere);
    TcpStream::connect(address).unwrap_err();
}

#[test]
fn ticks_grow_no_slower_than_nanoseconds() {
    let driver = MioDriver::new(Vec::new()).unwrap();
    let (ticks, clock) = (driver.ticks(), driver.clock());
    let (ticks_before, started) = (clock.ticks(), driver.now());
    while driver.now() < started + Duration::from_millis(2) {
        std::hint::spin_loop();
    }
    let elapsed = driver.now().saturating_since(started);
    assert!(u128::from(clock.ticks() - ticks_before) >= elapsed.as_nanos());
    assert!(driver.ticks() > ticks);
}
