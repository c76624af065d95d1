//! The head of a reply, as far as a client that counts must understand it: status, where the body
//! starts and how long it is. Knows no chunked bodies: no server of the arena sends one.

use std::io::{Read, Write};

use anyhow::{Context, Result, ensure};

/// What a reply's head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) head_len: usize,
    pub(crate) body_len: usize,
    /// The server ends the connection after this reply.
    pub(crate) closes: bool,
}

impl Head {
    /// `None` until the head is complete.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let mut fields = [httparse::EMPTY_HEADER; FIELD_COUNT_MAX];
        let mut response = httparse::Response::new(&mut fields);
        let parsed = response.parse(bytes).context("the server's answer is no HTTP")?;
        let httparse::Status::Complete(head_len) = parsed else { return Ok(None) };
        let body_len = response
            .headers
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case("content-length"))
            .context("the reply has no Content-Length")?;
        let body_len = std::str::from_utf8(body_len.value)?.trim().parse()?;
        let status = response.code.context("the reply has no status")?;
        let closes = response.headers.iter().any(|field| {
            field.name.eq_ignore_ascii_case("connection")
                && field.value.eq_ignore_ascii_case(b"close")
        });
        Ok(Some(Self { status, head_len, body_len, closes }))
    }
}

/// One whole reply.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

/// Sends one request and waits for its reply, on a socket that blocks and on which nothing else is
/// due.
pub(crate) fn exchange(stream: &mut (impl Read + Write), request: &[u8]) -> Result<Answer> {
    stream.write_all(request).context("the server does not take the request")?;
    let mut reply = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        let len = stream.read(&mut chunk).context("the server does not reply")?;
        ensure!(len > 0, "the server closed the connection instead of replying");
        reply.extend_from_slice(&chunk[..len]);
        let Some(head) = Head::parse(&reply)? else { continue };
        let reply_len = head.head_len + head.body_len;
        ensure!(reply.len() <= reply_len, "the server sent more than one reply");
        if reply.len() == reply_len {
            return Ok(Answer { head, body: reply.split_off(head.head_len) });
        }
    }
}

/// The servers compared send three to eight fields.
const FIELD_COUNT_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_waits_for_its_end() {
        assert_eq!(Head::parse(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n").unwrap(), None);
        let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let head = Head { status: 200, head_len: reply.len() - 2, body_len: 2, closes: false };
        assert_eq!(Head::parse(reply).unwrap(), Some(head));
    }

    #[test]
    fn last_reply_says_so() {
        let reply = b"HTTP/1.1 503 Busy\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n";
        assert!(Head::parse(reply).unwrap().unwrap().closes);
    }

    #[test]
    fn reply_without_a_length_is_refused() {
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(Head::parse(b"SSH-2.0-x\r\n\r\n").is_err());
    }
}
