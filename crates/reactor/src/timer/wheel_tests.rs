//! The wheel beside a map as its model, with a clock that stands, walks and jumps.

use std::collections::BTreeMap;

use super::*;

const TICK: Duration = Duration::from_millis(10);

fn token(index: u32) -> Token {
    Token { index, generation: index + 100 }
}

fn expire(wheel: &mut Wheel, now: impl Into<Instant>) -> Vec<Token> {
    let mut expired = Vec::new();
    wheel.expire(now.into(), &mut expired);
    expired
}

#[test]
fn entry_fires_once_and_not_before_its_time() {
    let mut wheel = Wheel::new(TICK, 8);
    let due = Duration::from_micros(25_300);
    wheel.arm(token(0), due.into());
    assert_eq!(wheel.due(token(0)), Some(due.into()));
    assert_eq!(expire(&mut wheel, due - Duration::from_nanos(1)), []);
    assert_eq!(expire(&mut wheel, due), [token(0)]);
    assert_eq!(expire(&mut wheel, due * 2), []);
    assert_eq!((wheel.len(), wheel.next_due(), wheel.due(token(0))), (0, None, None));
}

#[test]
fn what_is_due_already_fires_at_the_next_look() {
    let mut wheel = Wheel::new(TICK, 8);
    assert_eq!(expire(&mut wheel, TICK * 1000), []);
    wheel.arm(token(3), TICK.into());
    assert!(wheel.next_due().is_some_and(|due| due <= Instant::from(TICK * 1000)));
    assert_eq!(expire(&mut wheel, TICK * 1000), [token(3)]);
}

#[test]
fn jump_over_many_laps_fires_everything_once() {
    let mut wheel = Wheel::new(TICK, 4);
    for index in 0..100 {
        wheel.arm(token(index), (TICK * index).into());
    }
    let mut expired = expire(&mut wheel, TICK * 5000);
    expired.sort_unstable();
    assert!(expired.into_iter().eq((0..100).map(token)));
}

#[test]
fn later_lap_survives_the_passing_of_its_slot() {
    let mut wheel = Wheel::new(TICK, 4);
    wheel.arm(token(0), (TICK * 9).into());
    for tick in 0..9 {
        assert_eq!(expire(&mut wheel, TICK * tick), []);
    }
    assert_eq!(expire(&mut wheel, TICK * 9), [token(0)]);
}

#[test]
fn stale_token_does_not_disarm_its_successor() {
    let mut wheel = Wheel::new(TICK, 4);
    let old = Token { index: 1, generation: 1 };
    let new = Token { index: 1, generation: 2 };
    wheel.arm(old, TICK.into());
    wheel.arm(new, (TICK * 2).into());
    assert_eq!(wheel.len(), 1);
    assert!(!wheel.disarm(old));
    assert_eq!(wheel.due(old), None);
    assert_eq!(expire(&mut wheel, TICK * 2), [new]);
}

#[test]
fn end_of_time_is_a_time_like_others() {
    let mut wheel = Wheel::new(Duration::from_nanos(1), 64);
    wheel.arm(token(0), Instant::MAX);
    assert_eq!(expire(&mut wheel, Duration::from_secs(1 << 30)), []);
    assert_eq!(expire(&mut wheel, Instant::MAX), [token(0)]);
}

#[test]
fn waiting_for_the_bound_takes_a_few_looks_per_lap() {
    let mut wheel = Wheel::new(TICK, 8);
    wheel.arm(token(0), (TICK * 80).into());
    let mut looks = 0;
    while let Some(due) = wheel.next_due() {
        expire(&mut wheel, due);
        looks += 1;
    }
    assert!(looks <= 11, "{looks} looks in ten laps");
}

#[test]
fn behaves_like_a_map_through_jumps() {
    for seed in 0..400 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let slots = 1 << rng.u32(0..9);
        let mut wheel = Wheel::new(Duration::from_nanos(rng.u64(1..2000)), slots);
        let mut model: BTreeMap<Token, Instant> = BTreeMap::new();
        let mut now = Instant::ZERO;
        for _ in 0..300 {
            step(&mut rng, &mut wheel, &mut model, &mut now);
            let earliest = model.values().min().copied();
            assert_eq!(wheel.len(), model.len());
            assert_eq!(wheel.next_due().is_some(), earliest.is_some());
            assert!(wheel.next_due() <= earliest, "seed {seed}: the bound is too late");
        }
        settle(&mut wheel, now);
    }
}

fn step(
    rng: &mut fastrand::Rng,
    wheel: &mut Wheel,
    model: &mut BTreeMap<Token, Instant>,
    now: &mut Instant,
) {
    let token = Token { index: rng.u32(0..50), generation: rng.u32(0..3) };
    match rng.u32(0..10) {
        0..5 => {
            let from = now.as_nanos() / rng.u64(1..3);
            let due = Instant::from_nanos(from + rng.u64(0..200_000));
            model.retain(|other, _| other.index != token.index);
            model.insert(token, due);
            wheel.arm(token, due);
        }
        5 | 6 => assert_eq!(wheel.disarm(token), model.remove(&token).is_some()),
        7 => assert_eq!(wheel.due(token), model.get(&token).copied()),
        kind => {
            let jump = if kind == 8 { 3_000 } else { 1_000_000 };
            *now = *now + Duration::from_nanos(rng.u64(0..jump));
            let expired = expire(wheel, *now);
            for token in &expired {
                assert!(model.remove(token).is_some_and(|due| due <= *now), "fired early or twice");
            }
            assert!(model.values().all(|due| due > now), "something due was left");
            assert!(wheel.next_due().is_none_or(|due| due > *now), "a caller would spin");
        }
    }
}

/// Whoever follows the bounds empties the wheel.
fn settle(wheel: &mut Wheel, mut now: Instant) {
    while let Some(due) = wheel.next_due() {
        now = now.max(due);
        let expired = expire(wheel, now);
        assert!(!expired.is_empty() || wheel.next_due() > Some(now));
    }
    assert!(wheel.is_empty());
}
