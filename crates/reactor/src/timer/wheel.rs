//! A hashed timer wheel, keyed by slab index. Owns when each token is due; reads no clock.

use std::fmt;
use std::time::Duration;

use crate::clock::nanoseconds;
use crate::{Instant, Token};

/// When each token is due: at most one time per slab index.
///
/// ```text
///  tick   cursor                                 slots: a power of two
///   ┌───┬───┬───┬───┬───┬───┬───┬───┐           an entry lives in slot (due / tick) mod slots,
///   │   │ ▼ │ ● │   │   │ ● │   │   │           whatever lap it is due in; the lists run through
///   └───┴───┴───┴───┴───┴───┴───┴───┘           one vector that is indexed by slab index
///             ╰─7─╴3           ╰─1
/// ```
///
/// [`arm`](Self::arm) and [`disarm`](Self::disarm) cost the same however many entries there are,
/// and allocate only when a slab index is seen for the first time. Ticks are how entries are filed,
/// not when they fire: an entry fires in the first [`expire`](Self::expire) at or after its time,
/// never before.
///
/// A connection that pushes its deadline back with every request should leave the wheel alone: let
/// the entry expire, look at the real deadline then, and arm again.
#[derive(Clone)]
pub struct Wheel {
    tick: u64,
    /// The first entry of each slot's list, or [`NONE`].
    heads: Vec<u32>,
    /// One bit per slot, set where the list is not empty.
    occupied: Vec<u64>,
    /// By slab index.
    entries: Vec<Entry>,
    /// Ticks before this one hold no entry. It never goes back.
    cursor: u64,
    /// No entry is due earlier. `u64::MAX` when nothing is armed.
    bound: u64,
    len: usize,
}

impl Wheel {
    /// Makes an empty wheel of `slots` slots of one `tick` each.
    ///
    /// A lap is best as long as the usual timeout: entries of later laps are looked at once per
    /// lap.
    ///
    /// # Panics
    /// When `tick` is zero or `slots` is not a power of two below 2³².
    #[must_use]
    pub fn new(tick: Duration, slots: usize) -> Self {
        assert!(!tick.is_zero(), "a tick must last");
        assert!(slots.is_power_of_two() && slots < NONE as usize, "slots must be a power of two");
        Self {
            tick: nanoseconds(tick),
            heads: vec![NONE; slots],
            occupied: vec![0; slots.div_ceil(WORD_BITS)],
            entries: Vec::new(),
            cursor: 0,
            bound: u64::MAX,
            len: 0,
        }
    }

    /// How many tokens are armed.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no token is armed.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sets when `token` is due, in place of what was set for its slab index before.
    pub fn arm(&mut self, token: Token, due: Instant) {
        let index = token.index as usize;
        if index >= self.entries.len() {
            self.entries.resize(index + 1, Entry::DISARMED);
        }
        let due = due.as_nanos();
        let slot = self.slot_of(self.cursor.max(due / self.tick));
        let entry = &mut self.entries[index];
        entry.generation = token.generation;
        entry.due = due;
        if entry.slot != slot {
            if entry.slot == NONE {
                self.len += 1;
            } else {
                self.unlink(token.index);
            }
            self.link(token.index, slot);
        }
        self.bound = self.bound.min(due);
    }

    /// Forgets when `token` is due. `false` when it was not armed.
    pub fn disarm(&mut self, token: Token) -> bool {
        if self.armed(token).is_none() {
            return false;
        }
        self.take_out(token.index);
        if self.len == 0 {
            self.bound = u64::MAX;
        }
        true
    }

    /// When `token` is due; `None` when it is not armed.
    #[must_use]
    pub fn due(&self, token: Token) -> Option<Instant> {
        self.armed(token).map(|entry| Instant::from_nanos(entry.due))
    }

    /// Disarms every token that is due at `now` or earlier and appends it to `expired`, each once,
    /// ordered by tick and in no order within one.
    ///
    /// Costs a comparison when nothing can be due. However far the clock has jumped, every slot is
    /// passed once at most.
    #[inline]
    pub fn expire(&mut self, now: Instant, expired: &mut Vec<Token>) {
        let now = now.as_nanos();
        if now >= self.bound {
            self.sweep(now, expired);
        }
    }

    /// A time that no armed token is due before; `None` when nothing is armed.
    ///
    /// It may be earlier than what is due next, by less than a lap. Waiting until then and calling
    /// [`expire`](Self::expire) always gets on: it disarms something, or moves this bound past now.
    #[inline]
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        (self.len > 0).then(|| Instant::from_nanos(self.bound))
    }

    fn sweep(&mut self, now: u64, expired: &mut Vec<Token>) {
        let now_tick = (now / self.tick).max(self.cursor);
        let slot_steps = now_tick - self.cursor;
        let step_last = usize::try_from(slot_steps).unwrap_or(usize::MAX).min(self.slot_mask());
        let mut step = 0;
        // Stepping from one occupied slot to the next. In the last slot passed, the tick of `now`,
        // what is due later in the same tick tells the bound exactly.
        let mut bound = u64::MAX;
        while step <= step_last {
            let from = self.slot_of(self.cursor.wrapping_add(step as u64));
            let Some(skipped) = self.next_occupied(from) else { break };
            step += skipped;
            if step > step_last {
                break;
            }
            let slot = self.slot_of(self.cursor.wrapping_add(step as u64));
            bound = bound.min(self.sweep_slot(slot, now, now_tick, expired));
            step += 1;
        }
        self.cursor = now_tick;
        let following = now_tick.saturating_add(1);
        if let Some(skipped) = self.next_occupied(self.slot_of(following)) {
            bound = bound.min(following.saturating_add(skipped as u64).saturating_mul(self.tick));
        }
        self.bound = bound;
        debug_assert!(self.len == 0 || bound > now || bound == u64::MAX, "the bound must move on");
    }

    /// Takes out what is due, and returns the earliest time of what stays for the tick `now_tick`.
    fn sweep_slot(&mut self, slot: u32, now: u64, now_tick: u64, expired: &mut Vec<Token>) -> u64 {
        let mut earliest = u64::MAX;
        let mut index = self.heads[slot as usize];
        while index != NONE {
            let entry = self.entries[index as usize];
            if entry.due <= now {
                self.take_out(index);
                expired.push(Token { index, generation: entry.generation });
            } else if entry.due / self.tick == now_tick {
                earliest = earliest.min(entry.due);
            }
            index = entry.next;
        }
        earliest
    }

    /// How many slots after `from`, itself included, the next one with entries is.
    fn next_occupied(&self, from: u32) -> Option<usize> {
        let from = from as usize;
        let first_word = from / WORD_BITS;
        let word_mask = self.occupied.len() - 1;
        let from_bits = u64::MAX << (from % WORD_BITS);
        // The first word comes twice: its upper bits at the start, its lower ones at the end.
        for word_step in 0..=self.occupied.len() {
            let word_index = (first_word + word_step) & word_mask;
            let mut word = self.occupied[word_index];
            if word_step == 0 {
                word &= from_bits;
            }
            if word != 0 {
                let slot = word_index * WORD_BITS + word.trailing_zeros() as usize;
                return Some(slot.wrapping_sub(from) & self.slot_mask());
            }
        }
        None
    }

    fn armed(&self, token: Token) -> Option<&Entry> {
        self.entries
            .get(token.index as usize)
            .filter(|entry| entry.slot != NONE && entry.generation == token.generation)
    }

    fn take_out(&mut self, index: u32) {
        self.unlink(index);
        self.entries[index as usize].slot = NONE;
        self.len -= 1;
    }

    fn link(&mut self, index: u32, slot: u32) {
        let head = std::mem::replace(&mut self.heads[slot as usize], index);
        if head == NONE {
            self.occupied[slot as usize / WORD_BITS] |= 1 << (slot as usize % WORD_BITS);
        } else {
            self.entries[head as usize].previous = index;
        }
        let entry = &mut self.entries[index as usize];
        entry.slot = slot;
        entry.previous = NONE;
        entry.next = head;
    }

    fn unlink(&mut self, index: u32) {
        let Entry { slot, previous, next, .. } = self.entries[index as usize];
        if next != NONE {
            self.entries[next as usize].previous = previous;
        }
        if previous != NONE {
            self.entries[previous as usize].next = next;
            return;
        }
        self.heads[slot as usize] = next;
        if next == NONE {
            self.occupied[slot as usize / WORD_BITS] &= !(1 << (slot as usize % WORD_BITS));
        }
    }

    const fn slot_mask(&self) -> usize {
        self.heads.len() - 1
    }

    #[expect(clippy::cast_possible_truncation, reason = "the mask is below 2^32")]
    const fn slot_of(&self, tick: u64) -> u32 {
        (tick & self.slot_mask() as u64) as u32
    }
}

impl fmt::Debug for Wheel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Wheel")
            .field("tick", &Duration::from_nanos(self.tick))
            .field("slots", &self.heads.len())
            .field("len", &self.len)
            .field("next_due", &self.next_due())
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
struct Entry {
    due: u64,
    generation: u32,
    /// The list that it is in, or [`NONE`] when not armed.
    slot: u32,
    previous: u32,
    next: u32,
}

impl Entry {
    const DISARMED: Self = Self { due: 0, generation: 0, slot: NONE, previous: NONE, next: NONE };
}

/// No entry, no slot.
const NONE: u32 = u32::MAX;

const WORD_BITS: usize = u64::BITS as usize;

#[cfg(test)]
#[path = "wheel_tests.rs"]
mod tests;
