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
        let mut read = text.len().min(FIRST_LEN);
        let last = read == text.len();
        let mut written = self.decode_first(&mut text[..read], last)?;
        while read < text.len() {
            // What was read and not written to again is free, and takes the bytes of four symbols
            // for every three of it. Source and target are disjoint, so a piece at fault is still
            // whole and can be searched.
            let piece_len = (read - written) / 3 * 4;
            let (free, unread) = text.split_at_mut(read);
            let piece = &unread[..piece_len.min(unread.len())];
            let last = piece.len() == unread.len();
            written += self.decode_piece(piece, &mut free[written..], read, last)?;
            read += piece.len();
        }
        Ok(written)
    }

    /// Decodes the piece that has no free bytes before it: over itself, so that it has to be
    /// checked beforehand, while a fault can still be found in it.
    #[inline]
    fn decode_first(self, piece: &mut [u8], last: bool) -> Result<usize, Fault> {
        let codec = if last { self.codec() } else { self.piece_codec() };
        if codec.check(piece).is_err() {
            return Err(self.find_fault(piece, 0, last));
        }
        match codec.decode_inplace(piece) {
            Ok(raw) => Ok(raw.len()),
            Err(_) => Err(Fault { at: None, cause: "the text is not Base64" }),
        }
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

/// Symbols in the first piece. The more, the fewer pieces follow; the fewer, the less is read
/// twice. 512 measured best at 3 KiB and within the noise elsewhere.
const FIRST_LEN: usize = 512;
