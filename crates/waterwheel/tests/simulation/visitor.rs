//! A client at work: plays its script, reads what comes, and holds it against the model at once.

use std::time::Duration;

use waterwheel::Limits;
use waterwheel::reactor::sim::{End, World};

use super::exchange::Expectation;
use super::line::Line;
use super::model::Expected;
use super::replies::Received;
use super::script::{Move, Reading, Script};
use super::secured::Secured;
use super::verdict::{Circumstances, Kind, judge};

pub(crate) struct Visitor {
    pub(crate) script: Script,
    pub(crate) line: Option<Line>,
    pub(crate) connected_at: Option<Duration>,
    pub(super) next_move: usize,
    resume_at: Duration,
    read_at: Duration,
    /// Pieces sent, and their bytes.
    pub(crate) sends: usize,
    pub(crate) sent_len: usize,
    /// Of these, what has gone out to its last byte.
    gone_len: usize,
    pub(crate) received: Received,
    pub(crate) replies: usize,
    /// For which requests `100 Continue` came.
    continued: Vec<bool>,
    /// The last reply was the last one: nothing may follow but the end.
    is_over: bool,
    /// The server ended the connection before its time, and said so.
    pub(crate) ended_early: bool,
    pub(crate) end: Option<End>,
    pub(crate) ended_at: Option<Duration>,
    /// When the connection was over for this client, whoever ended it.
    gone_at: Option<Duration>,
    has_shut_down: bool,
    /// The client itself has broken off.
    pub(crate) has_left: bool,
    /// How many replies the drain must let through.
    pub(crate) due_at_drain: Option<usize>,
    /// When the drain began, everything that it had sent was answered.
    pub(crate) was_idle_at_drain: bool,
    /// When this client last sent or received something.
    pub(crate) active_at: Duration,
}

impl Visitor {
    pub(crate) fn new(script: Script) -> Self {
        Self {
            resume_at: script.start,
            read_at: script.start,
            active_at: script.start,
            continued: vec![false; script.exchanges.len()],
            script,
            line: None,
            connected_at: None,
            next_move: 0,
            sends: 0,
            sent_len: 0,
            gone_len: 0,
            received: Received::default(),
            replies: 0,
            is_over: false,
            ended_early: false,
            end: None,
            ended_at: None,
            gone_at: None,
            has_shut_down: false,
            has_left: false,
            due_at_drain: None,
            was_idle_at_drain: false,
        }
    }

    /// Connects when it is time, reads, and makes every move that is possible now.
    pub(crate) fn act(
        &mut self,
        world: &World,
        secured: Option<&Secured>,
        facts: Circumstances,
        age_max: Duration,
    ) -> Result<(), String> {
        let now = world.now();
        if now < self.script.start || self.is_done() {
            return Ok(());
        }
        if self.line.is_none() {
            self.connect(world, secured);
        }
        let connected_at = self.connected_at.unwrap_or(now);
        let facts = Circumstances {
            may_time_out: facts.may_time_out || self.script.is_late,
            may_be_old: now.saturating_sub(connected_at) >= age_max,
            ..facts
        };
        self.read(now, facts)?;
        self.flush(now);
        while self.end.is_none() && now >= self.resume_at && self.make_move(now) {}
        self.look_for_end(now, facts)?;
        self.gone_at = self.is_done().then_some(now);
        Ok(())
    }

    /// When this client wants to act next, if time alone brings that.
    pub(crate) fn due(&self, now: Duration) -> Option<Duration> {
        if self.is_done() {
            return None;
        }
        let read = match self.script.reading {
            _ if !self.is_open() => None,
            Reading::Prompt => None,
            Reading::Slow(..) => Some(self.read_at),
            Reading::Never => Some(self.read_at.max(self.active_at + GIVEN_UP)),
        };
        let resume = (self.resume_at > now).then_some(self.resume_at);
        let send = self.line.as_ref().and_then(Line::due);
        // What it could have done by now it does next time.
        let due = [read, resume, send].into_iter().flatten().min();
        due.map(|due| due.max(now + MOMENT))
    }

    /// Whether nothing more will happen to it.
    pub(crate) fn is_done(&self) -> bool {
        self.end.is_some() || self.has_left
    }

    /// Whether the server may have its connection open: not for long once the client is gone.
    pub(crate) fn may_be_open(&self, now: Duration, faults_over: Duration) -> bool {
        let is_long_gone = self.gone_at.is_some_and(|at| now > at.max(faults_over) + GONE_MAX);
        self.connected_at.is_some() && !is_long_gone
    }

    /// Whether the server owes it something: a reply, `100 Continue`, or the end.
    pub(crate) fn is_owed(&self) -> bool {
        let Some(line) = self.line.as_ref().filter(|_| !self.is_done()) else { return false };
        if !line.is_open() {
            return line.awaits_handshake();
        }
        if self.script.reading == Reading::Never {
            return false;
        }
        let awaits_continue =
            matches!(self.script.moves.get(self.next_move), Some(Move::AwaitContinue(_)));
        self.is_over || self.replies < self.asked() || self.has_shut_down || awaits_continue
    }

    /// The drain begins: what has been asked for by now is still answered, one reply at least.
    pub(crate) fn note_drain(&mut self) {
        let is_here = self.connected_at.is_some() && !self.is_done();
        if is_here && self.script.reading == Reading::Prompt {
            self.due_at_drain = Some(self.replies + usize::from(self.replies < self.asked()));
            self.was_idle_at_drain = self.answered() == self.sent_len && self.is_open();
        }
    }

    /// When the server must have ended the connection if this client does nothing more.
    pub(crate) fn deadline(&self, faults_over: Duration) -> Option<Duration> {
        let has_moves = self.next_move < self.script.moves.len();
        if self.is_done() || has_moves || self.script.reading == Reading::Never {
            return None;
        }
        let time = if self.script.exchanges.is_empty() { FIRST_HEAD_MAX } else { KEEP_ALIVE_MAX };
        self.connected_at.map(|_| self.active_at.max(faults_over) + time)
    }

    /// Whether its session went on from an earlier one.
    pub(crate) fn is_resumed(&self) -> bool {
        self.line.as_ref().is_some_and(Line::is_resumed)
    }

    /// How many whole requests have been sent.
    fn asked(&self) -> usize {
        self.script.ends.iter().filter(|end| **end <= self.gone_len).count()
    }

    /// The length of the requests that have been answered.
    fn answered(&self) -> usize {
        self.replies.checked_sub(1).map_or(0, |last| self.script.ends[last])
    }

    /// Whether it may have lost replies because it sent on and on behind the last one
    /// (RFC 9112 §9.6).
    pub(crate) fn may_have_flooded(&self, limits: &Limits) -> bool {
        self.end == Some(End::Reset) && self.sent_len > limits.linger_len_max
    }

    /// Reads all that is left, however slowly it was read before.
    pub(crate) fn read_rest(&mut self, facts: Circumstances) -> Result<(), String> {
        if let Some(line) = &mut self.line {
            let bytes = line.read_rest()?;
            self.end = self.end.or(line.end());
            self.take(&bytes, facts)?;
        }
        self.judge_tail(facts)
    }

    fn connect(&mut self, world: &World, secured: Option<&Secured>) {
        let is_silent = self.script.moves.is_empty();
        let secret = self.script.secret.bytes();
        let seed = secret.fold(0, |seed: u64, byte| seed.rotate_left(7) ^ u64::from(byte));
        self.line = Some(Line::connect(world, self.script.reading, secured, seed, is_silent));
        self.connected_at = Some(world.now());
        self.active_at = world.now();
    }

    /// Whether it is connected, and past its handshake.
    fn is_open(&self) -> bool {
        self.line.as_ref().is_some_and(Line::is_open)
    }

    /// Sends what is due of what is sealed.
    fn flush(&mut self, now: Duration) {
        let Some(line) = &mut self.line else { return };
        if line.flush(now) {
            self.active_at = now;
        }
        if !line.is_sending() {
            self.gone_len = self.sent_len;
        }
        self.has_left |= line.has_broken_off();
    }

    fn read(&mut self, now: Duration, facts: Circumstances) -> Result<(), String> {
        let Some(line) = &mut self.line else { return Ok(()) };
        let sealed_before = line.sealed().len();
        let bytes = match self.script.reading {
            _ if !line.is_open() => line.read(None)?,
            Reading::Prompt => line.read(None)?,
            Reading::Slow(window, every) if now >= self.read_at => {
                let bytes = line.read(Some(window))?;
                let pause = if bytes.is_empty() { every.max(NOTHING_CAME) } else { every };
                self.read_at = now + pause;
                bytes
            }
            Reading::Never if now >= self.active_at + GIVEN_UP => {
                self.read_at = now + LOOK_AGAIN;
                let bytes = line.read_rest()?;
                if facts.is_orderly && !bytes.is_empty() && line.end().is_none() {
                    return Err("a client that does not read is waited for".to_owned());
                }
                bytes
            }
            _ => return Ok(()),
        };
        // A part of a record is something, though nothing can be read of it yet.
        if !bytes.is_empty() || line.sealed().len() > sealed_before {
            self.active_at = now;
        }
        self.take(&bytes, facts)
    }

    fn take(&mut self, bytes: &[u8], facts: Circumstances) -> Result<(), String> {
        self.received.bytes.extend_from_slice(bytes);
        while !self.received.is_between() {
            if self.is_over {
                return Err(format!("bytes behind the last reply, number {}", self.replies));
            }
            let expected = self.script.exchanges.get(self.replies).map(|one| &one.expected);
            let is_head = expected.is_some_and(|expected| expected.is_head);
            let Some((head, content)) = self.received.next(is_head)? else { return Ok(()) };
            let expected = self.expected()?;
            let index = self.replies;
            if head.is_interim() {
                let expectation = self.script.exchanges[index].expectation;
                let wanted = expectation == Expectation::Continue;
                if head.status != 100 || !wanted || self.continued[index] {
                    return Err(format!("status {} before reply {index}", head.status));
                }
                self.continued[index] = true;
                continue;
            }
            let kind = judge(&head, &content, true, expected, facts)
                .map_err(|fault| format!("reply {index}: {fault}"))?;
            self.is_over = kind.is_last(expected);
            self.ended_early |= matches!(kind, Kind::DueAndEarlyEnd | Kind::TooLate);
            self.replies += 1;
        }
        Ok(())
    }

    /// The reply that is due next, if its request has been sent at least in part.
    fn expected(&self) -> Result<&Expected, String> {
        match self.script.exchanges.get(self.replies) {
            Some(exchange) if self.answered() < self.sent_len => Ok(&exchange.expected),
            _ => Err(format!("reply {} answers nothing", self.replies)),
        }
    }

    /// Makes the next move; false when there is none, or none yet.
    fn make_move(&mut self, now: Duration) -> bool {
        let Some(line) = &mut self.line else { return false };
        if !line.is_open() || line.is_sending() {
            return false;
        }
        let Some(step) = self.script.moves.get(self.next_move) else { return false };
        match step {
            Move::Send(bytes) => {
                line.send(bytes, now);
                self.sends += 1;
                self.sent_len += bytes.len();
                if !line.is_sending() {
                    self.gone_len = self.sent_len;
                }
                self.active_at = now;
                self.has_left |= line.has_broken_off();
            }
            Move::Pause(time) => self.resume_at = now + *time,
            Move::AwaitReplies(count) if self.replies < *count => return false,
            Move::AwaitContinue(index) if self.replies <= *index && !self.continued[*index] => {
                return false;
            }
            Move::AwaitReplies(_) | Move::AwaitContinue(_) => {}
            Move::ShutdownWrite => {
                line.shutdown_write();
                self.has_shut_down = true;
                self.active_at = now;
            }
            Move::Close => {
                line.close();
                self.has_left = true;
            }
            Move::Reset => {
                line.reset();
                self.has_left = true;
            }
        }
        self.next_move += 1;
        !self.has_left
    }

    fn look_for_end(&mut self, now: Duration, facts: Circumstances) -> Result<(), String> {
        let Some(line) = self.line.as_mut().filter(|_| !self.has_left) else { return Ok(()) };
        let Some(end) = line.end() else { return Ok(()) };
        let rest = line.read_rest()?;
        let is_said = end == End::Reset || !line.is_open() || line.is_end_said();
        (self.end, self.ended_at) = (Some(end), Some(now));
        self.take(&rest, facts)?;
        self.judge_tail(facts)?;
        // Who is cut, or leaves in the middle of a request, is told nothing.
        let is_served = self.is_over || (self.replies > 0 && self.answered() == self.sent_len);
        match is_said || !is_served || facts.is_draining || facts.may_time_out {
            true => Ok(()),
            false => Err("the end came without close_notify".to_owned()),
        }
    }

    /// A reply that is not complete must be the beginning of the one due.
    fn judge_tail(&self, facts: Circumstances) -> Result<(), String> {
        let facts = Circumstances {
            may_time_out: facts.may_time_out || self.script.is_late,
            may_be_old: true,
            ..facts
        };
        let (head, content) = self.received.tail()?;
        match (head, &content[..]) {
            (Some(head), content) => {
                let expected = self.expected()?;
                judge(head, content, false, expected, facts)
                    .map(drop)
                    .map_err(|fault| format!("cut reply {}: {fault}", self.replies))
            }
            (None, []) => Ok(()),
            (None, bytes) => {
                self.expected()?;
                let len = bytes.len().min(STATUS_LINE.len());
                match bytes[..len] == STATUS_LINE[..len] {
                    true => Ok(()),
                    false => Err(format!("a cut head: {:?}", String::from_utf8_lossy(bytes))),
                }
            }
        }
    }
}

const STATUS_LINE: &[u8] = b"HTTP/1.1 ";
/// After this time the server has given up every client that does not read: it may look now.
const GIVEN_UP: Duration = Duration::from_secs(110);
/// The server's deadlines with their resolution, and the delays that faults may have left behind.
const FIRST_HEAD_MAX: Duration = Duration::from_secs(12);
const KEEP_ALIVE_MAX: Duration = Duration::from_secs(80);
const NOTHING_CAME: Duration = Duration::from_millis(100);
/// A linger, and what delays have left behind.
const GONE_MAX: Duration = Duration::from_secs(3);
const LOOK_AGAIN: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_micros(1);
