//! What a worker is short of, in one byte: memory or time. Knows neither how that is found nor what
//! follows from it.

/// What a worker is short of: of memory, by watermarks, and of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressure(u8);

/// How far a worker's loop is behind its requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Lag {
    /// No further than they were promised to wait.
    #[default]
    None,
    /// Expensive requests wait longer than they may, behind each other. Cheap ones do not.
    Expensive,
    /// All wait longer than they may.
    All,
}

impl Pressure {
    /// Short of nothing.
    pub const NONE: Self = Self(0);

    /// Of so many watermarks that memory has reached, and so much lag.
    #[inline]
    #[must_use]
    pub const fn new(memory: u8, lag: Lag) -> Self {
        Self((memory << LAG_BITS) | lag as u8)
    }

    /// Whether the worker is short of nothing.
    #[inline]
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// How many of the watermarks 70, 85, 95 and 98 % the worker's memory has reached, of the ring
    /// or of what is parked outside it: at the first let go of what is idle, at the second of what
    /// can end, at the third refuse what is new. At the fourth the worker accepts nobody.
    #[inline]
    #[must_use]
    pub const fn memory(self) -> u8 {
        self.0 >> LAG_BITS
    }

    /// Who waits longer than may be: refuse what is new of it.
    #[inline]
    #[must_use]
    pub const fn lag(self) -> Lag {
        match self.0 & ((1 << LAG_BITS) - 1) {
            0 => Lag::None,
            1 => Lag::Expensive,
            _ => Lag::All,
        }
    }
}

const LAG_BITS: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_lag_do_not_touch_each_other() {
        for memory in 0..=4 {
            for lag in [Lag::None, Lag::Expensive, Lag::All] {
                let pressure = Pressure::new(memory, lag);
                assert_eq!((pressure.memory(), pressure.lag()), (memory, lag));
                assert_eq!(pressure.is_none(), memory == 0 && lag == Lag::None);
            }
        }
        assert_eq!(Pressure::NONE, Pressure::default());
    }
}
