//! How much a stage can lengthen a payload, said before it runs.

use std::fmt;

/// The most that a payload can grow in one stage, in one direction.
///
/// A growth is a promise: a stage that breaks it makes the plan wrong, and then requests fail for
/// want of room.
///
/// ```
/// use waterwheel_stages::Growth;
///
/// // Three bytes, or what is left of three at the end, become four.
/// let encode = Growth::ratio(3, 4);
/// assert_eq!(encode.bound(300), 400);
/// assert_eq!(encode.bound(301), 404);
///
/// // A record: five bytes before the payload, seventeen behind it.
/// let record = Growth::fixed(5, 17);
/// assert_eq!(record.bound(100), 122);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// The payload keeps its length or becomes shorter, by an amount that only the bytes tell.
    Shrinks,
    /// The payload has a longest length that follows from its length alone.
    Bounded(Bound),
    /// Only the bytes tell, and the result is refused when it is longer than the limit.
    Measured {
        /// The longest result, in bytes.
        limit: usize,
    },
}

/// What a stage tells of one payload after a look at it: asked before it runs, from run to run.
#[expect(clippy::exhaustive_structs, reason = "stages of other crates build it")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Bytes to reserve for the result at first. A claim of the peer's, already held against the
    /// limit; a result that is longer gets more room, up to `len_max`.
    pub expected_len: usize,
    /// The longest result.
    pub len_max: usize,
    /// Bytes from the start of the payload on with which the stage runs in the window as well;
    /// `None` when it cannot.
    pub window_len: Option<usize>,
}

/// The figures of [`Growth::Bounded`]: every `per` bytes begun become `becomes`, then `front` and
/// `back` bytes are put around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    per: usize,
    becomes: usize,
    front: usize,
    back: usize,
}

impl Growth {
    /// Every `per` bytes, and what is left of them at the end, become at most `becomes`.
    ///
    /// With `becomes` below `per` this promises by how much the payload shrinks at least, and the
    /// plan counts on it.
    ///
    /// # Panics
    /// When `per` is 0.
    #[must_use]
    pub const fn ratio(per: usize, becomes: usize) -> Self {
        assert!(per > 0, "a ratio needs at least one byte to begin with");
        Self::Bounded(Bound { per, becomes, front: 0, back: 0 })
    }

    /// The payload gets `front` bytes before it and `back` bytes behind it.
    #[must_use]
    pub const fn fixed(front: usize, back: usize) -> Self {
        Self::Bounded(Bound { per: 1, becomes: 1, front, back })
    }

    /// The same growth, and then `front` bytes before the payload and `back` bytes behind it. A
    /// measured growth just gets a higher limit: its result starts in a run of its own.
    #[must_use]
    pub const fn and_fixed(self, front: usize, back: usize) -> Self {
        let bound = match self {
            Self::Shrinks => Bound { per: 1, becomes: 1, front: 0, back: 0 },
            Self::Bounded(bound) => bound,
            Self::Measured { limit } => {
                let limit = limit.saturating_add(front).saturating_add(back);
                return Self::Measured { limit };
            }
        };
        Self::Bounded(Bound {
            front: bound.front.saturating_add(front),
            back: bound.back.saturating_add(back),
            ..bound
        })
    }

    /// The longest that a payload of `len` bytes can become; `usize::MAX` when that overflows.
    #[must_use]
    pub const fn bound(self, len: usize) -> usize {
        match self {
            Self::Shrinks => len,
            Self::Bounded(Bound { per, becomes, front, back }) => {
                len.div_ceil(per).saturating_mul(becomes).saturating_add(front).saturating_add(back)
            }
            Self::Measured { limit } => limit,
        }
    }

    /// Bytes that the stage can put before the payload.
    #[must_use]
    pub const fn front(self) -> usize {
        match self {
            Self::Shrinks | Self::Measured { .. } => 0,
            Self::Bounded(bound) => bound.front,
        }
    }

    /// Bytes that the stage can need behind a payload of `len` bytes.
    #[must_use]
    pub const fn back(self, len: usize) -> usize {
        self.bound(len).saturating_sub(self.front()).saturating_sub(len)
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bound { per, becomes, front, back } = match *self {
            Self::Shrinks => return formatter.pad("shrinks"),
            Self::Measured { limit } => {
                return formatter.pad(&format!("measured, {limit} at most"));
            }
            Self::Bounded(bound) => bound,
        };
        let mut text = String::new();
        if per != becomes {
            text.push_str(&format!("{per} become {becomes}"));
        }
        for (len, place) in [(front, "before"), (back, "behind")] {
            if len > 0 {
                let comma = if text.is_empty() { "" } else { ", " };
                text.push_str(&format!("{comma}{len} {place}"));
            }
        }
        formatter.pad(if text.is_empty() { "same length" } else { &text })
    }
}

#[cfg(test)]
mod tests {
    use super::Growth;

    #[test]
    fn padded_base64_bound_is_exact() {
        for len in 0..10_000_usize {
            assert_eq!(Growth::ratio(3, 4).bound(len), 4 * len.div_ceil(3));
        }
    }

    #[test]
    fn bounds_saturate() {
        assert_eq!(Growth::ratio(1, 2).bound(usize::MAX), usize::MAX);
        assert_eq!(Growth::fixed(usize::MAX, usize::MAX).bound(1), usize::MAX);
        assert_eq!(Growth::fixed(1, 0).and_fixed(usize::MAX, 0).front(), usize::MAX);
    }

    #[test]
    fn room_behind_is_what_the_front_leaves() {
        let growth = Growth::ratio(3, 4).and_fixed(5, 17);
        assert_eq!((growth.bound(3), growth.front(), growth.back(3)), (26, 5, 18));
        assert_eq!(Growth::ratio(4, 3).back(400), 0);
    }

    #[test]
    fn text_names_what_happens() {
        assert_eq!(Growth::Shrinks.to_string(), "shrinks");
        assert_eq!(Growth::ratio(3, 4).to_string(), "3 become 4");
        assert_eq!(Growth::fixed(5, 17).to_string(), "5 before, 17 behind");
        assert_eq!(Growth::fixed(0, 0).to_string(), "same length");
        assert_eq!(Growth::Measured { limit: 9 }.to_string(), "measured, 9 at most");
    }
}
