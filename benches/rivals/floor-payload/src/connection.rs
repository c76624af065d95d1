//! One connection: the one buffer that its requests are read into and worked on in.

use entry::Arguments;
use epoll::{Closed, Connection, Room};
use payload::Refused;
use rustix::buffer::spare_capacity;
use rustix::fd::OwnedFd;
use rustix::io::{Errno, read, write};

use crate::answers::Answers;
use crate::request::Head;

/// What a connection reads into before it knows better.
const READ_LEN_MIN: usize = 4 << 10;

#[derive(Debug)]
pub(crate) struct InPlace {
    stream: OwnedFd,
    buffer: Vec<u8>,
    /// The head at the start of the buffer, once it is known and until its body has come.
    head: Option<Head>,
    /// What the socket did not take, and how much of that it has taken since.
    owed: Vec<u8>,
    paid_len: usize,
    /// Whether to close after what is owed.
    is_last: bool,
}

impl Connection for InPlace {
    /// What a socket does not take at once moves to its connection.
    type Shared = Answers;

    fn shared(arguments: &Arguments) -> Answers {
        Answers::new(arguments.max_body)
    }

    fn new(stream: OwnedFd) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            head: None,
            owed: Vec::new(),
            paid_len: 0,
            is_last: false,
        }
    }

    fn stream(&self) -> &OwnedFd {
        &self.stream
    }

    fn serve(&mut self, answers: &mut Answers) -> Result<Room, Closed> {
        if !self.owed.is_empty() {
            self.paid_len += self.send(&self.owed[self.paid_len..])?;
            if self.paid_len < self.owed.len() {
                return Ok(Room::Same);
            }
            self.owed.clear();
            self.paid_len = 0;
            return if self.is_last { Err(Closed) } else { Ok(Room::Free) };
        }
        self.receive()?;
        answers.bytes().clear();
        self.answer(answers);
        let answers = answers.bytes();
        let sent_len = self.send(answers)?;
        if sent_len < answers.len() {
            self.owed.extend_from_slice(&answers[sent_len..]);
            return Ok(Room::Full);
        }
        if self.is_last { Err(Closed) } else { Ok(Room::Same) }
    }
}

impl InPlace {
    fn receive(&mut self) -> Result<(), Closed> {
        let missing_len = match self.head {
            Some(head) => head.head_len + head.body_len - self.buffer.len(),
            None => READ_LEN_MIN,
        };
        self.buffer.reserve(missing_len);
        match read(&self.stream, spare_capacity(&mut self.buffer)) {
            Ok(0) => Err(Closed),
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(_) => Err(Closed),
        }
    }

    /// Answers every request that has come whole.
    fn answer(&mut self, answers: &mut Answers) {
        let mut done_len = 0;
        loop {
            let rest = &mut self.buffer[done_len..];
            let Some(head) = self.head.take().or_else(|| Head::read(rest)) else { break };
            if head.body_len > answers.limit() {
                answers.refuse(Refused::TooLong);
                self.is_last = true;
                return;
            }
            let len = head.head_len + head.body_len;
            if rest.len() < len {
                self.head = Some(head);
                break;
            }
            answers.push(head.route, &mut rest[head.head_len..len]);
            done_len += len;
        }
        self.buffer.drain(..done_len);
    }

    /// Writes until the socket is full; says how much it took.
    fn send(&self, bytes: &[u8]) -> Result<usize, Closed> {
        let mut sent_len = 0;
        while sent_len < bytes.len() {
            match write(&self.stream, &bytes[sent_len..]) {
                Ok(len) => sent_len += len,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => return Err(Closed),
            }
        }
        Ok(sent_len)
    }
}
