//! Decodes a payload in place, from its start to its end.

use base64_simd::AsOut as _;

use crate::base64::Base64;

/// What is wrong with a text that is not the Base64 of anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The first byte at fault, when it is one byte.
    pub at: Option<usize>,
    /// The rule that is broken, as the end of a sentence about that byte or about the text.
    pub cause: &'static str,
}

impl Base64 {
    /// Decodes the whole of `text` where it lies and returns the length of the result, which starts
    /// where the text started and is never longer.
    ///
    /// ```
    /// use waterwheel_stages::base64::Base64;
    ///
    /// let mut text = *b"d2F0ZXI=";
    /// let len = Base64::STANDARD.decode_in_place(&mut text).unwrap();
    /// assert_eq!(&text[..len], b"water");
    /// ```
    ///
    /// # Errors
    /// [`Fault`] with the first byte that breaks a rule. Bytes before it may have been decoded.
    pub fn decode_in_place(self, text: &mut [u8]) -> Result<usize, Fault> {
        self.check_len(text.len())?;
        // The first piece has no free bytes before it, so it is read from a copy: a piece at fault
        // has to be still whole, to be searched. A longer copy pays only for a longer text.
        if text.len() <= SHORT_LEN {
            self.decode_behind::<SHORT_LEN>(text)
        } else {
            self.decode_behind::<FIRST_LEN>(text)
        }
    }

    /// Decodes the first `FIRST` symbols from a copy, and all others into what was read before.
    fn decode_behind<const FIRST: usize>(self, text: &mut [u8]) -> Result<usize, Fault> {
        let mut first = [0; FIRST];
        let mut read = text.len().min(FIRST);
        let first = &mut first[..read];
        first.copy_from_slice(&text[..read]);
        let mut written = self.decode_piece(first, text, 0, read == text.len())?;
        while read < text.len() {
            // What was read and not written to again is free, and takes the bytes of four symbols
            // for every three of it. Source and target are disjoint.
            let piece_len = whole_blocks((read - written) / 3 * 4);
            let (free, unread) = text.split_at_mut(read);
            let piece = &unread[..piece_len.min(unread.len())];
            let last = piece.len() == unread.len();
            written += self.decode_piece(piece, &mut free[written..], read, last)?;
            read += piece.len();
        }
        Ok(written)
    }

    /// Decodes one piece, which starts at `offset` of the text, and returns the result's length.
    #[inline]
    pub(super) fn decode_piece(
        self,
        piece: &[u8],
        target: &mut [u8],
        offset: usize,
        last: bool,
    ) -> Result<usize, Fault> {
        let codec = if last { self.codec() } else { self.piece_codec() };
        match codec.decode(piece, target.as_out()) {
            Ok(raw) => Ok(raw.len()),
            Err(_) => Err(self.find_fault(piece, offset, last)),
        }
    }

    /// A length that no text can have has no one byte at fault.
    pub(super) const fn check_len(self, len: usize) -> Result<(), Fault> {
        if self.is_padded() && !len.is_multiple_of(4) {
            return Err(Fault { at: None, cause: "length is no multiple of 4" });
        }
        if len % 4 == 1 {
            return Err(Fault { at: Some(len - 1), cause: "is alone in the last group" });
        }
        Ok(())
    }

    /// Finds the first byte at fault in a piece that was refused.
    #[cold]
    fn find_fault(self, piece: &[u8], offset: usize, last: bool) -> Fault {
        let padding_len = if last && self.is_padded() {
            piece.iter().rev().take(2).take_while(|symbol| **symbol == b'=').count()
        } else {
            0
        };
        let symbols = &piece[..piece.len() - padding_len];
        let (at, cause) = match symbols.iter().position(|symbol| self.value(*symbol).is_none()) {
            Some(at) if symbols[at] != b'=' => (at, "is outside the alphabet"),
            Some(at) if self.is_padded() => (at, "is padding before the end"),
            Some(at) => (at, "is padding in a form without it"),
            // RFC 4648 §3.5: bits that belong to no byte must be zero, or one byte string would
            // have many texts.
            None => (symbols.len().saturating_sub(1), "has spare bits that are not zero"),
        };
        Fault { at: Some(offset + at), cause }
    }
}

impl Fault {
    /// The fault of a piece that starts at `offset` of the text.
    pub(super) fn moved(self, offset: usize) -> Self {
        Self { at: self.at.map(|at| at + offset), ..self }
    }
}

/// The most symbols below this number of which the codec decodes all but eight in whole blocks. It
/// takes blocks of 32 as long as six symbols are left behind them, and those one by one, which
/// costs as much as several blocks.
const fn whole_blocks(symbols: usize) -> usize {
    if symbols < 40 { symbols } else { (symbols - 8) / 32 * 32 + 8 }
}

/// Symbols in the first piece of a long text: the more, the fewer pieces follow, and the more is
/// copied. Whole blocks.
const FIRST_LEN: usize = 2_056;
/// A text of up to this length is one piece, and pays for no longer copy.
const SHORT_LEN: usize = 1_032;
