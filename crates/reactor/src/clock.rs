//! Instants of a worker's clock, in one word. Owns their arithmetic; reads no clock.

use std::ops::Add;
use std::time::Duration;

/// A point in time, counted in nanoseconds from the moment at which the driver was made.
///
/// Lengths of time stay [`Duration`]s. A point is compared, moved on and stored several times per
/// request, and a `Duration` takes two words, two comparisons and a carry for each of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// When the driver was made: no instant is earlier.
    pub const ZERO: Self = Self(0);
    /// Never: what is due then does not come up. As a time on the clock, 584 years from the start.
    pub const MAX: Self = Self(u64::MAX);

    /// The instant so many nanoseconds after the driver was made.
    #[inline]
    #[must_use]
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the driver was made.
    #[inline]
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time since the driver was made.
    #[inline]
    #[must_use]
    pub const fn as_duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// How long after `earlier` this is; zero when it is not.
    #[inline]
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Saturates: what lies past [`Instant::MAX`] is never.
impl Add<Duration> for Instant {
    type Output = Self;

    #[inline]
    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(time)))
    }
}

/// Takes `time` as counted from [`Instant::ZERO`], and saturates.
impl From<Duration> for Instant {
    #[inline]
    fn from(time: Duration) -> Self {
        Self(nanoseconds(time))
    }
}

/// Saturates after 584 years.
#[inline]
pub(crate) const fn nanoseconds(time: Duration) -> u64 {
    time.as_secs().saturating_mul(NANOSECONDS).saturating_add(time.subsec_nanos() as u64)
}

/// In a second.
const NANOSECONDS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addition_saturates_at_never() {
        let second = Duration::from_secs(1);
        assert_eq!(Instant::ZERO + second, Instant::from_nanos(NANOSECONDS));
        for instant in [Instant::ZERO, Instant::from_nanos(7), Instant::MAX] {
            assert_eq!(instant + Duration::MAX, Instant::MAX);
        }
        assert_eq!(Instant::MAX + second, Instant::MAX);
        assert_eq!(Instant::from_nanos(u64::MAX - 5) + Duration::from_nanos(9), Instant::MAX);
    }

    #[test]
    fn difference_saturates_at_zero() {
        let (early, late) = (Instant::from_nanos(3), Instant::from_nanos(2_000_000_004));
        assert_eq!(late.saturating_since(early), Duration::new(2, 1));
        assert_eq!(early.saturating_since(late), Duration::ZERO);
    }

    #[test]
    fn durations_come_back() {
        for time in [Duration::ZERO, Duration::new(7, 999_999_999), Duration::from_nanos(u64::MAX)]
        {
            assert_eq!(Instant::from(time).as_duration(), time);
        }
        assert_eq!(Instant::from(Duration::MAX), Instant::MAX);
    }
}
