//! Digits over bytes and bytes over digits, in one buffer.

use hex_simd::AsOut as _;

use crate::hex::{Fault, Hex};

impl Hex {
    /// Decodes the whole of `text` where it lies and returns the length of the result, which starts
    /// where the text started and is half as long.
    ///
    /// ```
    /// use waterwheel_stages::hex::Hex;
    ///
    /// let mut text = *b"7761746572";
    /// let len = Hex::decode_in_place(&mut text).unwrap();
    /// assert_eq!(&text[..len], b"water");
    /// ```
    ///
    /// # Errors
    /// [`Fault`] with the first byte that is no digit, or the last when it is alone. Digits before
    /// it may have been decoded.
    pub fn decode_in_place(text: &mut [u8]) -> Result<usize, Fault> {
        let even_len = text.len() & !1;
        let mut read = even_len.min(FIRST_LEN);
        let first = &mut text[..read];
        if hex_simd::check(first).is_err() || hex_simd::decode_inplace(first).is_err() {
            return Err(Self::find_fault(first, 0));
        }
        while read < even_len {
            // Half of what was read is free again, and takes what as many digits hold: source and
            // target are disjoint, so a piece at fault is still whole and can be searched.
            let written = read / 2;
            let (free, unread) = text[..even_len].split_at_mut(read);
            let piece = &unread[..unread.len().min(read)];
            if hex_simd::decode(piece, free[written..].as_out()).is_err() {
                return Err(Self::find_fault(piece, read));
            }
            read += piece.len();
        }
        if even_len < text.len() {
            return Err(Self::find_fault(&text[even_len..], even_len));
        }
        Ok(even_len / 2)
    }

    /// Encodes the first `raw_len` bytes where they lie and returns the length of the text, which
    /// starts where they started. Bytes behind it keep their values.
    ///
    /// ```
    /// use waterwheel_stages::hex::Hex;
    ///
    /// let mut bytes = *b"water_____";
    /// assert_eq!(Hex::LOWER.encode_in_place(&mut bytes, 5), 10);
    /// assert_eq!(&bytes, b"7761746572");
    /// ```
    ///
    /// # Panics
    /// When `bytes` is shorter than twice `raw_len`.
    pub fn encode_in_place(self, bytes: &mut [u8], raw_len: usize) -> usize {
        assert!(raw_len <= bytes.len() / 2, "room for the whole text is the caller's to give");
        let mut left = raw_len;
        while left > SMALL_LEN {
            // Raw bytes from `start` on become text from `2 start` on, which is at or past their
            // own end, `left`: the two pieces are disjoint, and all text yet to come lies before.
            let start = left.div_ceil(2);
            let (raw, text) = bytes.split_at_mut(2 * start);
            let _ = hex_simd::encode(&raw[start..left], text.as_out(), self.case());
            left = start;
        }
        let mut small = [0; SMALL_LEN];
        let small = &mut small[..left];
        small.copy_from_slice(&bytes[..left]);
        let _ = hex_simd::encode(small, bytes.as_out(), self.case());
        2 * raw_len
    }

    /// Finds the first byte at fault in a piece that was refused.
    #[cold]
    pub(super) fn find_fault(piece: &[u8], offset: usize) -> Fault {
        match piece.iter().position(|digit| !digit.is_ascii_hexdigit()) {
            Some(at) => Fault { at: offset + at, cause: "is no hexadecimal digit" },
            None => {
                let at = offset + piece.len().saturating_sub(1);
                Fault { at, cause: "is alone in the last pair" }
            }
        }
    }
}

/// Digits in the first piece, which are read twice: the more, the fewer pieces follow.
const FIRST_LEN: usize = 512;

/// Payloads and rests of this length or less are read from a copy on the stack.
const SMALL_LEN: usize = 512;
