//! Segments released on other threads, waiting for their owner.
//!
//! The one concurrent part of the ring. Many threads give, one collects.

use crate::hand::{WORD, each_word};
use crate::seeded::{self, Bug};
use crate::sync::{AtomicU64, Ordering, strength};

/// A bitmap of returned segments and a summary of which parts of it to look at.
#[derive(Debug)]
pub(crate) struct Returns {
    /// One bit a segment. Set by whoever releases it, cleared by the owner.
    segments: Box<[AtomicU64]>,
    /// One bit for each group of `1 << group_shift` words. Set after the segments of the group,
    /// cleared by the owner before it looks at them.
    groups: AtomicU64,
    group_shift: u32,
}

impl Returns {
    pub(crate) fn new(segment_count: usize) -> Self {
        let words = segment_count.div_ceil(WORD);
        Self {
            segments: (0..words).map(|_| AtomicU64::new(0)).collect(),
            groups: AtomicU64::new(0),
            group_shift: words.div_ceil(WORD).ilog2(),
        }
    }

    /// Gives `count` segments from `first` on back to the owner. The caller is done with them.
    pub(crate) fn give(&self, first: usize, count: usize) {
        if count == 0 {
            return;
        }
        let mut groups = 0;
        each_word(first, count, |word, bits| {
            // ORDERING: pairs with the swap in `collect`. The last reads and writes of the bytes,
            // the wipe included, must come before the owner can lease them again (R7).
            self.segments[word].fetch_or(bits, strength(1, Ordering::Release));
            groups |= 1 << (word >> self.group_shift);
        });
        // ORDERING: pairs with the swap of `groups` in `collect`. Whoever sees the group sees its
        // segments, or they would wait for another return (R8). A read-modify-write, so that the
        // returns of other threads stay in its release sequence.
        self.groups.fetch_or(groups, strength(3, Ordering::Release));
    }

    /// Whether anything waits; may miss what is being given right now.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        // ORDERING: a hint that orders nothing; `collect` does.
        self.groups.load(Ordering::Relaxed) != 0
    }

    /// Hands every word of waiting segments to `take`. Called by the owner alone.
    #[cold]
    pub(crate) fn collect(&self, mut take: impl FnMut(usize, u64)) {
        // ORDERING: pairs with the `fetch_or` on `groups` in `give` (R8). Cleared before the
        // segments are looked at: what is given later sets it again.
        let mut groups = self.groups.swap(0, strength(4, Ordering::Acquire));
        while groups != 0 {
            let group = groups.trailing_zeros() as usize;
            groups &= groups - 1;
            let first = group << self.group_shift;
            for word in first..first + (1 << self.group_shift) {
                let segments = &self.segments[word];
                // ORDERING: orders nothing; it spares untouched words a read-modify-write. What the
                // group announced is seen because of the acquire above (R8).
                if segments.load(Ordering::Relaxed) != 0 {
                    // ORDERING: pairs with the `fetch_or` on this word in `give` (R7).
                    let mut bits = segments.swap(0, strength(2, Ordering::Acquire));
                    if seeded::is(Bug::LostReturn) {
                        bits &= bits.wrapping_sub(1);
                    }
                    take(word, bits);
                }
            }
        }
    }
}
