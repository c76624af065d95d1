//! A protocol of somebody's own, without what HTTP adds: the worker asks for no more than the
//! trait demands.

use std::sync::Arc;
use std::time::Duration;

use waterwheel_reactor::sim::{Faults, SimDriver, World};
use waterwheel_reactor::{Driver as _, Wake as _};
use waterwheel_ring::Ring;
use waterwheel_runtime::{Control, Instant, Io, Next, PeerAddress, Protocol, Worker, WorkerConfig};

/// Sends back what it gets. It has no twin, so it may not defer.
struct Echo;

impl Protocol for Echo {
    type Connection = ();
    type Parcel = ();

    fn open(&mut self, _: usize, _: PeerAddress, _: Instant) {}

    fn advance(&mut self, _: &mut (), io: &mut Io<'_>) -> Next {
        if io.draining || io.ended {
            return Next::Finish;
        }
        if !io.inbound.is_empty()
            && let Ok(run) = io.inbound.claim(io.ring, 0)
        {
            io.outbound.push(run);
        }
        Next::Read { room: 0, deadline: io.now + Duration::from_secs(60) }
    }

    fn unpack(&mut self, (): ()) {}

    fn timed_out(&mut self, _: &mut (), _: &mut Io<'_>) -> Next {
        Next::Finish
    }
}

fn worker(driver: SimDriver, control: Arc<Control>) -> Worker<SimDriver, Echo> {
    let ring = Ring::new(&waterwheel_ring::Config::default()).expect("a ring");
    Worker::new(0, driver, Echo, ring, &WorkerConfig::default(), control)
}

#[test]
fn worker_whose_protocol_has_no_twin_survives_a_wake() {
    let world = World::new(7, Faults::none());
    let driver = world.driver();
    let waker = driver.waker();
    let mut worker = worker(driver, Arc::new(Control::new()));
    let client = world.connect();
    client.send(b"same");
    waker.wake();
    for _ in 0..4 {
        worker.turn().expect("the simulated driver polls");
    }
    assert_eq!(client.received(), b"same");
    assert!(!worker.is_finished());
}

#[test]
fn drain_ends_a_protocol_of_ones_own() {
    let world = World::new(8, Faults::none());
    let control = Arc::new(Control::new());
    let mut worker = worker(world.driver(), Arc::clone(&control));
    let client = world.connect();
    client.send(b"last words");
    // No turn more: with nothing to do the virtual clock would go on to the deadline.
    while client.received_len() == 0 {
        worker.turn().expect("the simulated driver polls");
    }
    control.drain();
    let report = worker.run().expect("the simulated driver polls");
    assert_eq!((report.finished, report.cut), (1, 0));
    assert_eq!(client.received(), b"last words");
    assert_eq!(world.open_sockets(), 0);
}

#[test]
fn deadlines_that_come_at_once_are_spread_over_turns() {
    const CLIENTS: usize = 100;
    let world = World::new(9, Faults::none());
    let mut worker = worker(world.driver(), Arc::new(Control::new()));
    let clients: Vec<_> = (0..CLIENTS).map(|_| world.connect()).collect();
    let mut accepted = 0;
    while accepted < CLIENTS {
        accepted += worker.turn().expect("the simulated driver polls").accepted;
    }
    let (mut turns, mut expired) = (0, 0);
    while clients.iter().any(|client| client.end().is_none()) {
        let turn = worker.turn().expect("the simulated driver polls");
        assert!(turn.expired <= 8, "{turn:?}");
        (turns, expired) = (turns + 1, expired + turn.expired);
        assert!(turns < 1_000, "{expired} deadlines passed");
    }
    assert!(expired >= CLIENTS);
}
