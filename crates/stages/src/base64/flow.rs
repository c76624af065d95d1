//! Base64 piece by piece, for bodies that are streamed.

use base64_simd::AsOut as _;

use crate::base64::Base64;
use crate::grouped::{Code, Grouped};
use crate::{Direction, Flow, StageError};

#[derive(Debug)]
struct Decode(Base64);

#[derive(Debug)]
struct Encode(Base64);

impl Base64 {
    pub(super) fn grouped(self, direction: Direction) -> Result<Flow, StageError> {
        // The four forms as constants, so that a flow borrows its code from nobody.
        macro_rules! code {
            ($code:ident) => {
                match (self.is_url_safe(), self.is_padded()) {
                    (false, true) => &$code(Self::STANDARD),
                    (false, false) => &$code(Self::STANDARD_NO_PAD),
                    (true, true) => &$code(Self::URL_SAFE),
                    (true, false) => &$code(Self::URL_SAFE_NO_PAD),
                }
            };
        }
        Grouped::flow(match direction {
            Direction::Inbound => code!(Decode) as &dyn Code,
            Direction::Outbound => code!(Encode),
        })
    }
}

impl Code for Decode {
    fn stage(&self) -> &'static str {
        "base64"
    }

    fn group(&self) -> (usize, usize) {
        (4, 3)
    }

    fn code(
        &self,
        piece: &[u8],
        target: &mut [u8],
        offset: usize,
        last: bool,
    ) -> Result<usize, StageError> {
        let decoded = self.0.check_len(piece.len());
        let decoded = decoded.map_err(|fault| fault.moved(offset));
        decoded.and_then(|()| self.0.decode_piece(piece, target, offset, last)).map_err(|fault| {
            StageError::Malformed { stage: self.stage(), at: fault.at, cause: fault.cause }
        })
    }
}

impl Code for Encode {
    fn stage(&self) -> &'static str {
        "base64"
    }

    fn group(&self) -> (usize, usize) {
        (3, 4)
    }

    fn code(
        &self,
        piece: &[u8],
        target: &mut [u8],
        _: usize,
        last: bool,
    ) -> Result<usize, StageError> {
        let codec = if last { self.0.codec() } else { self.0.piece_codec() };
        Ok(codec.encode(piece, target.as_out()).len())
    }
}
