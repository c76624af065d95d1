//! The stage: what it declares, what it finds in a body, and its two forms.

use crate::{
    Direction, Flow, Growth, Measure, Placement, Stage, StageError, Window,
    zstd::{compress, decompress, frame::Survey},
};

/// Zstandard. As a stage it decompresses inbound and compresses outbound.
///
/// Inbound it accepts one body of one or more frames, with or without content size and checksum,
/// and frames to be skipped between them. What a frame claims is held against the limit before any
/// room is reserved. Refused are windows of more than 8 MiB (RFC 9659), dictionaries, more than 256
/// frames, and anything behind the last frame.
///
/// Outbound it writes one frame, without a checksum: TCP and TLS have theirs. Compressing what a
/// peer can influence together with what it must not learn gives the secret away by the length;
/// leave such routes uncompressed.
///
/// ```
/// use waterwheel_ring::{Config, Ring};
/// use waterwheel_stages::{Chain, zstd::Zstd};
///
/// let ring = Ring::new(&Config::default())?;
/// let mut lease = ring.reserve(1)?;
/// lease.append(&[b'w'; 4000])?;
///
/// let chain = Chain::new().then(Zstd::new(1 << 20));
/// chain.outbound(&mut lease)?;
/// assert!(lease.len() < 50);
/// chain.inbound(&mut lease)?;
/// assert_eq!(lease.payload(), [b'w'; 4000]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zstd {
    content_len_max: usize,
    level: i32,
}

impl Zstd {
    /// Refuses content of more than `content_len_max` bytes, and compresses at level 1.
    #[must_use]
    pub const fn new(content_len_max: usize) -> Self {
        Self { content_len_max, level: 1 }
    }

    /// Compresses at this level, cut to -7 ... 19: higher ones need larger windows than HTTP has.
    /// A context for 1 MiB takes 0.6 MB at level 1 and 11 MB at level 9.
    #[must_use]
    pub const fn level(self, level: i32) -> Self {
        let level = if level < LEVEL_MIN {
            LEVEL_MIN
        } else if level > LEVEL_MAX {
            LEVEL_MAX
        } else {
            level
        };
        Self { level, ..self }
    }

    fn survey(&self, payload: &[u8]) -> Result<Survey, StageError> {
        let survey = Survey::new(payload).map_err(|fault| StageError::Malformed {
            stage: NAME,
            at: Some(fault.at),
            cause: fault.cause,
        })?;
        if survey.is_claimed && survey.bound > self.content_len_max as u64 {
            return Err(too_long(self.content_len_max));
        }
        Ok(survey)
    }

    /// The longest result of these frames that is not refused.
    fn len_max(&self, survey: &Survey) -> usize {
        usize::try_from(survey.bound)
            .map_or(self.content_len_max, |bound| bound.min(self.content_len_max))
    }
}

impl Stage for Zstd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn growth(&self, direction: Direction) -> Growth {
        match direction {
            Direction::Inbound => Growth::Measured { limit: self.content_len_max },
            // As the library's bound: a byte for each 256, and up to 64 for small bodies.
            Direction::Outbound => Growth::ratio(256, 257).and_fixed(0, 64),
        }
    }

    fn placement(&self, _: Direction) -> Placement {
        Placement::Run
    }

    fn measure(&self, direction: Direction, payload: &[u8]) -> Result<Measure, StageError> {
        if direction == Direction::Outbound {
            let len_max = self.growth(direction).bound(payload.len());
            return Ok(Measure { expected_len: len_max, len_max, window_len: None });
        }
        let survey = self.survey(payload)?;
        let len_max = self.len_max(&survey);
        // Elsewhere the result lies beside the payload, in the window beside the margin, which is
        // 128 KiB for long bodies and about the whole content for short ones.
        let is_shorter = survey.margin < payload.len();
        let window_len = len_max.saturating_add(survey.margin).max(payload.len());
        let window_len = is_shorter.then_some(window_len);
        Ok(Measure { expected_len: len_max, len_max, window_len })
    }

    /// Decompresses over the payload itself, which moves to the end of the window first.
    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let survey = self.survey(window.payload())?;
        let (len, len_max) = (window.len(), self.len_max(&survey));
        let window_len = len_max.saturating_add(survey.margin).max(len);
        window
            .grow_back(window_len - len)
            .map_err(|source| StageError::NoRoom { stage: NAME, source })?;
        window.copy_within(0..len, window_len - len);
        let limit = self.content_len_max;
        let content_len = decompress::overlapping(window.payload_mut(), len, len_max, limit)?;
        window.truncate(content_len);
        Ok(())
    }

    fn flow(&self, direction: Direction) -> Result<Flow, StageError> {
        match direction {
            Direction::Inbound => decompress::flow(self.content_len_max),
            Direction::Outbound => compress::flow(self.level),
        }
    }
}

pub(super) const fn too_long(limit: usize) -> StageError {
    StageError::TooLong { stage: NAME, limit }
}

pub(super) const NAME: &str = "zstd";

/// Below this, speed gains little more and bodies hardly shrink.
const LEVEL_MIN: i32 = -7;
/// The highest level whose windows stay within 8 MiB.
const LEVEL_MAX: i32 = 19;
