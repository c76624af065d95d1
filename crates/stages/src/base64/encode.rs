//! Encodes a payload in place, from its end to its start.

use base64_simd::AsOut as _;

use crate::base64::Base64;

impl Base64 {
    /// Encodes the first `raw_len` bytes where they lie and returns the length of the text, which
    /// starts where they started. Bytes behind it keep their values.
    ///
    /// ```
    /// use waterwheel_stages::base64::Base64;
    ///
    /// let mut bytes = *b"water___";
    /// assert_eq!(Base64::STANDARD.encode_in_place(&mut bytes, 5), 8);
    /// assert_eq!(&bytes, b"d2F0ZXI=");
    /// ```
    ///
    /// # Panics
    /// When `bytes` is shorter than [`encoded_len`](Self::encoded_len) of `raw_len`.
    pub fn encode_in_place(self, bytes: &mut [u8], raw_len: usize) -> usize {
        let encoded_len = self.encoded_len(raw_len);
        assert!(encoded_len <= bytes.len(), "room for the whole text is the caller's to give");
        let mut left = raw_len;
        while left > SMALL_LEN {
            // Raw bytes from `start` on become text from `4/3 start` on. That is at or past their
            // own end, `left`, because `start` is at least three quarters of it: the two pieces
            // are disjoint, and all text yet to come lies before them.
            let start = (left - left / 4).next_multiple_of(3);
            let (raw, text) = bytes.split_at_mut(start / 3 * 4);
            let codec = if left == raw_len { self.codec() } else { self.piece_codec() };
            let _ = codec.encode(&raw[start..left], text.as_out());
            left = start;
        }
        let mut small = [0; SMALL_LEN];
        let small = &mut small[..left];
        small.copy_from_slice(&bytes[..left]);
        let codec = if left == raw_len { self.codec() } else { self.piece_codec() };
        let _ = codec.encode(small, bytes.as_out());
        encoded_len
    }
}

/// Payloads and rests of this length or less are read from a copy on the stack: below it the pieces
/// would become so short that their number costs more than the copy. A longer copy gains 4 % at
/// 3 KiB and loses 6 % at 256 B.
const SMALL_LEN: usize = 768;
