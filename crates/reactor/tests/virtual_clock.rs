//! Time in a simulated world: it passes in polls, up to the next thing that happens and no further.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use std::time::{Duration, SystemTime};

use waterwheel_reactor::sim::{Fault, Faults, SimDriver, World};
use waterwheel_reactor::{Driver, Event};

const MILLISECOND: Duration = Duration::from_millis(1);

fn poll(driver: &mut SimDriver, timeout: Option<Duration>) -> Vec<Event> {
    let mut events = Vec::new();
    driver.poll(timeout, &mut events).unwrap();
    events
}

#[test]
fn poll_without_news_takes_its_timeout() {
    let world = World::new(0, Faults::none());
    let mut driver = world.driver();
    assert_eq!(poll(&mut driver, Some(MILLISECOND * 7)), []);
    assert_eq!((world.now(), driver.now().as_duration()), (MILLISECOND * 7, MILLISECOND * 7));
    assert_eq!(poll(&mut driver, Some(Duration::ZERO)), []);
    assert_eq!(driver.now().as_duration(), MILLISECOND * 7);
    assert!(!world.idle());
    assert_eq!(poll(&mut driver, None), []);
    assert!(world.idle());
    assert_eq!(driver.now().as_duration(), MILLISECOND * 7);
}

#[test]
fn poll_stops_at_what_is_scheduled() {
    let world = World::new(0, Faults::none());
    let mut driver = world.driver();
    let client = world.connect();
    poll(&mut driver, None);
    let (mut socket, _) = driver.accept(0).unwrap();
    let token = waterwheel_reactor::Token { index: 0, generation: 0 };
    driver.register(&mut socket, token).unwrap();
    poll(&mut driver, None);
    client.send_at(MILLISECOND * 30, b"late");
    client.send_at(MILLISECOND * 20, b"early");
    assert_eq!(poll(&mut driver, Some(MILLISECOND * 5)), []);
    assert_eq!(poll(&mut driver, Some(MILLISECOND * 50)).len(), 1);
    assert_eq!(driver.now().as_duration(), MILLISECOND * 20);
    assert_eq!(poll(&mut driver, None).len(), 1);
    assert_eq!(driver.now().as_duration(), MILLISECOND * 30);
    let mut room = [0; 16];
    let count = driver.recv(&mut socket, &mut room).unwrap();
    assert_eq!(&room[..count], b"earlylate");
}

#[test]
fn advance_brings_what_was_scheduled_on_the_way() {
    let world = World::new(0, Faults::none());
    let mut driver = world.driver();
    let client = world.connect();
    let (mut socket, _) = driver.accept(0).unwrap();
    client.send_at(MILLISECOND * 3, b"on the way");
    world.advance(MILLISECOND * 10);
    assert_eq!(world.now(), MILLISECOND * 10);
    assert_eq!(driver.recv(&mut socket, &mut [0; 16]).unwrap(), 10);
}

#[test]
fn time_passes_for_all_workers_or_none() {
    let world = World::new(0, Faults::none());
    let (mut first, mut second) = (world.driver(), world.driver());
    assert_eq!(poll(&mut first, Some(MILLISECOND * 9)), []);
    assert_eq!(world.now(), Duration::ZERO, "the second worker has not said that it waits");
    poll(&mut second, Some(MILLISECOND * 4));
    assert_eq!(world.now(), MILLISECOND * 4);
    poll(&mut first, Some(MILLISECOND * 5));
    assert_eq!(world.now(), MILLISECOND * 4, "the second worker's time has come");
    poll(&mut second, None);
    assert_eq!(world.now(), MILLISECOND * 9);
    drop(second);
    poll(&mut first, Some(MILLISECOND));
    assert_eq!(world.now(), MILLISECOND * 10);
}

#[test]
fn frozen_clock_goes_again() {
    let world = World::new(3, Faults::none().with(Fault::ClockFreeze, 1.0));
    let mut driver = world.driver();
    poll(&mut driver, Some(MILLISECOND));
    assert_eq!(driver.now().as_duration(), Duration::ZERO);
    world.set_faults(Faults::none());
    for _ in 0..25 {
        poll(&mut driver, Some(MILLISECOND));
    }
    assert!(driver.now().as_duration() > Duration::ZERO);
}

#[test]
fn clocks_jump_on_their_own() {
    let world = World::new(3, Faults::none().with(Fault::ClockJump, 1.0));
    let mut driver = world.driver();
    poll(&mut driver, Some(Duration::ZERO));
    assert!(driver.now().as_duration() > Duration::ZERO);

    let world = World::new(3, Faults::none().with(Fault::WallClockJump, 1.0));
    let mut driver = world.driver();
    let start = driver.wall_clock();
    let mut directions = [false; 2];
    for _ in 0..50 {
        poll(&mut driver, Some(Duration::ZERO));
        directions[usize::from(driver.wall_clock() > start)] = true;
    }
    assert_eq!((directions, driver.now().as_duration()), ([true; 2], Duration::ZERO));
    assert!(driver.wall_clock() > SystemTime::UNIX_EPOCH);
}

#[test]
fn chance_of_a_worker_comes_from_the_seed() {
    let draw = |seed| World::new(seed, Faults::none()).driver().random();
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}
