//! What one client does, move by move, and what it may expect of the server for it.

use std::time::Duration;

use fastrand::Rng;
use waterwheel::Limits;

use super::exchange::{Author, Exchange, Expectation};
use super::setting::pick;

/// One step of a client. It goes on to the next one as soon as it can.
#[derive(Debug)]
pub(crate) enum Move {
    Send(Vec<u8>),
    Pause(Duration),
    /// Until so many final replies have come.
    AwaitReplies(usize),
    /// Until `100 Continue` has come for the request with this index, or its final reply.
    AwaitContinue(usize),
    ShutdownWrite,
    Close,
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Prompt,
    /// So many bytes at a time, with a window of as many.
    Slow(usize, Duration),
    Never,
}

/// A client's part.
pub(crate) struct Script {
    pub(crate) start: Duration,
    pub(crate) moves: Vec<Move>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) reading: Reading,
    /// How many replies must come when nothing goes wrong.
    pub(crate) replies_due: usize,
    /// It does what makes a deadline pass.
    pub(crate) is_late: bool,
    pub(crate) secret: String,
    /// Where each request ends in all that is sent, whole requests only.
    pub(crate) ends: Vec<usize>,
}

impl Script {
    pub(crate) fn draw(rng: &mut Rng, limits: &Limits, connection: usize, seed: u64) -> Self {
        let secret = format!("~{seed:010x}{connection:04x}~");
        let start = Duration::from_millis(match rng.u8(..3) {
            0 => 0,
            1 => rng.u64(..50),
            _ => rng.u64(..5000),
        });
        let mut script = Self {
            start,
            moves: Vec::new(),
            exchanges: Vec::new(),
            reading: Reading::Prompt,
            replies_due: 0,
            is_late: false,
            secret,
            ends: Vec::new(),
        };
        script.write(rng, limits, connection);
        let mut end = 0;
        for exchange in &script.exchanges {
            end += exchange.head.len() + exchange.body.len();
            script.ends.push(end);
        }
        script
    }

    fn write(&mut self, rng: &mut Rng, limits: &Limits, connection: usize) {
        let secret = self.secret.clone();
        let count = match rng.u8(..6) {
            0 => rng.usize(1..40),
            _ => rng.usize(1..6),
        };
        let mut author = Author { rng, limits, connection, secret: &secret };
        match author.rng.u8(..20) {
            0..6 => self.pipeline(&mut author, count),
            6..12 => self.talk(&mut author, count),
            12..14 => {
                self.pipeline(&mut author, count);
                self.pause(author.rng, 300);
                self.moves.push(Move::ShutdownWrite);
                return;
            }
            14..16 => return self.quit_midway(&mut author, count),
            16 => return self.drip(&mut author),
            17 => {
                self.read_slowly(&mut author, count.min(8));
                self.reading = Reading::Never;
                (self.replies_due, self.is_late) = (0, true);
                return;
            }
            18 => self.read_slowly(&mut author, count.min(8)),
            _ => {
                // Says nothing at all, or nothing more.
                self.is_late = true;
                return;
            }
        }
        if author.rng.u8(..3) == 0 {
            self.moves.push(Move::AwaitReplies(self.replies_due));
            self.pause(author.rng, 3000);
            self.moves.push(Move::Close);
        }
    }

    /// Draws requests up to the one that ends the connection. What is behind it must not be served.
    fn draw_exchanges(&mut self, author: &mut Author<'_>, count: usize) {
        for number in 0..count {
            let exchange = author.exchange(number);
            let is_last = exchange.expected.is_last();
            self.exchanges.push(exchange);
            self.replies_due = self.exchanges.len();
            if is_last {
                return;
            }
        }
    }

    /// All requests at once, whatever comes back.
    fn pipeline(&mut self, author: &mut Author<'_>, count: usize) {
        self.draw_exchanges(author, count);
        let mut bytes = self.wire();
        if self.exchanges.last().is_some_and(|last| last.expected.is_last()) {
            let ignored = author.exchange(self.exchanges.len());
            bytes.extend_from_slice(&ignored.head);
            bytes.extend_from_slice(&ignored.body);
        }
        self.send_in_pieces(author.rng, &bytes);
    }

    /// A request when the reply to the one before has come.
    fn talk(&mut self, author: &mut Author<'_>, count: usize) {
        self.draw_exchanges(author, count);
        for index in 0..self.exchanges.len() {
            let exchange = &self.exchanges[index];
            let (head, body) = (exchange.head.clone(), exchange.body.clone());
            match exchange.expectation {
                Expectation::Nothing => self.send_in_pieces(author.rng, &[head, body].concat()),
                Expectation::Refusal => self.send_in_pieces(author.rng, &head),
                Expectation::Continue => {
                    self.send_in_pieces(author.rng, &head);
                    if author.rng.u8(..4) > 0 {
                        self.moves.push(Move::AwaitContinue(index));
                    }
                    self.send_in_pieces(author.rng, &body);
                }
            }
            self.moves.push(Move::AwaitReplies(index + 1));
            self.pause(author.rng, 2000);
        }
    }

    /// Stops in the middle of what it sends.
    fn quit_midway(&mut self, author: &mut Author<'_>, count: usize) {
        self.draw_exchanges(author, count);
        let bytes = self.wire();
        let cut = author.rng.usize(..bytes.len());
        self.send_in_pieces(author.rng, &bytes[..cut]);
        self.pause(author.rng, 200);
        self.replies_due = 0;
        self.moves.push(match author.rng.u8(..3) {
            0 => {
                let mut end = 0;
                for exchange in &self.exchanges {
                    end += exchange.head.len() + exchange.body.len();
                    self.replies_due += usize::from(end <= cut);
                }
                Move::ShutdownWrite
            }
            1 => Move::Close,
            _ => Move::Reset,
        });
    }

    /// Sends slower than the server waits.
    fn drip(&mut self, author: &mut Author<'_>) {
        self.is_late = true;
        self.draw_exchanges(author, 1);
        self.replies_due = 0;
        let bytes = self.wire();
        let sent_at_once = author.rng.usize(..bytes.len());
        let (first, rest) = bytes.split_at(sent_at_once);
        self.send_in_pieces(author.rng, first);
        let pause = Duration::from_millis(author.rng.u64(700..4000));
        for byte in rest.iter().take(DRIPS_MAX) {
            self.moves.push(Move::Send(vec![*byte]));
            self.moves.push(Move::Pause(pause));
        }
    }

    fn read_slowly(&mut self, author: &mut Author<'_>, count: usize) {
        for number in 0..count {
            let exchange = match author.rng.bool() {
                true => author.long_get(number),
                false => author.exchange(number),
            };
            let is_last = exchange.expected.is_last();
            self.exchanges.push(exchange);
            if is_last {
                break;
            }
        }
        self.replies_due = self.exchanges.len();
        let bytes = self.wire();
        self.send_in_pieces(author.rng, &bytes);
        let window = pick(author.rng, &[200, 1000, 5000]);
        let every = Duration::from_millis(author.rng.u64(1..40));
        self.reading = Reading::Slow(window, every);
    }

    fn wire(&self) -> Vec<u8> {
        let parts = self.exchanges.iter().flat_map(|one| [&one.head[..], &one.body[..]]);
        parts.collect::<Vec<_>>().concat()
    }

    /// Cuts `bytes` at random places and waits a little at some of them.
    fn send_in_pieces(&mut self, rng: &mut Rng, bytes: &[u8]) {
        let piece_max = match rng.u8(..4) {
            0 if bytes.len() < 300 => 1,
            1 => bytes.len() / 4,
            2 => bytes.len() / 12,
            _ => bytes.len(),
        };
        let mut rest = bytes;
        while !rest.is_empty() {
            let len = rng.usize(1..=piece_max.max(1).min(rest.len()));
            let (piece, later) = rest.split_at(len.max(piece_max / 2).min(rest.len()));
            self.moves.push(Move::Send(piece.to_vec()));
            rest = later;
            if rng.bool() {
                self.moves.push(Move::Pause(Duration::from_micros(rng.u64(..8000))));
            }
        }
    }

    fn pause(&mut self, rng: &mut Rng, milliseconds_max: u64) {
        let milliseconds = match rng.u8(..4) {
            0 => milliseconds_max,
            1 => 0,
            _ => milliseconds_max / 10,
        };
        self.moves.push(Move::Pause(Duration::from_millis(rng.u64(..=milliseconds))));
    }
}

/// Enough to pass every deadline of a request.
const DRIPS_MAX: usize = 40;
