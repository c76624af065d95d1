//! The authority of a request: a host and an optional port, without user information.

use std::net::Ipv6Addr;

use super::charset::{self, HEX, HOST};

/// Whether `text` is a host with an optional port (RFC 9110 §4.2.1, RFC 3986 §3.2.2). The host is a
/// registered name, an IPv4 address or a bracketed IPv6 address; it is not empty. `@` is not
/// allowed.
// Every request passes here: its registers are better spent in the parser than saved around it.
#[inline(always)]
pub(super) fn is_valid(text: &[u8]) -> bool {
    let plain_len = charset::host_run_len(text);
    match text.get(plain_len) {
        None => plain_len > 0,
        Some(b':') => plain_len > 0 && is_port(&text[plain_len + 1..]),
        Some(_) => is_valid_unusual(text),
    }
}

/// Whether the authority that [`is_valid`] accepted states a port, as CONNECT demands.
pub(super) fn has_port(text: &[u8]) -> bool {
    let host_end = text.iter().rposition(|&byte| byte == b']').map_or(0, |index| index + 1);
    text[host_end..].iter().position(|&byte| byte == b':').is_some_and(|at| {
        // RFC 9110 §9.3.6: there is no default port for a tunnel.
        host_end + at + 1 < text.len()
    })
}

/// Digits up to 65535, or nothing: RFC 3986 §3.2.3 allows the empty port.
#[inline]
fn is_port(digits: &[u8]) -> bool {
    match digits.split_first_chunk::<4>() {
        // Most ports have four digits or five. Text of five compares like the numbers it shows.
        Some((four, rest)) => {
            are_digits(*four)
                && match rest {
                    [] => true,
                    [fifth] => is_port_of_five(u32::from_be_bytes(*four), *fifth),
                    _ => false,
                }
        }
        None => digits.iter().all(u8::is_ascii_digit),
    }
}

#[inline]
fn is_port_of_five(four: u32, fifth: u8) -> bool {
    let (four_max, fifth_max) = PORT_MAX;
    fifth.is_ascii_digit() && (four < four_max || four == four_max && fifth <= fifth_max)
}

/// Whether all four bytes are digits, in a handful of instructions: a digit has 3 in its upper
/// half, and still has when 6 is added, which carries over from any lower half above 9.
#[inline]
fn are_digits(four: [u8; 4]) -> bool {
    const UPPER: u32 = 0xf0f0_f0f0;
    const THREES: u32 = 0x3030_3030;
    let word = u32::from_le_bytes(four);
    // The sum cannot wrap from byte to byte when the first comparison holds.
    word & UPPER == THREES && word.wrapping_add(0x0606_0606) & UPPER == THREES
}

/// Bracketed addresses and names with escapes.
#[cold]
fn is_valid_unusual(text: &[u8]) -> bool {
    if let Some(rest) = text.strip_prefix(b"[") {
        let Some(close) = rest.iter().position(|&byte| byte == b']') else { return false };
        let Ok(address) = std::str::from_utf8(&rest[..close]) else { return false };
        return address.parse::<Ipv6Addr>().is_ok() && is_port_part(&rest[close + 1..]);
    }
    let mut rest = text;
    loop {
        rest = &rest[charset::run_len(rest, HOST)..];
        let [b'%', high, low, tail @ ..] = rest else { break };
        if !charset::is(*high, HEX) || !charset::is(*low, HEX) {
            return false;
        }
        rest = tail;
    }
    rest.len() < text.len() && is_port_part(rest)
}

/// Nothing, or a colon and a port.
fn is_port_part(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => is_port(digits),
        _ => false,
    }
}

/// The largest port. Longer text can only be padding.
const PORT_MAX: (u32, u8) = (u32::from_be_bytes(*b"6553"), b'5');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_every_kind_are_accepted() {
        for text in [
            "a",
            "example.com",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:80",
            "[::ffff:1.2.3.4]:1",
            "host:",
            "a%20b",
            "a%20b:5",
            "under_score",
            "x:65535",
        ] {
            assert!(is_valid(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn malformed_authorities_are_refused() {
        for text in [
            "",
            ":",
            ":80",
            "a:b",
            "a:1:2",
            "user@host",
            "a b",
            "a/b",
            "[::1",
            "::1",
            "[::1]x",
            "[]",
            "[::1%eth0]",
            "[v1.x]",
            "a%2",
            "a%zz",
            "a:65536",
            "a:000080",
            "a:+1",
            "a\u{e9}",
            "a,b:x",
            "a\\b",
        ] {
            assert!(!is_valid(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn four_digits_are_told_from_any_other_byte() {
        for place in 0..4 {
            for byte in 0..=u8::MAX {
                let mut four = *b"0909";
                four[place] = byte;
                assert_eq!(are_digits(four), byte.is_ascii_digit(), "{byte} at {place}");
            }
        }
    }

    #[test]
    fn port_is_seen_behind_brackets() {
        assert!(has_port(b"a:1") && has_port(b"[::1]:1"));
        assert!(!has_port(b"a") && !has_port(b"a:") && !has_port(b"[::1]") && !has_port(b"[::1]:"));
    }
}
