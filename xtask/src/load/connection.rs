//! One connection of the load tool: requests out, replies counted. Generic over its stream, which
//! only has to read and write without blocking. Knows no clock and no poll.

use std::io::{ErrorKind, Read, Write};

use anyhow::{Context, Result, ensure};

use crate::reply::Head;

/// A connection, with what is on its way in either direction.
#[derive(Debug)]
pub(crate) struct Connection<S> {
    stream: S,
    /// Bytes that the kernel did not take yet.
    outgoing: Vec<u8>,
    incoming: Box<[u8]>,
    incoming_len: usize,
    /// How much is missing of the body being read.
    body_left: Option<usize>,
    /// Whether a reply that is not 200 ends the load.
    is_strict: bool,
    /// The status of the last reply since the last look that was not 200.
    refusal: Option<u16>,
    /// Replies in all.
    reply_count: u64,
    /// The server said that it ends the connection.
    is_closing: bool,
}

impl<S: Read + Write> Connection<S> {
    /// The less room for what comes in, the more reads it takes to get a long reply.
    pub(crate) fn new(stream: S, incoming_len: usize) -> Self {
        Self {
            stream,
            outgoing: Vec::new(),
            incoming: vec![0; incoming_len].into(),
            incoming_len: 0,
            body_left: None,
            is_strict: true,
            refusal: None,
            reply_count: 0,
            is_closing: false,
        }
    }

    /// Takes every status for an answer, and learns of a broken connection when it reads only.
    pub(crate) fn tolerant(mut self) -> Self {
        self.is_strict = false;
        self
    }

    /// The status of the last reply since the last call that was not 200.
    pub(crate) fn take_refusal(&mut self) -> Option<u16> {
        self.refusal.take()
    }

    /// Whether anything ever came back.
    pub(crate) fn is_proven(&self) -> bool {
        self.reply_count > 0
    }

    /// Whether a reply has begun to come.
    pub(crate) fn is_within_reply(&self) -> bool {
        self.body_left.is_some() || self.incoming_len > 0
    }

    /// Whether the server said that it ends the connection.
    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// Writes as much as the kernel takes; the rest goes out with [`flush`](Self::flush).
    pub(crate) fn send(&mut self, requests: &[u8]) -> Result<()> {
        let sent_len = if self.outgoing.is_empty() { self.write(requests)? } else { 0 };
        self.outgoing.extend_from_slice(&requests[sent_len..]);
        Ok(())
    }

    /// Writes what is left of earlier requests, here and in the stream.
    pub(crate) fn flush(&mut self) -> Result<()> {
        let flushed = self.stream.flush();
        if self.is_strict {
            flushed.context("the server does not take requests")?;
        }
        if self.outgoing.is_empty() {
            return Ok(());
        }
        let outgoing = std::mem::take(&mut self.outgoing);
        let sent_len = self.write(&outgoing)?;
        self.outgoing = outgoing;
        self.outgoing.drain(..sent_len);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut sent_len = 0;
        while sent_len < bytes.len() {
            match self.stream.write(&bytes[sent_len..]) {
                Ok(len) => sent_len += len,
                Err(error) if waits(&error) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // What broke the connection is announced, and the next read meets it.
                Err(_) if !self.is_strict => break,
                Err(error) => return Err(error).context("the server does not take requests"),
            }
        }
        Ok(sent_len)
    }

    /// Reads what has come and returns how many replies ended with it.
    pub(crate) fn receive(&mut self) -> Result<usize> {
        let mut reply_count = 0;
        loop {
            let room = &mut self.incoming[self.incoming_len..];
            ensure!(!room.is_empty(), "the server sent a head that does not end");
            let room_len = room.len();
            let len = match self.stream.read(room) {
                Ok(0) => {
                    let end = std::io::Error::from(ErrorKind::UnexpectedEof);
                    return Err(end).context("the server closed a connection");
                }
                Ok(len) => len,
                Err(error) if waits(&error) => return Ok(reply_count),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("the server does not reply"),
            };
            self.incoming_len += len;
            reply_count += self.digest()?;
            // A short read emptied the socket; what comes after it is announced anew.
            if len < room_len {
                return Ok(reply_count);
            }
        }
    }

    /// Takes whole replies out of what was read.
    fn digest(&mut self) -> Result<usize> {
        let mut reply_count = 0;
        let mut at = 0;
        loop {
            let bytes = &self.incoming[at..self.incoming_len];
            match self.body_left.take() {
                Some(left) if left <= bytes.len() => {
                    at += left;
                    reply_count += 1;
                    self.reply_count += 1;
                }
                Some(left) => {
                    self.body_left = Some(left - bytes.len());
                    at = self.incoming_len;
                    break;
                }
                None => {
                    let Some(head) = Head::parse(bytes)? else { break };
                    if head.status != 200 {
                        ensure!(!self.is_strict, "the server answers {}", head.status);
                        self.refusal = Some(head.status);
                    }
                    self.is_closing |= head.closes;
                    at += head.head_len;
                    self.body_left = Some(head.body_len);
                }
            }
        }
        self.incoming.copy_within(at..self.incoming_len, 0);
        self.incoming_len -= at;
        Ok(reply_count)
    }
}

/// A connection that is still being made takes and gives nothing yet.
fn waits(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}

/// As much as a large reply, so that it takes one read where the kernel has it whole.
pub(super) const INCOMING_LEN: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io;

    use super::*;

    /// Gives one piece per read and takes so many bytes per write.
    struct Script {
        pieces: VecDeque<Vec<u8>>,
        taken: Vec<u8>,
        write_len: usize,
    }

    impl Read for Script {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let piece = self.pieces.pop_front().ok_or(ErrorKind::WouldBlock)?;
            room[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }

    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let len = bytes.len().min(self.write_len);
            self.write_len -= len;
            self.taken.extend_from_slice(&bytes[..len]);
            if len == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(len) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn connection(pieces: &[&[u8]], write_len: usize) -> Connection<Script> {
        let pieces = pieces.iter().map(|piece| piece.to_vec()).collect();
        Connection::new(Script { pieces, taken: Vec::new(), write_len }, INCOMING_LEN)
    }

    const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

    #[test]
    fn replies_are_counted_wherever_they_are_cut() {
        let stream = [REPLY, REPLY].concat();
        for cut in 1..stream.len() {
            let mut connection = connection(&[&stream[..cut], &stream[cut..]], 0);
            let count = connection.receive().unwrap() + connection.receive().unwrap();
            assert_eq!(count, 2, "cut at {cut}");
        }
    }

    #[test]
    fn reply_without_a_body_ends_with_its_head() {
        let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(connection(&[reply], 0).receive().unwrap(), 1);
    }

    #[test]
    fn other_status_is_an_error() {
        let reply = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n";
        assert!(connection(&[reply], 0).receive().is_err());
        let mut connection = connection(&[reply, REPLY], 0).tolerant();
        assert_eq!((connection.receive().unwrap(), connection.take_refusal()), (1, Some(503)));
        assert_eq!((connection.receive().unwrap(), connection.take_refusal()), (1, None));
    }

    #[test]
    fn request_cut_by_the_kernel_is_sent_in_order() {
        let mut connection = connection(&[], 3);
        connection.send(b"abcdef").unwrap();
        connection.send(b"gh").unwrap();
        assert_eq!(connection.stream.taken, b"abc");
        connection.stream.write_len = 100;
        connection.flush().unwrap();
        assert_eq!(connection.stream.taken, b"abcdefgh");
    }
}
