//! Where a worker keeps what its tokens stand for. Owns slots and their generations; refuses to
//! know what is stored.

use std::fmt;
use std::iter::Enumerate;
use std::slice;

use crate::Token;

/// Values under [`Token`]s that go stale when their value is removed.
///
/// Free slots are reused last in, first out, so that a busy worker stays in few cache lines. Once
/// grown to its widest, nothing here allocates. Memory is never given back: a slot costs its value
/// and a generation.
pub struct Slab<T> {
    slots: Vec<Slot<T>>,
    /// The slot that was freed last, or [`END`]; further ones follow by [`Content::Free`].
    free_head: u32,
    /// Values stored, the lent ones among them.
    len: usize,
    /// Values that are out on loan.
    lent: usize,
    len_max: usize,
}

impl<T> Slab<T> {
    /// The most entries any slab can be made for: an index must fit a [`Token`].
    pub const LEN_MAX: usize = u32::MAX as usize;

    /// Makes an empty slab for at most `len_max` values at a time. Allocates nothing yet.
    ///
    /// # Panics
    /// When `len_max` is above [`LEN_MAX`](Self::LEN_MAX).
    #[must_use]
    pub const fn new(len_max: usize) -> Self {
        assert!(len_max <= Self::LEN_MAX, "a slab index must fit 32 bits");
        Self { slots: Vec::new(), free_head: END, len: 0, lent: 0, len_max }
    }

    /// Makes an empty slab whose first `capacity` values need no further allocation.
    ///
    /// # Panics
    /// When `len_max` is above [`LEN_MAX`](Self::LEN_MAX).
    #[must_use]
    pub fn with_capacity(capacity: usize, len_max: usize) -> Self {
        let mut slab = Self::new(len_max);
        slab.slots.reserve_exact(capacity.min(len_max));
        slab
    }

    /// How many values are stored, those that are lent included.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no value is stored.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the limit given to [`new`](Self::new) is reached.
    #[inline]
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len >= self.len_max
    }

    /// How many values fit before the slab allocates again.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    /// The limit given to [`new`](Self::new).
    #[must_use]
    pub const fn len_max(&self) -> usize {
        self.len_max
    }

    /// The token that the next insertion will give out; `None` when the slab is full.
    #[inline]
    #[must_use]
    pub fn vacant_token(&self) -> Option<Token> {
        if self.is_full() {
            return None;
        }
        let index = if self.free_head == END { self.next_index() } else { self.free_head };
        let generation = self.slots.get(index as usize).map_or(0, |slot| slot.generation);
        Some(Token { index, generation })
    }

    /// Stores `value`.
    ///
    /// # Panics
    /// When the slab is full. Where load decides, ask [`is_full`](Self::is_full) first, or use
    /// [`insert_with`](Self::insert_with).
    #[inline]
    pub fn insert(&mut self, value: T) -> Token {
        self.insert_with(|_| value).expect("the caller keeps the slab below its limit")
    }

    /// Stores what `make` returns for the token that it will have. `None`, and `make` is not
    /// called, when the slab is full.
    #[inline]
    pub fn insert_with(&mut self, make: impl FnOnce(Token) -> T) -> Option<Token> {
        let token = self.vacant_token()?;
        let content = Content::Live(make(token));
        match self.slots.get_mut(token.index as usize) {
            Some(slot) => {
                let Content::Free { next } = slot.content else {
                    unreachable!("the free list holds free slots only")
                };
                self.free_head = next;
                slot.content = content;
            }
            None => self.slots.push(Slot { generation: token.generation, content }),
        }
        self.len += 1;
        Some(token)
    }

    /// The value under `token`; `None` when that one is gone.
    #[inline]
    #[must_use]
    pub fn get(&self, token: Token) -> Option<&T> {
        match self.slots.get(token.index as usize) {
            Some(Slot { generation, content: Content::Live(value) })
                if *generation == token.generation =>
            {
                Some(value)
            }
            _ => None,
        }
    }

    /// The value under `token`, to change it; `None` when that one is gone.
    #[inline]
    #[must_use]
    pub fn get_mut(&mut self, token: Token) -> Option<&mut T> {
        match self.slots.get_mut(token.index as usize) {
            Some(Slot { generation, content: Content::Live(value) })
                if *generation == token.generation =>
            {
                Some(value)
            }
            _ => None,
        }
    }

    /// Where the value under `token` is kept, if it is still here; `None` for an index that was
    /// never given out. The slot's memory is not looked at: this is what to ask a processor to
    /// fetch while there is other work.
    #[inline]
    #[must_use]
    pub fn slot(&self, token: Token) -> Option<&Slot<T>> {
        self.slots.get(token.index as usize)
    }

    /// Whether the value under `token` is still here.
    #[inline]
    #[must_use]
    pub fn contains(&self, token: Token) -> bool {
        self.get(token).is_some()
    }

    /// Takes the value out and makes every copy of `token` stale. `None` when it was stale already.
    ///
    /// The slot's generation goes up by one and wraps past [`Token::RESERVED`] to 0.
    #[inline]
    pub fn remove(&mut self, token: Token) -> Option<T> {
        let slot = self.slots.get_mut(token.index as usize)?;
        if slot.generation != token.generation || !matches!(slot.content, Content::Live(_)) {
            return None;
        }
        slot.generation = next_generation(slot.generation);
        let content = std::mem::replace(&mut slot.content, Content::Free { next: self.free_head });
        self.free_head = token.index;
        self.len -= 1;
        match content {
            Content::Live(value) => Some(value),
            Content::Lent | Content::Free { .. } => None,
        }
    }

    /// Takes the value out for a while: its token stays good for [`give_back`](Self::give_back),
    /// and nothing is found under it until then. `None` when it is gone or lent already.
    #[must_use]
    pub fn lend(&mut self, token: Token) -> Option<T> {
        let slot = self.slots.get_mut(token.index as usize)?;
        if slot.generation != token.generation || !matches!(slot.content, Content::Live(_)) {
            return None;
        }
        self.lent += 1;
        match std::mem::replace(&mut slot.content, Content::Lent) {
            Content::Live(value) => Some(value),
            Content::Lent | Content::Free { .. } => None,
        }
    }

    /// Puts a value back under the token under which it was lent.
    ///
    /// # Panics
    /// When nothing is lent under `token`.
    pub fn give_back(&mut self, token: Token, value: T) {
        let slot = self.slots.get_mut(token.index as usize);
        let slot = slot.filter(|slot| slot.generation == token.generation);
        match slot.map(|slot| &mut slot.content) {
            Some(content @ Content::Lent) => *content = Content::Live(value),
            _ => panic!("nothing is lent under {token:?}"),
        }
        self.lent -= 1;
    }

    /// Every value with its token, by rising index; lent ones are left out.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { slots: self.slots.iter().enumerate(), left: self.len - self.lent }
    }

    /// Every live token, by rising index.
    pub fn tokens(&self) -> impl Iterator<Item = Token> + '_ {
        self.iter().map(|(token, _)| token)
    }

    fn next_index(&self) -> u32 {
        u32::try_from(self.slots.len()).expect("no more slots than len_max, which fits 32 bits")
    }
}

impl<T: fmt::Debug> fmt::Debug for Slab<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self).finish()
    }
}

impl<'slab, T> IntoIterator for &'slab Slab<T> {
    type Item = (Token, &'slab T);
    type IntoIter = Iter<'slab, T>;

    fn into_iter(self) -> Iter<'slab, T> {
        self.iter()
    }
}

/// The values of a [`Slab`] with their tokens; from [`Slab::iter`].
pub struct Iter<'slab, T> {
    slots: Enumerate<slice::Iter<'slab, Slot<T>>>,
    left: usize,
}

impl<'slab, T> Iterator for Iter<'slab, T> {
    type Item = (Token, &'slab T);

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        for (index, slot) in self.slots.by_ref() {
            if let Content::Live(value) = &slot.content {
                self.left -= 1;
                let index = u32::try_from(index).expect("a slot index fits 32 bits");
                return Some((Token { index, generation: slot.generation }, value));
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Iter").field("left", &self.left).finish_non_exhaustive()
    }
}

/// Where a [`Slab`] keeps a value and its generation; from [`Slab::slot`].
pub struct Slot<T> {
    /// Of the value that lives here, or of the next one that will.
    generation: u32,
    content: Content<T>,
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Slot").field("generation", &self.generation).finish_non_exhaustive()
    }
}

enum Content<T> {
    Live(T),
    /// Out on loan: the slot is taken, and empty.
    Lent,
    Free {
        next: u32,
    },
}

/// Ends the free list. No slot has this index: a slab has at most `u32::MAX` slots.
const END: u32 = u32::MAX;

const fn next_generation(generation: u32) -> u32 {
    let next = generation.wrapping_add(1);
    if next == Token::RESERVED { 0 } else { next }
}

#[cfg(test)]
#[path = "slab_tests.rs"]
mod tests;
