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
        // A longer copy pays only for a longer payload.
        if raw_len <= SHORT_LEN {
            self.encode_before::<SHORT_LEN>(bytes, raw_len);
        } else {
            self.encode_before::<LAST_LEN>(bytes, raw_len);
        }
        encoded_len
    }

    /// Encodes from the end on, and what is left in the end from a copy: the pieces would become so
    /// short that their number costs more.
    fn encode_before<const LAST: usize>(self, bytes: &mut [u8], raw_len: usize) {
        let mut left = raw_len;
        while left > LAST {
            // Raw bytes from `start` on become text from `4/3 start` on. That is at or past their
            // own end, `left`, because `start` is at least three quarters of it: the two pieces
            // are disjoint, and all text yet to come lies before them.
            let start = left - whole_blocks(left / 4, left % 3);
            let (raw, text) = bytes.split_at_mut(start / 3 * 4);
            let codec = if left == raw_len { self.codec() } else { self.piece_codec() };
            let _ = codec.encode(&raw[start..left], text.as_out());
            left = start;
        }
        let mut last = [0; LAST];
        let last = &mut last[..left];
        last.copy_from_slice(&bytes[..left]);
        let codec = if left == raw_len { self.codec() } else { self.piece_codec() };
        let _ = codec.encode(last, bytes.as_out());
    }
}

/// The most bytes of up to `len`, at least 36, that leave whole groups of three before them when
/// `rest` do not, and of which the codec encodes all but twelve in whole blocks. It takes six bytes
/// one by one to begin with, then blocks of 24 as long as four bytes are left behind them.
const fn whole_blocks(len: usize, rest: usize) -> usize {
    (len - rest - 12) / 24 * 24 + 12 + rest
}

/// What is left of a longer payload is encoded from a copy of it. Whole blocks.
const LAST_LEN: usize = 1_548;
/// A payload of up to this length is encoded from a copy, and pays for no longer one.
const SHORT_LEN: usize = 780;
