//! The value of `Content-Length`.

/// The number that `digits` state: 1 to 19 decimal digits up to 2^63 - 1, and nothing else. No
/// sign, no white space, no list, no other base: what two parsers could read in two ways is not
/// read at all.
#[inline]
pub(crate) fn parse_content_length(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > DIGIT_COUNT_MAX {
        return None;
    }
    let mut value = 0u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // 19 digits stay below 10^19 < 2^64: this cannot wrap.
        value = value * 10 + u64::from(digit);
    }
    (value <= LENGTH_MAX).then_some(value)
}

/// 2^63 - 1 has 19 digits.
const DIGIT_COUNT_MAX: usize = 19;
/// The largest length that fits a signed 64-bit number as well, which peers may use.
const LENGTH_MAX: u64 = i64::MAX as u64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bounds_are_exact() {
        assert_eq!(parse_content_length(b"0"), Some(0));
        assert_eq!(parse_content_length(b"9223372036854775807"), Some(LENGTH_MAX));
        assert_eq!(parse_content_length(b"9223372036854775808"), None);
        assert_eq!(parse_content_length(b"00000000000000000005"), None);
    }

    proptest! {
        #[test]
        fn number_is_read_as_wider_arithmetic_reads_it(value: u128, shift in 0u32..128) {
            let text = (value >> shift).to_string();
            let expected = text.parse::<u128>().ok().and_then(|wide| u64::try_from(wide).ok());
            let expected = expected.filter(|&narrow| narrow <= LENGTH_MAX && text.len() <= 19);
            prop_assert_eq!(parse_content_length(text.as_bytes()), expected);
        }

        #[test]
        fn text_with_another_byte_is_refused(
            digits in "[0-9]{0,18}", byte in any::<u8>(), at in 0usize..19,
        ) {
            prop_assume!(!byte.is_ascii_digit());
            let mut text = digits.into_bytes();
            text.insert(at.min(text.len()), byte);
            prop_assert_eq!(parse_content_length(&text), None);
        }
    }
}
