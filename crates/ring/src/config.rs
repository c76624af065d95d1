//! What a ring is built from, and the check that it can be.

use crate::error::BuildError;
use crate::wipe::Wipe;

/// What a [`Ring`](crate::Ring) is built from.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Config {
    /// Bytes of one segment: a power of two from 64 to 1 MiB. Default 4096, one page.
    pub segment_len: usize,
    /// Segments of the ring: a power of two, so that all together have no more than
    /// [`CAPACITY_MAX`] bytes. Default 4096, which makes 16 MiB.
    pub segment_count: usize,
    /// When bytes are zeroed. Default [`Wipe::OnRelease`].
    pub wipe: Wipe,
    /// Per cent of the segments leased at which [`Ring::level`](crate::Ring::level) rises by one. A
    /// watermark over 100 is never reached. Default 70, 85, 95, 98.
    pub watermarks: [u8; 4],
}

impl Config {
    /// The bytes of the ring that these figures describe, if there can be such a ring.
    ///
    /// # Errors
    /// [`BuildError`], for the first figure that is out of its bounds.
    pub fn capacity(&self) -> Result<usize, BuildError> {
        let len = self.segment_len;
        if !len.is_power_of_two() || !(SEGMENT_LEN_MIN..=SEGMENT_LEN_MAX).contains(&len) {
            return Err(BuildError::SegmentLen);
        }
        if !self.segment_count.is_power_of_two() {
            return Err(BuildError::SegmentCount);
        }
        len.checked_mul(self.segment_count)
            .filter(|&capacity| capacity <= CAPACITY_MAX)
            .ok_or(BuildError::TooLarge)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            segment_len: 4096,
            segment_count: 4096,
            wipe: Wipe::default(),
            watermarks: [70, 85, 95, 98],
        }
    }
}

/// One cache line on the machines we know; smaller segments would make neighbours share it.
const SEGMENT_LEN_MIN: usize = 64;

/// More than the largest TLS record and the largest zstd block together; larger runs are many
/// segments.
const SEGMENT_LEN_MAX: usize = 1 << 20;

/// Most bytes of a ring, 2 GiB: the largest power of two whose end still is a `u32` offset (R1).
pub const CAPACITY_MAX: usize = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;

    fn config(segment_len: usize, segment_count: usize) -> Config {
        Config { segment_len, segment_count, ..Config::default() }
    }

    #[test]
    fn default_is_sixteen_mebibytes_of_pages() {
        assert_eq!(Config::default().capacity().unwrap(), 16 << 20);
    }

    #[test]
    fn segment_len_outside_its_bounds_is_refused() {
        for len in [0, 32, 63, 65, 4095, 1 << 21] {
            assert!(matches!(config(len, 1).capacity(), Err(BuildError::SegmentLen)), "{len}");
        }
        for len in [64, 1 << 20] {
            assert_eq!(config(len, 2).capacity().unwrap(), 2 * len);
        }
    }

    #[test]
    fn segment_count_must_be_a_power_of_two() {
        for count in [0, 3, 100] {
            assert!(matches!(config(64, count).capacity(), Err(BuildError::SegmentCount)));
        }
    }

    #[test]
    fn region_past_its_largest_is_refused() {
        assert_eq!(config(1 << 20, 1 << 11).capacity().unwrap(), 1 << 31);
        assert!(matches!(config(1 << 20, 1 << 12).capacity(), Err(BuildError::TooLarge)));
        assert!(matches!(config(64, 1 << (usize::BITS - 1)).capacity(), Err(BuildError::TooLarge)));
    }
}
