//! Ascii85 for waterwheel: four bytes become five visible characters, and back.
//!
//! The digits are `!` to `u`; `z` alone stands for four bytes of zero. There are no marks around
//! the text and no white space in it. Encoded text never holds a `z`, so its length follows from
//! the payload's and it is written where the payload lies; decoding takes both forms.
//!
//! ```
//! use waterwheel_ring::{Config, Ring};
//! use waterwheel_stage_ascii85::Ascii85;
//! use waterwheel_stages::Chain;
//!
//! let mut lease = Ring::new(&Config::default())?.reserve(1)?;
//! lease.append(b"G@>T)EW")?;
//! let chain = Chain::new().then(Ascii85::new());
//! chain.inbound(&mut lease)?;
//! assert_eq!(lease.payload(), b"water");
//! chain.outbound(&mut lease)?;
//! assert_eq!(lease.payload(), b"G@>T)EW");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod group;
mod turning;

use waterwheel_stages::{Direction, Flow, Growth, Measure, Placement, Stage, StageError, Window};

use crate::group::{BYTES, DIGITS, Fault, ZEROS};
use crate::turning::{DECODE, ENCODE, Turning};

/// The stage: decodes inbound, encodes outbound.
#[derive(Clone, Copy, Debug)]
pub struct Ascii85 {
    limit: usize,
}

impl Ascii85 {
    /// The stage, with decoded bodies of at most 1 MiB.
    #[must_use]
    pub const fn new() -> Self {
        Self { limit: 1 << 20 }
    }

    /// The same stage with another limit for decoded bodies, in bytes. A text of nothing but `z`
    /// becomes four times as long, so the limit of received bodies does not cover them.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

impl Default for Ascii85 {
    fn default() -> Self {
        Self::new()
    }
}

impl Stage for Ascii85 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn growth(&self, direction: Direction) -> Growth {
        match direction {
            Direction::Inbound => Growth::Measured { limit: self.limit },
            Direction::Outbound => Growth::ratio(BYTES, DIGITS),
        }
    }

    fn placement(&self, direction: Direction) -> Placement {
        match direction {
            Direction::Inbound => Placement::Run,
            Direction::Outbound => Placement::Window,
        }
    }

    fn measure(&self, direction: Direction, payload: &[u8]) -> Result<Measure, StageError> {
        if direction == Direction::Outbound {
            let len = encoded_len(payload.len());
            return Ok(Measure { expected_len: len, len_max: len, window_len: None });
        }
        let (mut zeros, mut fits) = (0, true);
        for (at, _) in payload.iter().enumerate().filter(|(_, byte)| **byte == ZEROS) {
            // Each group before this one has freed a byte, each `z` has taken three.
            fits &= 3 * (zeros + 1) <= (at - zeros) / DIGITS;
            zeros += 1;
        }
        let digits = payload.len() - zeros;
        let len = zeros * BYTES + digits / DIGITS * BYTES + (digits % DIGITS).saturating_sub(1);
        if len > self.limit {
            return Err(StageError::TooLong { stage: NAME, limit: self.limit });
        }
        let window_len = fits.then_some(payload.len());
        Ok(Measure { expected_len: len, len_max: len, window_len })
    }

    /// From the front: what is written never reaches what is yet to be read.
    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let text = window.payload_mut();
        let (mut read, mut written) = (0, 0);
        while let Some(group) =
            group::decode(&text[read..], true).map_err(|fault| malformed(read, fault))?
        {
            read += group.read;
            let end = written + group.bytes().len();
            if end > read {
                return Err(StageError::Unsupported { stage: NAME });
            }
            text[written..end].copy_from_slice(group.bytes());
            written = end;
        }
        window.truncate(written);
        Ok(())
    }

    /// From the back: the last group goes where the text will end.
    fn outbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let raw_len = window.len();
        let no_room = |source| StageError::NoRoom { stage: NAME, source };
        window.grow_back(encoded_len(raw_len) - raw_len).map_err(no_room)?;
        let bytes = window.payload_mut();
        for index in (0..raw_len.div_ceil(BYTES)).rev() {
            let group = group::encode(&bytes[index * BYTES..raw_len]);
            bytes[index * DIGITS..][..group.bytes().len()].copy_from_slice(group.bytes());
        }
        Ok(())
    }

    fn flow(&self, direction: Direction) -> Result<Flow, StageError> {
        match direction {
            Direction::Inbound => Turning::flow(DECODE, self.limit),
            Direction::Outbound => Turning::flow(ENCODE, usize::MAX),
        }
    }
}

/// Characters that `raw_len` bytes become.
const fn encoded_len(raw_len: usize) -> usize {
    let rest_len = match raw_len % BYTES {
        0 => 0,
        rest => rest + 1,
    };
    raw_len / BYTES * DIGITS + rest_len
}

/// The error for a fault in the group that starts at `start`.
fn malformed(start: usize, fault: Fault) -> StageError {
    StageError::Malformed { stage: NAME, at: Some(start + fault.at), cause: fault.cause }
}

const NAME: &str = "ascii85";

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[derive(Debug)]
pub struct Readme;
