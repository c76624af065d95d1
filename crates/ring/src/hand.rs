//! Which segments are free, and the hand that finds them.
//!
//! Owner's thread only. Knows segment indices and nothing of bytes.

use crate::seeded::{self, Bug};
use crate::sync::Cell;

/// The map of free segments and the hand over it.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// One bit a segment, set while it is free. A word of zeros follows the last segment, so that
    /// no search and no run can pass the end (R2).
    free: Box<[Cell<u64>]>,
    /// Where the next search starts; at most `segment_count`.
    hand: Cell<usize>,
    leased: Cell<usize>,
    segment_count: usize,
}

/// Segments that the wheel has just handed out. Whoever holds this is the only one who may use them
/// (R4).
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) first: usize,
    pub(crate) count: usize,
}

/// What a search has passed before it succeeded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    Nothing,
    Leased,
    End,
}

impl Wheel {
    pub(crate) fn new(segment_count: usize) -> Self {
        let words = segment_count.div_ceil(WORD) + 1;
        let wheel = Self {
            free: (0..words).map(|_| Cell::new(0)).collect(),
            hand: Cell::new(0),
            leased: Cell::new(segment_count),
            segment_count,
        };
        wheel.give(0, segment_count);
        if seeded::is(Bug::PastTheEnd) {
            wheel.set_free(segment_count / WORD, 1 << (segment_count % WORD));
        }
        wheel
    }

    #[inline]
    pub(crate) fn leased(&self) -> usize {
        self.leased.get()
    }

    pub(crate) fn free_count(&self) -> usize {
        self.segment_count - self.leased.get()
    }

    pub(crate) fn hand(&self) -> usize {
        self.hand.get()
    }

    /// Takes the `count` segments at the hand if they are free and lie in one word of the map, as
    /// most do: one look, no loop.
    #[inline]
    pub(crate) fn take_at_hand(&self, count: usize) -> Option<Taken> {
        let first = self.hand.get();
        let mask = mask_in_word(first, count)?;
        let free = self.free.get(first / WORD)?;
        if !free.get() & mask != 0 {
            return None;
        }
        free.set(free.get() & !mask);
        self.leased.set(self.leased.get() + count);
        self.hand.set(first + count);
        Some(Taken { first, count })
    }

    /// Takes the first `count` free contiguous segments from the hand onwards, then from the start.
    pub(crate) fn take(&self, count: usize) -> Option<(Taken, Passed)> {
        if count > self.free_count() {
            return None;
        }
        let hand = self.hand.get();
        let (first, passed) = match self.find(hand, count) {
            Some(first) if first == hand => (first, Passed::Nothing),
            Some(first) => (first, Passed::Leased),
            None => (self.find(0, count)?, Passed::End),
        };
        self.hand.set(first + count);
        Some((self.mark(first, count), passed))
    }

    /// Takes exactly these segments, if all are free. The hand steps over them if it was there.
    pub(crate) fn take_exact(&self, first: usize, count: usize) -> Option<Taken> {
        let end = first.checked_add(count).filter(|&end| end <= self.segment_count)?;
        if self.free_len(first, count) < count {
            return None;
        }
        if (first..end).contains(&self.hand.get()) {
            self.hand.set(end);
        }
        Some(self.mark(first, count))
    }

    /// Takes up to `most` contiguous segments where at least `least` are free, from `from` onwards.
    pub(crate) fn take_some(&self, from: usize, least: usize, most: usize) -> Option<Taken> {
        let first = self.find(from, least)?;
        Some(self.mark(first, self.free_len(first, most)))
    }

    /// Gives a run back. The hand follows a run that ended right behind it, so that one lease at a
    /// time stays in the same warm segments; an empty ring starts over at segment 0.
    #[inline]
    pub(crate) fn give(&self, first: usize, count: usize) {
        match mask_in_word(first, count) {
            Some(mask) => self.set_free(first / WORD, mask),
            None => self.give_words(first, count),
        }
        let leased = self.leased.get() - count;
        self.leased.set(leased);
        if leased == 0 {
            self.hand.set(0);
        } else if self.hand.get() == first + count {
            self.hand.set(first);
        }
    }

    /// Gives back the segments of one word, wherever in it they lie; returns how many.
    pub(crate) fn give_word(&self, word: usize, bits: u64) -> usize {
        self.set_free(word, bits);
        let count = bits.count_ones() as usize;
        let leased = self.leased.get() - count;
        self.leased.set(leased);
        if leased == 0 {
            self.hand.set(0);
        }
        count
    }

    /// How many of these segments are leased.
    pub(crate) fn leased_in(&self, first: usize, count: usize) -> usize {
        let mut free = 0;
        each_word(first, count, |word, bits| {
            free += (self.free[word].get() & bits).count_ones() as usize;
        });
        count - free
    }

    fn mark(&self, first: usize, count: usize) -> Taken {
        each_word(first, count, |word, bits| {
            let free = &self.free[word];
            debug_assert_eq!(free.get() & bits, bits, "R4: only free segments are taken");
            free.set(free.get() & !bits);
        });
        self.leased.set(self.leased.get() + count);
        Taken { first, count }
    }

    #[inline(never)]
    fn give_words(&self, first: usize, count: usize) {
        each_word(first, count, |word, bits| self.set_free(word, bits));
    }

    #[inline]
    fn set_free(&self, word: usize, bits: u64) {
        let free = &self.free[word];
        debug_assert_eq!(free.get() & bits, 0, "R5: a segment is released once");
        free.set(free.get() | bits);
    }

    /// The first segment, `from` or later, where `count` free ones start.
    fn find(&self, from: usize, count: usize) -> Option<usize> {
        let mut at = from;
        loop {
            at = self.find_in_words(at, count.min(WORD))?;
            let len = self.free_len(at, count);
            if len == count {
                return Some(at);
            }
            // The whole run was too short, and `at` was its start.
            at += len;
        }
    }

    /// As `find`, for at most a word's worth, which lies in two neighbouring words: a handful of
    /// shifts a word, however torn the map is.
    fn find_in_words(&self, from: usize, count: usize) -> Option<usize> {
        let mut unwanted = !(u64::MAX << (from % WORD));
        for (word, pair) in self.free.windows(2).enumerate().skip(from / WORD) {
            let here = pair[0].get() & !unwanted;
            unwanted = 0;
            if here == 0 {
                continue;
            }
            let starts = run_starts(here, pair[1].get(), count);
            if starts != 0 {
                return Some(word * WORD + starts.trailing_zeros() as usize);
            }
        }
        None
    }

    /// How many segments are free from `from` onwards, at most `most`. The zeros after the last
    /// segment end the count.
    fn free_len(&self, from: usize, most: usize) -> usize {
        let mut len = 0;
        while len < most {
            let at = from + len;
            let ones = (self.free[at / WORD].get() >> (at % WORD)).trailing_ones() as usize;
            len += ones;
            if ones < WORD - at % WORD {
                break;
            }
        }
        len.min(most)
    }
}

/// The bits of `count` segments from `first` on, if there are any and they lie in one word.
#[inline]
fn mask_in_word(first: usize, count: usize) -> Option<u64> {
    let bit = first % WORD;
    let inside = count.wrapping_sub(1) < WORD - bit;
    inside.then(|| (u64::MAX >> ((WORD - count) % WORD)) << bit)
}

/// The bits of `here` where `count` set bits start, running on into `next`.
#[expect(clippy::cast_possible_truncation, reason = "starts in `next` are not wanted")]
fn run_starts(here: u64, next: u64, count: usize) -> u64 {
    let mut starts = u128::from(next) << WORD | u128::from(here);
    let mut len = 1;
    while len < count {
        // Each bit now stands for `len` set bits; two of them, `step` apart, for `len + step`.
        let step = len.min(count - len);
        starts &= starts >> step;
        len += step;
    }
    starts as u64
}

/// Calls `visit` with each word that the segments touch and their bits in it.
pub(crate) fn each_word(first: usize, count: usize, mut visit: impl FnMut(usize, u64)) {
    let (mut at, end) = (first, first + count);
    while at < end {
        let bit = at % WORD;
        let len = (WORD - bit).min(end - at);
        visit(at / WORD, (u64::MAX >> (WORD - len)) << bit);
        at += len;
    }
}

/// Segments in one word of the map.
pub(crate) const WORD: usize = u64::BITS as usize;

#[cfg(test)]
#[path = "hand_tests.rs"]
mod tests;
