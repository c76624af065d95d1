//! Just enough of a request: which route, where the body begins and how long it is. Believes every
//! client; this is a measure, not a server.

use memchr::{memchr, memmem};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Plaintext,
    Json,
    Light,
    Burn,
    Echo64,
    Zecho64,
    Unknown,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) route: Route,
    pub(crate) head_len: usize,
    pub(crate) body_len: usize,
}

impl Head {
    /// Reads the head at the start of `bytes`, if all of it has come.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        const END: &[u8] = b"\r\n\r\n";
        let head_len = memmem::find(bytes, END)? + END.len();
        let head = &bytes[..head_len];
        let route = if head.starts_with(b"POST /echo64 ") {
            Route::Echo64
        } else if head.starts_with(b"POST /zecho64 ") {
            Route::Zecho64
        } else if head.starts_with(b"GET /plaintext ") {
            Route::Plaintext
        } else if head.starts_with(b"GET /json ") {
            Route::Json
        } else if head.starts_with(b"GET /light ") {
            Route::Light
        } else if head.starts_with(b"GET /burn ") {
            Route::Burn
        } else {
            Route::Unknown
        };
        let body_len = if head.starts_with(b"GET ") { 0 } else { content_len(head) };
        Some(Self { route, head_len, body_len })
    }
}

/// The value of `content-length`, or 0.
fn content_len(mut lines: &[u8]) -> usize {
    const NAME: &[u8] = b"content-length:";
    while let Some(end) = memchr(b'\n', lines) {
        lines = &lines[end + 1..];
        if lines.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)) {
            let digits = lines[NAME.len()..].iter().skip_while(|&&byte| byte == b' ');
            return digits.take_while(|byte| byte.is_ascii_digit()).fold(
                0,
                |len: usize, &digit| {
                    len.saturating_mul(10).saturating_add(usize::from(digit - b'0'))
                },
            );
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_is_found_whatever_the_case_of_its_header() {
        let bytes = b"POST /echo64 HTTP/1.1\r\nhost: a\r\nContent-Length: 12\r\n\r\nAAAA";
        let head = Head::read(bytes).unwrap();
        assert_eq!((head.route, head.head_len, head.body_len), (Route::Echo64, 54, 12));
    }

    #[test]
    fn head_that_has_not_all_come_is_none() {
        assert!(Head::read(b"GET /plaintext HTTP/1.1\r\nhost: a\r\n").is_none());
    }
}
