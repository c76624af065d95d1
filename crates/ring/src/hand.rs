//! Which segments are free, and the hand that finds them.
//!
//! Owner's thread only. Knows segments and where they start, and nothing of their bytes.

use crate::run::offset;
use crate::seeded::{self, Bug};
use crate::sync::Cell;

/// The map of free segments and the hand over it.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// One bit a segment, set while it is free. A word of zeros follows the last segment, so that
    /// no search and no run can pass the end (R2).
    free: Box<[Cell<u64>]>,
    /// Where every search starts: no segment below is free. At most `segment_count`.
    hand: Cell<usize>,
    /// A count, and the segment below which no run of that many or more starts: where the search
    /// for such a run starts, so that it does not go through the same short holes each time.
    run_hand: Cell<(usize, usize)>,
    leased: Cell<usize>,
    /// How often a release has called the hand back.
    laps: Cell<u64>,
    segment_count: usize,
    segment_shift: u32,
}

/// Segments that were just handed out, as byte offsets. Whoever holds this is the only one who may
/// use them (R4).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Wheel {
    pub(crate) fn new(segment_count: usize, segment_shift: u32) -> Self {
        let words = segment_count.div_ceil(WORD) + 1;
        let wheel = Self {
            free: (0..words).map(|_| Cell::new(0)).collect(),
            hand: Cell::new(0),
            run_hand: Cell::new((1, 0)),
            leased: Cell::new(segment_count),
            laps: Cell::new(0),
            segment_count,
            segment_shift,
        };
        wheel.give(0, segment_count);
        if seeded::is(Bug::PastTheEnd) {
            wheel.set_free(segment_count / WORD, 1 << (segment_count % WORD));
        }
        wheel
    }

    pub(crate) fn leased(&self) -> usize {
        self.leased.get()
    }

    pub(crate) fn free_count(&self) -> usize {
        self.segment_count - self.leased.get()
    }

    pub(crate) fn hand(&self) -> usize {
        self.hand.get()
    }

    pub(crate) fn laps(&self) -> u64 {
        self.laps.get()
    }

    /// Takes the lowest `count` contiguous segments that are free, and tells whether others had to
    /// be passed.
    pub(crate) fn take(&self, count: usize) -> Option<(Taken, bool)> {
        let hand = self.hand.get();
        if let Some(taken) = self.take_at(hand, count) {
            self.hand.set(hand + count);
            return Some((taken, false));
        }
        if count > self.free_count() {
            return None;
        }
        let lowest = self.find(hand, 1)?;
        let first = if count == 1 { Some(lowest) } else { self.find_run(lowest, count) };
        // Passes what is leased, never a free segment, though it be too few for this run.
        self.hand.set(if first == Some(lowest) { lowest + count } else { lowest });
        Some((self.mark(first?, count), true))
    }

    /// The lowest run of several; `lowest` is the first free segment.
    fn find_run(&self, lowest: usize, count: usize) -> Option<usize> {
        let (passed_count, passed) = self.run_hand.get();
        let from = if count >= passed_count { lowest.max(passed) } else { lowest };
        let first = self.find(from, count);
        self.run_hand.set((count, first.map_or(self.segment_count, |first| first + count)));
        first
    }

    /// Takes the segments at `first` if they are free and lie in one word of the map, as most do:
    /// one look, no loop.
    fn take_at(&self, first: usize, count: usize) -> Option<Taken> {
        let mask = mask_in_word(first, count)?;
        let free = self.free.get(first / WORD)?;
        if !free.get() & mask != 0 {
            return None;
        }
        free.set(free.get() & !mask);
        self.leased.set(self.leased.get() + count);
        Some(self.taken(first, count))
    }

    /// Takes exactly these segments, if all are free.
    pub(crate) fn take_exact(&self, first: usize, count: usize) -> Option<Taken> {
        first.checked_add(count).filter(|&end| end <= self.segment_count)?;
        (self.free_len(first, count) == count).then(|| self.mark(first, count))
    }

    /// Takes up to `most` contiguous segments where at least `least` are free, from `from` onwards.
    pub(crate) fn take_some(&self, from: usize, least: usize, most: usize) -> Option<Taken> {
        let first = self.find(from, least)?;
        Some(self.mark(first, self.free_len(first, most)))
    }

    /// Gives a run back. The hand returns to it from above, so that the lowest segments, which were
    /// used last, are used next.
    pub(crate) fn give(&self, first: usize, count: usize) {
        match mask_in_word(first, count) {
            Some(mask) => self.set_free(first / WORD, mask),
            None => each_word(first, count, |word, bits| self.set_free(word, bits)),
        }
        self.leased.set(self.leased.get() - count);
        self.call_back(first);
    }

    /// Gives back the segments of one word, wherever in it they lie; returns how many.
    pub(crate) fn give_word(&self, word: usize, bits: u64) -> usize {
        self.set_free(word, bits);
        let count = bits.count_ones() as usize;
        self.leased.set(self.leased.get() - count);
        self.call_back(word * WORD + bits.trailing_zeros() as usize);
        count
    }

    fn call_back(&self, first: usize) {
        // A run that the release completed starts less than its length in front of it.
        let (count, passed) = self.run_hand.get();
        if first < passed + count {
            self.run_hand.set((count, passed.min((first + 1).saturating_sub(count))));
        }
        if first < self.hand.get() {
            self.hand.set(first);
            self.laps.set(self.laps.get().wrapping_add(1));
        }
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
        self.taken(first, count)
    }

    fn taken(&self, first: usize, count: usize) -> Taken {
        let at = |segment: usize| offset(segment << self.segment_shift);
        Taken { start: at(first), end: at(first + count) }
    }

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
fn mask_in_word(first: usize, count: usize) -> Option<u64> {
    let bit = first % WORD;
    let inside = count.wrapping_sub(1) < WORD - bit;
    inside.then(|| (u64::MAX >> ((WORD - count) % WORD)) << bit)
}

/// The bits of `here` where `count` set bits start, at most a word's worth, running on into `next`.
fn run_starts(here: u64, next: u64, count: usize) -> u64 {
    let mut starts = here;
    let mut len = 1;
    while len < count {
        // Each bit now stands for `len` set bits; two of them, `step` apart, for `len + step`.
        let step = len.min(count - len);
        starts &= starts >> step;
        len += step;
    }
    let here_len = here.leading_ones() as usize;
    if (1..count).contains(&here_len) && here_len + next.trailing_ones() as usize >= count {
        starts |= 1 << (WORD - here_len);
    }
    starts
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
