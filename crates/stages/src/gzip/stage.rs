//! The two stages: what they declare, and what they guess of a body.

use crate::{
    Direction, Flow, Growth, Measure, Placement, Stage, StageError,
    gzip::{compress, decompress},
};

/// gzip. As a stage it decompresses inbound and compresses outbound.
///
/// Inbound it accepts one body of one or more members, at most 256, and checks their checksums;
/// anything behind the last member is refused. Outbound it writes one member without name and time.
/// What [`Zstd`](crate::zstd::Zstd) says of secrets holds here too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gzip {
    content_len_max: usize,
    level: u32,
}

/// The `deflate` coding: zlib, with its header and checksum. Bare deflate data, which some old
/// senders mean by that name, is refused. Otherwise as [`Gzip`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflate {
    content_len_max: usize,
    level: u32,
}

/// What is around the deflated data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapper {
    Gzip,
    Zlib,
}

impl Wrapper {
    pub(super) const fn stage(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "deflate",
        }
    }

    /// Guesses how long the content of a whole body is.
    fn expected_len(self, payload: &[u8]) -> usize {
        // A gzip member ends with the length of its content modulo 4 GiB (RFC 1952 §2.3.1). It is a
        // claim, and says nothing of members before the last.
        let claim = match (self, payload.last_chunk::<4>()) {
            (Self::Gzip, Some(bytes)) => u32::from_le_bytes(*bytes) as usize,
            _ => 0,
        };
        if claim > payload.len() / 2 && claim / RATIO_MAX <= payload.len() {
            claim
        } else {
            payload.len().saturating_mul(RATIO_USUAL)
        }
    }
}

macro_rules! stage {
    ($stage:ident, $wrapper:expr) => {
        impl $stage {
            /// Refuses content of more than `content_len_max` bytes, and compresses at level 1.
            #[must_use]
            pub const fn new(content_len_max: usize) -> Self {
                Self { content_len_max, level: 1 }
            }

            /// Compresses at this level, 0 to 9; higher ones are cut to 9.
            #[must_use]
            pub const fn level(self, level: u32) -> Self {
                Self { level: if level < LEVEL_MAX { level } else { LEVEL_MAX }, ..self }
            }
        }

        impl Stage for $stage {
            fn name(&self) -> &'static str {
                $wrapper.stage()
            }

            fn growth(&self, direction: Direction) -> Growth {
                match direction {
                    Direction::Inbound => Growth::Measured { limit: self.content_len_max },
                    // The fastest level spends up to nine bits on a byte, and the wrapper and the
                    // block around them stay below 32 bytes.
                    Direction::Outbound => Growth::ratio(8, 9).and_fixed(0, 32),
                }
            }

            fn placement(&self, _: Direction) -> Placement {
                Placement::Run
            }

            fn measure(&self, direction: Direction, payload: &[u8]) -> Result<Measure, StageError> {
                let len_max = self.growth(direction).bound(payload.len());
                let expected_len = match direction {
                    Direction::Inbound => $wrapper.expected_len(payload).min(len_max),
                    Direction::Outbound => len_max,
                };
                Ok(Measure { expected_len, len_max, window_len: None })
            }

            fn flow(&self, direction: Direction) -> Result<Flow, StageError> {
                match direction {
                    Direction::Inbound => decompress::flow($wrapper, self.content_len_max),
                    Direction::Outbound => compress::flow($wrapper, self.level),
                }
            }
        }
    };
}

stage!(Gzip, Wrapper::Gzip);
stage!(Deflate, Wrapper::Zlib);

/// Deflate makes at most 258 bytes of two bits, and needs some more for its tables.
const RATIO_MAX: usize = 1032;
/// What text often becomes.
const RATIO_USUAL: usize = 4;

const LEVEL_MAX: u32 = 9;
