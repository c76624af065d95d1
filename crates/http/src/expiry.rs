//! When a connection is too old for another request, in few bytes: every idle connection keeps one.

use std::time::Duration;

use crate::exchange::Instant;

/// An instant, about a second exact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expiry(u32);

impl Expiry {
    pub(crate) fn after(now: Instant, age_max: Duration) -> Self {
        Self(coarse(now + age_max))
    }

    #[inline]
    pub(crate) fn has_come(self, now: Instant) -> bool {
        coarse(now) >= self.0
    }
}

/// 2³⁰ ns are 1.07 s, and 32 bits of them last for 146 years.
#[inline]
fn coarse(instant: Instant) -> u32 {
    u32::try_from(instant.as_nanos() >> 30).unwrap_or(u32::MAX)
}
