//! The name of a slab entry that stays wrong for ever once the entry is gone. Owns the packing into
//! the one word that the kernel carries for us; knows no slab.

/// A slab index and the generation of what lived there when the token was made.
///
/// The kernel may report a socket after it was closed, when its slab slot already belongs to
/// another one. The generation tells the two apart: a slot must be reused 2³² − 1 times between the
/// event and its delivery before a stale token is taken for a live one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    /// Which slot.
    pub index: u32,
    /// Which of the slot's successive owners. [`Token::RESERVED`] never names one.
    pub generation: u32,
}

impl Token {
    /// The generation that no [`Slab`](crate::Slab) hands out: drivers mark with it what is theirs,
    /// such as listeners.
    pub const RESERVED: u32 = u32::MAX;

    /// Packs the token into one word, generation above index.
    #[inline]
    #[must_use]
    pub const fn to_usize(self) -> usize {
        (self.generation as usize) << u32::BITS | self.index as usize
    }

    /// The inverse of [`to_usize`](Self::to_usize).
    #[inline]
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "each half of the word is 32 bits wide")]
    pub const fn from_usize(word: usize) -> Self {
        Self { index: word as u32, generation: (word >> u32::BITS) as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_loses_nothing() {
        for index in [0, 1, 77, u32::MAX - 1, u32::MAX] {
            for generation in [0, 1, 1 << 31, u32::MAX] {
                let token = Token { index, generation };
                assert_eq!(Token::from_usize(token.to_usize()), token);
            }
        }
    }
}
