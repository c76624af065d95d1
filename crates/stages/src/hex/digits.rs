//! The two cases of hexadecimal digits, and the stage that they make.

use hex_simd::{AsOut as _, AsciiCase};

use crate::grouped::{Code, Grouped};
use crate::{Direction, Flow, Growth, Stage, StageError, Window};

/// Hexadecimal digits. As a stage it decodes inbound and encodes outbound.
///
/// Inbound both cases are accepted, mixed too; outbound the one case named is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hex {
    upper: bool,
}

/// What is wrong with a text that is not hexadecimal.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The first byte at fault.
    pub at: usize,
    /// The rule that is broken, as the end of a sentence about that byte.
    pub cause: &'static str,
}

impl Hex {
    /// Writes `0` to `9` and `a` to `f`.
    pub const LOWER: Self = Self { upper: false };
    /// Writes `0` to `9` and `A` to `F`.
    pub const UPPER: Self = Self { upper: true };

    pub(super) const fn case(self) -> AsciiCase {
        if self.upper { AsciiCase::Upper } else { AsciiCase::Lower }
    }
}

impl Stage for Hex {
    fn name(&self) -> &'static str {
        "hex"
    }

    fn growth(&self, direction: Direction) -> Growth {
        match direction {
            Direction::Inbound => Growth::ratio(2, 1),
            Direction::Outbound => Growth::ratio(1, 2),
        }
    }

    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let len = Self::decode_in_place(window.payload_mut()).map_err(malformed)?;
        window.truncate(len);
        Ok(())
    }

    fn outbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let raw_len = window.len();
        window
            .grow_back(raw_len)
            .map_err(|source| StageError::NoRoom { stage: self.name(), source })?;
        self.encode_in_place(window.payload_mut(), raw_len);
        Ok(())
    }

    fn flow(&self, direction: Direction) -> Result<Flow, StageError> {
        Grouped::flow(match (direction, self.upper) {
            (Direction::Inbound, _) => &Decode as &dyn Code,
            (Direction::Outbound, false) => &Encode(Self::LOWER),
            (Direction::Outbound, true) => &Encode(Self::UPPER),
        })
    }
}

#[derive(Debug)]
struct Decode;

#[derive(Debug)]
struct Encode(Hex);

impl Code for Decode {
    fn stage(&self) -> &'static str {
        "hex"
    }

    fn group(&self) -> (usize, usize) {
        (2, 1)
    }

    fn code(
        &self,
        piece: &[u8],
        target: &mut [u8],
        offset: usize,
        _: bool,
    ) -> Result<usize, StageError> {
        match hex_simd::decode(piece, target.as_out()) {
            Ok(raw) => Ok(raw.len()),
            Err(_) => Err(malformed(Hex::find_fault(piece, offset))),
        }
    }
}

impl Code for Encode {
    fn stage(&self) -> &'static str {
        "hex"
    }

    fn group(&self) -> (usize, usize) {
        (1, 2)
    }

    fn code(
        &self,
        piece: &[u8],
        target: &mut [u8],
        _: usize,
        _: bool,
    ) -> Result<usize, StageError> {
        Ok(hex_simd::encode(piece, target.as_out(), self.0.case()).len())
    }
}

fn malformed(Fault { at, cause }: Fault) -> StageError {
    StageError::Malformed { stage: "hex", at: Some(at), cause }
}
