//! What tests send and how they read what comes back: a few requests, replies one after another,
//! and dates made equal.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use waterwheel::lab::LabReply;

/// A request without a body.
pub fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n").into_bytes()
}

/// A request whose body has a stated length.
pub fn post(target: &str, body: &[u8]) -> Vec<u8> {
    let len = body.len();
    let head = format!("POST {target} HTTP/1.1\r\nhost: a\r\ncontent-length: {len}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// A request whose body comes in chunks of up to `chunk_len` bytes.
pub fn post_chunked(target: &str, body: &[u8], chunk_len: usize) -> Vec<u8> {
    let mut bytes =
        format!("POST {target} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
            .into_bytes();
    for chunk in body.chunks(chunk_len) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// All replies in `bytes`, none of them to a HEAD.
///
/// # Panics
/// When something is left over that is no whole reply.
pub fn replies(bytes: &[u8]) -> Vec<LabReply> {
    let mut rest = bytes;
    let mut replies = Vec::new();
    while !rest.is_empty() {
        let Some(reply) = LabReply::parse(rest, false, false) else {
            panic!("no whole reply: {:?}", String::from_utf8_lossy(rest));
        };
        rest = &rest[reply.wire_len()..];
        replies.push(reply);
    }
    replies
}

/// The status codes of all replies in `bytes`, none of them to a HEAD.
pub fn statuses(bytes: &[u8]) -> Vec<u16> {
    replies(bytes).iter().map(LabReply::status).collect()
}

/// `bytes` with every date blanked out, so that replies of different seconds compare.
pub fn without_dates(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mark = b"\r\ndate: ";
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(mark.len()).position(|window| window == mark) {
        at += found + mark.len();
        let len = bytes[at..].iter().position(|&byte| byte == b'\r').unwrap_or(0);
        bytes[at..at + len].fill(b'-');
    }
    bytes
}

/// Text for a failure's message.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
