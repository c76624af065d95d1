//! The search against a map of plain booleans.

use super::*;

/// The first start, `from` or later, of `count` free segments.
fn find_slowly(free: &[bool], from: usize, count: usize) -> Option<usize> {
    (from..free.len())
        .find(|&at| free.get(at..at + count).is_some_and(|run| run.iter().all(|f| *f)))
}

fn torn(segment_count: usize, leased: impl Fn(usize) -> bool) -> (Wheel, Vec<bool>) {
    let wheel = Wheel::new(segment_count);
    let mut free = vec![true; segment_count];
    for at in (0..segment_count).filter(|&at| leased(at)) {
        wheel.take_exact(at, 1).unwrap();
        free[at] = false;
    }
    (wheel, free)
}

#[test]
fn search_finds_what_a_slow_search_finds() {
    for seed in 0..if cfg!(miri) { 2 } else { 40 } {
        let mut random = fastrand::Rng::with_seed(seed);
        let segment_count = 1 << random.usize(0..=9);
        let dense = random.usize(2..60);
        let bits: Vec<bool> = (0..segment_count).map(|_| random.usize(0..dense) == 0).collect();
        let (wheel, free) = torn(segment_count, |at| bits[at]);
        for _ in 0..if cfg!(miri) { 10 } else { 200 } {
            let from = random.usize(0..=segment_count);
            let count = random.usize(1..=segment_count.min(150));
            assert_eq!(wheel.find(from, count), find_slowly(&free, from, count), "seed {seed}");
        }
    }
}

#[test]
fn run_at_hand_is_taken_with_a_single_look() {
    let wheel = Wheel::new(64);
    assert_eq!(wheel.take_at_hand(64).unwrap().first, 0);
    assert!(wheel.take_at_hand(1).is_none(), "the end of the ring");
    wheel.give(0, 64);
    assert!(wheel.take_at_hand(0).is_none() && wheel.take_at_hand(65).is_none());
}

#[test]
fn search_wraps_once_and_never_crosses_the_end() {
    let wheel = Wheel::new(128);
    let (front, _) = wheel.take(10).unwrap();
    let (rest, _) = wheel.take(114).unwrap();
    wheel.give(front.first, front.count);
    assert_eq!(rest.first, 10);
    // Four are free at the end and ten at the start, never fourteen.
    assert!(wheel.take(11).is_none());
    let (taken, passed) = wheel.take(10).unwrap();
    assert_eq!((taken.first, passed), (0, Passed::End));
}

#[test]
fn hand_follows_a_release_right_behind_it() {
    let wheel = Wheel::new(256);
    let held = wheel.take(1).unwrap().0;
    for _ in 0..3 {
        let (taken, passed) = wheel.take(100).unwrap();
        assert_eq!((taken.first, passed), (1, Passed::Nothing));
        wheel.give(taken.first, taken.count);
        assert_eq!(wheel.hand(), 1);
    }
    wheel.give(held.first, held.count);
    assert_eq!(wheel.hand(), 0);
}

#[test]
fn exact_run_is_taken_only_when_all_of_it_is_free() {
    let (wheel, _) = torn(128, |at| at == 70);
    assert!(wheel.take_exact(60, 11).is_none());
    assert!(wheel.take_exact(120, 9).is_none(), "past the end");
    assert!(wheel.take_exact(120, usize::MAX).is_none());
    assert_eq!(wheel.take_exact(60, 10).unwrap().count, 10);
    assert_eq!(wheel.leased(), 11);
}

#[test]
fn leased_segments_are_counted_across_words() {
    let (wheel, _) = torn(256, |at| (60..200).contains(&at));
    assert_eq!(wheel.leased_in(0, 256), 140);
    assert_eq!(wheel.leased_in(62, 4), 4);
    wheel.give(60, 140);
    assert_eq!((wheel.leased(), wheel.leased_in(0, 256)), (0, 0));
}
