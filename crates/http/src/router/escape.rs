//! Percent escapes in paths (RFC 3986 §2.1), decoded once and never twice.
//!
//! Routing sees the decoded text, but for `%2F` and `%25`, which stay: the one must not become a
//! separator, the other must not become the start of an escape. Parameters are cut from that text
//! and only then lose these two.

use crate::parse::charset::hex_value;

/// The text to route by. `None`: a broken escape, an escaped NUL, or bytes that are not UTF-8.
pub(super) fn decode_for_routing(path: &str) -> Option<String> {
    let mut text = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        if *byte != b'%' {
            text.push(*byte);
            continue;
        }
        let [high, low, tail @ ..] = rest else { return None };
        rest = tail;
        match (hex_value(*high)? << 4) | hex_value(*low)? {
            0 => return None,
            b'/' => text.extend_from_slice(SLASH.as_bytes()),
            b'%' => text.extend_from_slice(PERCENT.as_bytes()),
            decoded => text.push(decoded),
        }
    }
    String::from_utf8(text).ok()
}

/// Whether a piece of routing text holds an escaped slash.
pub(super) fn holds_slash(text: &str) -> bool {
    text.contains(SLASH)
}

/// Decodes what [`decode_for_routing`] kept.
pub(super) fn decode_kept(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(tail) = rest.strip_prefix(SLASH) {
            decoded.push('/');
            rest = tail;
        } else {
            // Routing text holds no third escape.
            decoded.push('%');
            rest = rest.strip_prefix(PERCENT).unwrap_or(&rest[1..]);
        }
    }
    decoded.push_str(rest);
    decoded
}

const SLASH: &str = "%2F";
const PERCENT: &str = "%25";
