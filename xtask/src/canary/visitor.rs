//! One connection of a visitor: batches of requests out, in one piece or cut; replies held against
//! what is due; and now and then an end in the middle. Generic over its stream, knows no poll.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};

use anyhow::{Context, Result, bail};
use fastrand::Rng;

use super::reply;
use super::request::{Due, Kind, Packed};

/// What a visitor can do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Wait for the socket.
    Wait,
    /// Go on without waiting, after others had their turn.
    Again,
    /// It hangs up here, in the middle.
    HangUp,
}

/// Replies found right.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// In the order of [`Kind::ALL`].
    pub(crate) replies: [u64; Kind::ALL.len()],
    pub(crate) body_bytes: u64,
    /// Connections that were ended in the middle.
    pub(crate) hung_up: u64,
}

impl Tally {
    pub(crate) fn total(&self) -> u64 {
        self.replies.iter().sum()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.replies.iter_mut().zip(other.replies).for_each(|(sum, count)| *sum += count);
        self.body_bytes += other.body_bytes;
        self.hung_up += other.hung_up;
    }
}

/// A connection, and what stays when it is replaced.
#[derive(Debug)]
pub(super) struct Visitor<S> {
    stream: S,
    random: Rng,
    /// Of the next request; the upper bits are the visitor's.
    next_stamp: u64,
    packed: Vec<Packed>,
    due: VecDeque<Due>,
    outgoing: Vec<u8>,
    sent_len: usize,
    /// How far to send before others have their turn.
    cut_at: usize,
    /// Where this batch ends in the middle.
    hang_up: Option<HangUp>,
    incoming: Vec<u8>,
    filled_len: usize,
    expected: Vec<u8>,
}

/// Where a connection ends in the middle.
#[derive(Clone, Copy, Debug)]
enum HangUp {
    Sent(usize),
    /// With at most so many replies due.
    Due(usize),
}

impl<S: Read + Write> Visitor<S> {
    pub(super) fn new(stream: S, index: u64, seed: u64) -> Self {
        let mut random = Rng::with_seed(seed ^ index.wrapping_mul(0x1_0001));
        let first_stamp = index << VISITOR_SHIFT;
        let packed = (0..PACKED_COUNT).map(|number| {
            Packed::new(first_stamp + number, 4 * random.usize(0..PACKED_NUMBERS_MAX))
        });
        Self {
            packed: packed.collect(),
            next_stamp: first_stamp + PACKED_COUNT,
            stream,
            random,
            due: VecDeque::new(),
            outgoing: Vec::new(),
            sent_len: 0,
            cut_at: 0,
            hang_up: None,
            incoming: vec![0; INCOMING_LEN],
            filled_len: 0,
            expected: Vec::new(),
        }
    }

    /// Goes on with a fresh connection; what was due never comes.
    pub(super) fn reconnect(&mut self, stream: S) -> S {
        self.due.clear();
        self.outgoing.clear();
        (self.sent_len, self.filled_len, self.hang_up) = (0, 0, None);
        std::mem::replace(&mut self.stream, stream)
    }

    pub(super) fn stream(&self) -> &S {
        &self.stream
    }

    /// Sends and receives what can be, and starts the next batch when the last one is answered.
    ///
    /// # Errors
    /// A reply that is not the one due, or a connection that the server ends.
    pub(super) fn turn(&mut self, tally: &mut Tally) -> Result<Next> {
        self.stream.flush().context("the server does not take requests")?;
        self.receive(tally)?;
        let is_over = match self.hang_up {
            Some(HangUp::Sent(len)) => self.sent_len >= len,
            Some(HangUp::Due(count)) => self.due.len() <= count,
            None => false,
        };
        if is_over {
            tally.hung_up += 1;
            return Ok(Next::HangUp);
        }
        if self.due.is_empty() && self.sent_len == self.outgoing.len() {
            self.begin();
        }
        self.send()
    }

    fn begin(&mut self) {
        self.outgoing.clear();
        self.sent_len = 0;
        let count = if self.random.bool() { 1 } else { self.random.usize(2..=BATCH_MAX) };
        for _ in 0..count {
            let due = self.next();
            let chunk_len = (self.random.u8(..) < 32).then(|| self.random.usize(1..CHUNK_LEN_MAX));
            due.write(&self.packed, chunk_len, &mut self.outgoing);
            self.due.push_back(due);
        }
        let len = self.outgoing.len();
        self.cut_at = if self.random.u8(..) < 64 { self.random.usize(0..len) } else { len };
        self.hang_up = match self.random.u16(..) {
            0..512 => Some(HangUp::Sent(self.random.usize(0..len))),
            512..1_024 => Some(HangUp::Due(self.random.usize(0..count))),
            _ => None,
        };
    }

    fn next(&mut self) -> Due {
        let kind = match self.random.u8(..) {
            0..64 => Kind::Plaintext,
            64..176 => Kind::Echo,
            176..248 => Kind::Base64,
            _ => Kind::Zstd,
        };
        let stamp = self.next_stamp;
        self.next_stamp += 1;
        let packed_index = self.random.usize(0..self.packed.len());
        match kind {
            Kind::Zstd => {
                let Packed { stamp, raw_len, .. } = self.packed[packed_index];
                Due { kind, stamp, raw_len, packed_index }
            }
            Kind::Base64 => {
                let raw_len = self.body_len() / 4 * 3 / 4 * 4;
                Due { kind, stamp, raw_len, packed_index }
            }
            _ => Due { kind, stamp, raw_len: self.body_len(), packed_index },
        }
    }

    /// Mostly short, often about a border between two segments, rarely long. Where in its segment
    /// a body starts is known only roughly, so lengths lie some 700 bytes around the border.
    fn body_len(&mut self) -> usize {
        match self.random.u8(..) {
            0..160 => self.random.usize(0..300),
            160..200 => self.random.usize(300..5_000),
            200..250 => self.random.usize(1..=4) * SEGMENT_LEN - self.random.usize(0..700),
            250..=254 => self.random.usize(15..=18) * SEGMENT_LEN - self.random.usize(0..700),
            255 => self.random.usize(60..=70) * SEGMENT_LEN - self.random.usize(0..700),
        }
    }

    fn send(&mut self) -> Result<Next> {
        let end = match self.hang_up {
            Some(HangUp::Sent(len)) => len,
            _ => self.outgoing.len(),
        };
        let end = if self.sent_len < self.cut_at { end.min(self.cut_at) } else { end };
        while self.sent_len < end {
            match self.stream.write(&self.outgoing[self.sent_len..end]) {
                Ok(len) => self.sent_len += len,
                Err(error) if waits(&error) => return Ok(Next::Wait),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("the server does not take requests"),
            }
        }
        let is_done = self.sent_len == self.outgoing.len();
        Ok(if is_done { Next::Wait } else { Next::Again })
    }

    fn receive(&mut self, tally: &mut Tally) -> Result<()> {
        loop {
            let room = &mut self.incoming[self.filled_len..];
            let room_len = room.len();
            let len = match self.stream.read(room) {
                Ok(0) => {
                    bail!("the server closed a connection with {} replies due", self.due.len())
                }
                Ok(len) => len,
                Err(error) if waits(&error) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("the server does not reply"),
            };
            self.filled_len += len;
            self.check(tally)?;
            // A short read emptied the socket; what comes after it is announced anew.
            if len < room_len {
                return Ok(());
            }
        }
    }

    /// Takes whole replies out of what was read.
    fn check(&mut self, tally: &mut Tally) -> Result<()> {
        let mut at = 0;
        while at < self.filled_len {
            let bytes = &self.incoming[at..self.filled_len];
            let due = self.due.front().context("bytes came that nobody asked for")?;
            let Some(framed) = reply::head(bytes, due)? else { break };
            let reply_len = framed.head_len + framed.body_len;
            if bytes.len() < reply_len {
                let whole_len = self.incoming.len().max(reply_len);
                self.incoming.resize(whole_len, 0);
                break;
            }
            let body = &bytes[framed.head_len..reply_len];
            reply::body(body, due, &mut self.packed, &mut self.expected)?;
            tally.replies[due.kind as usize] += 1;
            tally.body_bytes += framed.body_len as u64;
            self.due.pop_front();
            at += reply_len;
        }
        self.incoming.copy_within(at..self.filled_len, 0);
        self.filled_len -= at;
        Ok(())
    }
}

/// A connection that is still being made takes nothing yet.
fn waits(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}

/// The server parses so many ahead at least.
const BATCH_MAX: usize = 16;
/// Short chunks are the hard ones.
const CHUNK_LEN_MAX: usize = 2_000;
/// Of the ring.
const SEGMENT_LEN: usize = 4_096;
/// Two for each visitor show whether one gets another's.
const PACKED_COUNT: u64 = 2;
/// Two segments of numbers.
const PACKED_NUMBERS_MAX: usize = 2_048;
/// Visitors are told apart by the upper bits of their stamps, 2^24 requests each.
const VISITOR_SHIFT: u32 = 24;
/// Grows to the longest reply.
const INCOMING_LEN: usize = 32 << 10;
