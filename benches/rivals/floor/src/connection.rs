//! One connection: how much it owes its peer, and how far into the end of a request it has read.

use entry::Arguments;
use epoll::{Closed, Connection, Room};
use rustix::fd::OwnedFd;
use rustix::io::{Errno, read, write};

/// Bytes read at once, the ones kept from the read before included.
const READ_LEN_MAX: usize = 16 << 10;

/// What ends a request without a body.
const END: &[u8] = b"\r\n\r\n";

/// Most bytes at the end of a read that can be the start of an [`END`].
const TAIL_LEN_MAX: usize = END.len() - 1;

/// One answer; its date is as constant as the rest.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\n\
    server: floor\r\n\
    date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
    content-type: text/plain\r\n\
    content-length: 13\r\n\r\n\
    Hello, World!";

/// Answers in one write: more than a client pipelines.
const ANSWER_COUNT_MAX: usize = 64;

/// As many answers as go into one write, one behind the other.
static ANSWERS: [u8; ANSWER.len() * ANSWER_COUNT_MAX] = repeated();

#[derive(Debug)]
pub(crate) struct Constant {
    stream: OwnedFd,
    tail: [u8; TAIL_LEN_MAX],
    tail_len: usize,
    owed_len: usize,
}

impl Connection for Constant {
    type Shared = Vec<u8>;

    fn shared(_: &Arguments) -> Vec<u8> {
        vec![0; READ_LEN_MAX]
    }

    fn new(stream: OwnedFd) -> Self {
        Self { stream, tail: [0; TAIL_LEN_MAX], tail_len: 0, owed_len: 0 }
    }

    fn stream(&self) -> &OwnedFd {
        &self.stream
    }

    fn serve(&mut self, buffer: &mut Vec<u8>) -> Result<Room, Closed> {
        if self.owed_len > 0 {
            self.pay()?;
            return Ok(if self.owed_len > 0 { Room::Same } else { Room::Free });
        }
        self.owed_len = ANSWER.len() * self.count_requests(buffer)?;
        self.pay()?;
        Ok(if self.owed_len > 0 { Room::Full } else { Room::Same })
    }
}

impl Constant {
    fn count_requests(&mut self, buffer: &mut [u8]) -> Result<usize, Closed> {
        let tail_len = self.tail_len;
        buffer[..tail_len].copy_from_slice(&self.tail[..tail_len]);
        let len = match read(&self.stream, &mut buffer[tail_len..]) {
            Ok(0) => return Err(Closed),
            Ok(len) => tail_len + len,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(0),
            Err(_) => return Err(Closed),
        };
        let buffer = &buffer[..len];
        self.tail_len = 0;
        if !buffer.ends_with(END) {
            self.tail_len = len.min(TAIL_LEN_MAX);
            self.tail[..self.tail_len].copy_from_slice(&buffer[len - self.tail_len..]);
        }
        Ok(memchr::memmem::find_iter(buffer, END).count())
    }

    fn pay(&mut self) -> Result<(), Closed> {
        while self.owed_len > 0 {
            // What is owed ends with whole answers; its start is the rest of one.
            let paid_len = (ANSWER.len() - self.owed_len % ANSWER.len()) % ANSWER.len();
            let len = self.owed_len.min(ANSWERS.len() - paid_len);
            match write(&self.stream, &ANSWERS[paid_len..paid_len + len]) {
                Ok(len) => self.owed_len -= len,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(_) => return Err(Closed),
            }
        }
        Ok(())
    }
}

const fn repeated() -> [u8; ANSWER.len() * ANSWER_COUNT_MAX] {
    let mut answers = [0; ANSWER.len() * ANSWER_COUNT_MAX];
    let mut index = 0;
    while index < answers.len() {
        answers[index] = ANSWER[index % ANSWER.len()];
        index += 1;
    }
    answers
}
