//! Bugs put in on purpose, in builds with `cfg(waterwheel_seeded_bugs)`, to see that the checks
//! notice them: a check that was never seen to fail is no evidence. In every other build [`is`] is
//! `false`, and nothing of this is left.
//!
//! `cargo xtask seeded-bugs` runs the checks on each bug. It reads the bugs' names and meanings
//! here.

/// A bug, chosen by its name in the environment variable `WATERWHEEL_SEEDED_BUG`.
#[cfg_attr(
    not(waterwheel_seeded_bugs),
    expect(dead_code, reason = "some bugs need what only their own build has")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A released lease is not wiped.
    SkippedWipe,
    /// The wipe stops one byte short of the high-water mark.
    ShortWipe,
    /// The wipe starts at the payload instead of at the low mark.
    LowMarkIgnored,
    /// A fill is counted one byte longer than it was.
    LengthOffByOne,
    /// Growing shows what was there instead of zeros.
    GrownUnzeroed,
    /// An extension reaches one segment beyond those taken.
    ExtendedTooFar,
    /// A split does not count the segment that both parts touch.
    SplitUncounted,
    /// Two leases are joined over room between their payloads.
    JoinedApart,
    /// A search may end one segment past the end of the ring.
    PastTheEnd,
    /// A lease keeps its run after it has let it travel.
    StaleLease,
    /// A lease on another thread returns its segments first and wipes them afterwards.
    EarlyReturn,
    /// A lease on another thread returns its neighbour's segments.
    WrongReturn,
    /// A collection drops one of the segments in a word.
    LostReturn,
    /// A quarantined run is wiped only as far as it was counted.
    QuarantineUnwiped,
}

#[cfg(not(waterwheel_seeded_bugs))]
#[inline(always)]
pub(crate) const fn is(_bug: Bug) -> bool {
    false
}

/// Whether this bug is in.
#[cfg(waterwheel_seeded_bugs)]
pub(crate) fn is(bug: Bug) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| std::env::var("WATERWHEEL_SEEDED_BUG").ok());
    chosen.as_ref().is_some_and(|name| *name == format!("{bug:?}"))
}
