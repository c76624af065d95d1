//! The search against a map of plain booleans.

use super::*;

/// The first start, `from` or later, of `count` free segments.
fn find_slowly(free: &[bool], from: usize, count: usize) -> Option<usize> {
    (from..free.len())
        .find(|&at| free.get(at..at + count).is_some_and(|run| run.iter().all(|f| *f)))
}

fn torn(segment_count: usize, leased: impl Fn(usize) -> bool) -> (Wheel, Vec<bool>) {
    let wheel = Wheel::new(segment_count, 6);
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

/// First and count of what was taken.
fn segments(taken: Option<Taken>) -> Option<(usize, usize)> {
    taken.map(|taken| {
        let (start, end) = (taken.start as usize, taken.end as usize);
        assert!(start % 64 == 0 && end % 64 == 0);
        (start / 64, (end - start) / 64)
    })
}

fn take(wheel: &Wheel, count: usize) -> Option<(usize, usize)> {
    segments(wheel.take(count).map(|(taken, _)| taken))
}

#[test]
fn run_at_hand_is_taken_without_a_search() {
    let wheel = Wheel::new(64, 6);
    for (first, count) in [(0, 1), (1, 63)] {
        let (taken, skipped) = wheel.take(count).unwrap();
        assert_eq!((segments(Some(taken)), skipped), (Some((first, count)), false));
    }
    assert_eq!((wheel.take(1), wheel.hand(), wheel.leased()), (None, 64, 64));
    wheel.give(0, 1);
    wheel.give(10, 10);
    let (taken, skipped) = wheel.take(10).unwrap();
    assert_eq!((segments(Some(taken)), skipped), (Some((10, 10)), true));
}

#[test]
fn lowest_run_is_taken_and_none_crosses_the_end() {
    let wheel = Wheel::new(128, 6);
    assert_eq!(take(&wheel, 10), Some((0, 10)));
    assert_eq!(take(&wheel, 114), Some((10, 114)));
    wheel.give(0, 10);
    // Four are free at the end and ten at the start, never fourteen.
    assert_eq!(take(&wheel, 11), None);
    assert_eq!(take(&wheel, 4), Some((0, 4)));
    assert_eq!(take(&wheel, 7), None);
    assert_eq!(take(&wheel, 6), Some((4, 6)));
    assert_eq!(take(&wheel, 4), Some((124, 4)));
}

#[test]
fn hand_returns_to_the_lowest_free_segment() {
    let wheel = Wheel::new(256, 6);
    assert_eq!(take(&wheel, 200), Some((0, 200)));
    wheel.give(30, 2);
    assert_eq!((wheel.hand(), wheel.laps()), (30, 1));
    assert_eq!(take(&wheel, 3), Some((200, 3)));
    assert_eq!(wheel.hand(), 30, "a hole too short stays in reach");
    wheel.give(20, 1);
    wheel.give(25, 1);
    assert_eq!((wheel.hand(), wheel.laps()), (20, 2));
    for lowest in [20, 25, 30] {
        assert_eq!(take(&wheel, 1), Some((lowest, 1)));
    }
    assert_eq!(wheel.give_word(1, 1 << 7 | 1 << 9), 2);
    assert_eq!((wheel.hand(), wheel.laps()), (31, 2));
    assert_eq!(wheel.give_word(0, 1 << 7 | 1 << 9), 2);
    assert_eq!((wheel.hand(), wheel.laps()), (7, 3));
}

#[test]
fn whatever_was_done_before_the_lowest_run_is_taken() {
    for seed in 0..if cfg!(miri) { 1 } else { 20 } {
        let mut random = fastrand::Rng::with_seed(seed);
        let wheel = Wheel::new(512, 6);
        let (mut free, mut held) = ([true; 512], Vec::new());
        for _ in 0..if cfg!(miri) { 100 } else { 5_000 } {
            let most = [3, 20, 150][random.usize(0..3)];
            let count = random.usize(1..most);
            if random.bool() || held.is_empty() {
                let expected = find_slowly(&free, 0, count).map(|first| (first, count));
                assert_eq!(take(&wheel, count), expected, "seed {seed}");
                held.extend(expected);
                if let Some((first, count)) = expected {
                    free[first..first + count].fill(false);
                }
            } else {
                let (first, count) = held.swap_remove(random.usize(0..held.len()));
                free[first..first + count].fill(true);
                if first / 64 == (first + count - 1) / 64 {
                    let bits = (u64::MAX >> (64 - count)) << (first % 64);
                    assert_eq!(wheel.give_word(first / 64, bits), count);
                } else {
                    wheel.give(first, count);
                }
            }
        }
    }
}

#[test]
fn no_segment_below_the_hand_is_free() {
    let mut random = fastrand::Rng::with_seed(3);
    let wheel = Wheel::new(256, 6);
    let mut held = Vec::new();
    for _ in 0..if cfg!(miri) { 200 } else { 20_000 } {
        let count = random.usize(1..20);
        match random.usize(0..5) {
            0 | 1 => held.extend(take(&wheel, count)),
            2 => held.extend(segments(wheel.take_exact(random.usize(0..240), count))),
            _ if held.is_empty() => {}
            _ => {
                let (first, count) = held.swap_remove(random.usize(0..held.len()));
                wheel.give(first, count);
            }
        }
        assert_eq!(wheel.leased_in(0, wheel.hand()), wheel.hand());
    }
}

#[test]
fn exact_run_is_taken_only_when_all_of_it_is_free() {
    let (wheel, _) = torn(128, |at| at == 70);
    assert!(wheel.take_exact(60, 11).is_none());
    assert!(wheel.take_exact(120, 9).is_none(), "past the end");
    assert!(wheel.take_exact(120, usize::MAX).is_none());
    assert_eq!(segments(wheel.take_exact(60, 10)), Some((60, 10)));
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
