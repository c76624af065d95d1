//! A worker in worlds with and without faults: nothing is lost, nothing stalls, histories repeat.

mod echo;

use std::time::Duration;

use echo::Echo;
use waterwheel_reactor::sim::{Client, End, Fault, FaultCounts, Faults, World};

#[test]
fn echo_is_whole_in_a_faultless_world() {
    let world = World::new(1, Faults::none());
    let mut worker = Echo::new(world.driver(), 512);
    let client = world.connect();
    let bytes = vec![7; 1 << 20];
    client.send(&bytes);
    client.shutdown_write();
    rest(&world, &mut worker);
    assert_eq!(client.received(), bytes);
    assert_eq!(client.end(), Some(End::Closed));
    assert_eq!((world.open_sockets(), world.fault_counts().total()), (0, 0));
}

#[test]
fn echo_survives_every_fault_and_nothing_stalls() {
    for seed in 0..1500 {
        history(seed, Faults::from_seed(seed));
    }
}

#[test]
fn echo_survives_each_fault_alone() {
    for fault in Fault::ALL {
        for seed in 0..20 {
            history(seed, Faults::none().with(fault, 0.3));
        }
    }
}

#[test]
fn every_fault_strikes_in_some_seed() {
    let counts: Vec<FaultCounts> =
        (0..100).map(|seed| history(seed, Faults::from_seed(seed)).1).collect();
    for fault in Fault::ALL.into_iter().filter(|fault| !ELSEWHERE.contains(fault)) {
        assert!(counts.iter().any(|counts| counts.of(fault) > 0), "{fault:?} never strikes");
    }
}

#[test]
fn same_seed_gives_same_history() {
    for seed in 0..50 {
        let first = history(seed, Faults::from_seed(seed));
        assert_eq!(first, history(seed, Faults::from_seed(seed)));
        assert_ne!(first.0, history(seed + 1000, Faults::from_seed(seed)).0);
    }
}

/// Clients come, send in pieces over time, end or break; in the end everything must be at rest.
fn history(seed: u64, faults: Faults) -> (u64, FaultCounts) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let world = World::new(seed, faults);
    let mut worker = Echo::new(world.driver(), rng.usize(1..200));
    let mut clients: Vec<(Client, Vec<u8>)> = Vec::new();
    for _ in 0..rng.usize(1..8) {
        clients.push(scheduled_client(&world, &mut rng));
        for _ in 0..rng.usize(0..20) {
            worker.turn(Some(Duration::from_millis(5)));
        }
    }
    for _ in 0..rng.usize(0..200) {
        worker.turn(Some(Duration::from_millis(1)));
    }
    world.stop_faults();
    rest(&world, &mut worker);
    for (client, sent) in &clients {
        let received = client.received();
        let end = client.end();
        assert!(sent.starts_with(&received), "seed {seed}: bytes changed");
        let turned_away = received.is_empty() && world.fault_counts().total() > 0;
        let whole = end == Some(End::Closed) && (received == *sent || turned_away);
        assert!(whole || end == Some(End::Reset), "seed {seed}: {end:?}, {}", received.len());
    }
    assert_eq!(world.open_sockets(), 0, "seed {seed}");
    (world.trace_hash(), world.fault_counts())
}

fn scheduled_client(world: &World, rng: &mut fastrand::Rng) -> (Client, Vec<u8>) {
    let client = world.connect();
    client.set_receive_window(rng.usize(1..2000));
    let mut sent = Vec::new();
    let mut time = world.now();
    for _ in 0..rng.usize(0..10) {
        let piece: Vec<u8> = (0..rng.usize(0..300)).map(|_| rng.u8(..)).collect();
        client.send_at(time, &piece);
        sent.extend(piece);
        time += Duration::from_micros(rng.u64(0..20_000));
    }
    if rng.u8(..) < 20 {
        client.reset_at(time);
    } else {
        client.shutdown_write_at(time);
    }
    (client, sent)
}

fn rest(world: &World, worker: &mut Echo<waterwheel_reactor::sim::SimDriver>) {
    for _ in 0..1_000_000 {
        worker.turn(None);
        if world.idle() {
            return;
        }
    }
    panic!("the world does not come to rest: {world:?}");
}

/// An echo makes no connections and reads no files.
const ELSEWHERE: [Fault; 5] = [
    Fault::ConnectRefused,
    Fault::ConnectLost,
    Fault::ColdFile,
    Fault::ShortFile,
    Fault::FileError,
];
