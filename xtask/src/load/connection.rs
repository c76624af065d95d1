//! One connection of the load tool: requests out, replies counted. Generic over its stream, which
//! only has to read and write without blocking. Knows no clock and no poll.

use std::io::{ErrorKind, Read, Write};

use anyhow::{Context, Result, bail, ensure};

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
}

impl<S: Read + Write> Connection<S> {
    pub(crate) fn new(stream: S) -> Self {
        let incoming = vec![0; INCOMING_LEN].into();
        Self { stream, outgoing: Vec::new(), incoming, incoming_len: 0, body_left: None }
    }

    /// Writes as much as the kernel takes; the rest goes out with [`flush`](Self::flush).
    pub(crate) fn send(&mut self, requests: &[u8]) -> Result<()> {
        let sent_len = if self.outgoing.is_empty() { self.write(requests)? } else { 0 };
        self.outgoing.extend_from_slice(&requests[sent_len..]);
        Ok(())
    }

    /// Writes what is left of earlier requests, here and in the stream.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.stream.flush().context("the server does not take requests")?;
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
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
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
                Ok(0) => bail!("the server closed a connection"),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(reply_count),
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
                }
                Some(left) => {
                    self.body_left = Some(left - bytes.len());
                    at = self.incoming_len;
                    break;
                }
                None => {
                    let Some(head) = Head::parse(bytes)? else { break };
                    ensure!(head.status == 200, "the server answers {}", head.status);
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

/// As much as a large reply, so that it takes one read where the kernel has it whole.
const INCOMING_LEN: usize = 128 << 10;

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
        Connection::new(Script { pieces, taken: Vec::new(), write_len })
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
