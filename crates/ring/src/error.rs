//! The ways a ring says no.

use std::error::Error;
use std::{fmt, io};

/// Why a ring could not be built.
#[non_exhaustive]
#[derive(Debug)]
pub enum BuildError {
    /// The segment length is no power of two from 64 to 1 MiB.
    SegmentLen,
    /// The segment count is no power of two.
    SegmentCount,
    /// Segment length times segment count passes 2 GiB.
    TooLarge,
    /// The system refused the mapping.
    Map(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SegmentLen => "segment length is no power of two from 64 to 1048576",
            Self::SegmentCount => "segment count is no power of two",
            Self::TooLarge => "region is larger than 2 GiB",
            Self::Map(_) => "region could not be mapped",
        })
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Map(error) => Some(error),
            Self::SegmentLen | Self::SegmentCount | Self::TooLarge => None,
        }
    }
}

/// There is no run of that many free segments. Nothing has changed; a later attempt may succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    asked: usize,
    free: usize,
}

impl Full {
    pub(crate) const fn new(asked: usize, free: usize) -> Self {
        Self { asked, free }
    }

    /// Segments asked for.
    #[must_use]
    pub const fn asked(&self) -> usize {
        self.asked
    }

    /// Free segments of the ring, wherever they lie.
    #[must_use]
    pub const fn free(&self) -> usize {
        self.free
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, free } = self;
        write!(f, "no run of {asked} free segments, {free} are free in all")
    }
}

impl Error for Full {}

/// The headroom or tailroom of a lease is too short. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom {
    needed: usize,
    available: usize,
}

impl NoRoom {
    pub(crate) const fn new(needed: usize, available: usize) -> Self {
        Self { needed, available }
    }

    /// Bytes needed.
    #[must_use]
    pub const fn needed(&self) -> usize {
        self.needed
    }

    /// Bytes there were.
    #[must_use]
    pub const fn available(&self) -> usize {
        self.available
    }
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needed, available } = self;
        write!(f, "{needed} bytes needed, {available} available")
    }
}

impl Error for NoRoom {}
