//! A client at work: plays its script, reads what comes, and holds it against the model at once.

use std::fmt;
use std::time::Duration;

use waterwheel::Limits;
use waterwheel::reactor::sim::{Client, End, World};

use super::exchange::Expectation;
use super::model::Expected;
use super::replies::Received;
use super::script::{Move, Reading, Script};
use super::verdict::{Circumstances, Kind, judge};

pub(crate) struct Visitor {
    pub(crate) script: Script,
    client: Option<Client>,
    pub(crate) connected_at: Option<Duration>,
    next_move: usize,
    resume_at: Duration,
    read_at: Duration,
    /// Pieces sent, and their bytes.
    pub(crate) sends: usize,
    pub(crate) sent_len: usize,
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
            client: None,
            connected_at: None,
            next_move: 0,
            sends: 0,
            sent_len: 0,
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
        facts: Circumstances,
        age_max: Duration,
    ) -> Result<(), String> {
        let now = world.now();
        if now < self.script.start || self.is_done() {
            return Ok(());
        }
        if self.client.is_none() {
            self.connect(world);
        }
        let connected_at = self.connected_at.unwrap_or(now);
        let facts = Circumstances {
            may_time_out: facts.may_time_out || self.script.is_late,
            may_be_old: now.saturating_sub(connected_at) >= age_max,
            ..facts
        };
        self.read(now, facts)?;
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
            Reading::Prompt => None,
            Reading::Slow(..) => Some(self.read_at),
            Reading::Never => Some(self.read_at.max(self.active_at + GIVEN_UP)),
        };
        let resume = (self.resume_at > now).then_some(self.resume_at);
        [read, resume].into_iter().flatten().min()
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
        if self.is_done() || self.connected_at.is_none() || self.script.reading == Reading::Never {
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
            let answered = self.replies.checked_sub(1).map_or(0, |last| self.script.ends[last]);
            self.was_idle_at_drain = answered == self.sent_len;
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

    /// How many whole requests have been sent.
    fn asked(&self) -> usize {
        self.script.ends.iter().filter(|end| **end <= self.sent_len).count()
    }

    /// Whether it may have lost replies because it sent on and on behind the last one
    /// (RFC 9112 §9.6).
    pub(crate) fn may_have_flooded(&self, limits: &Limits) -> bool {
        self.end == Some(End::Reset) && self.sent_len > limits.linger_len_max
    }

    /// Reads all that is left, however slowly it was read before.
    pub(crate) fn read_rest(&mut self, facts: Circumstances) -> Result<(), String> {
        if let Some(client) = &self.client {
            let bytes = client.read(usize::MAX);
            self.end = self.end.or(client.end());
            self.take(&bytes, facts)?;
        }
        self.judge_tail(facts)
    }

    fn connect(&mut self, world: &World) {
        let client = world.connect();
        match self.script.reading {
            Reading::Prompt => {}
            Reading::Slow(window, _) => {
                client.set_auto_read(false);
                client.set_receive_window(window);
            }
            Reading::Never => {
                client.set_auto_read(false);
                client.set_receive_window(NEVER_READ_WINDOW);
            }
        }
        self.client = Some(client);
        self.connected_at = Some(world.now());
        self.active_at = world.now();
    }

    fn read(&mut self, now: Duration, facts: Circumstances) -> Result<(), String> {
        let Some(client) = &self.client else { return Ok(()) };
        let bytes = match self.script.reading {
            Reading::Prompt => client.received(),
            Reading::Slow(window, every) if now >= self.read_at => {
                let bytes = client.read(window);
                let pause = if bytes.is_empty() { every.max(NOTHING_CAME) } else { every };
                self.read_at = now + pause;
                bytes
            }
            Reading::Never if now >= self.active_at + GIVEN_UP => {
                self.read_at = now + LOOK_AGAIN;
                let bytes = client.read(usize::MAX);
                if facts.is_orderly && !bytes.is_empty() && client.end().is_none() {
                    return Err("a client that does not read is waited for".to_owned());
                }
                bytes
            }
            _ => return Ok(()),
        };
        if !bytes.is_empty() {
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
        let begin = self.replies.checked_sub(1).map_or(0, |last| self.script.ends[last]);
        match self.script.exchanges.get(self.replies) {
            Some(exchange) if begin < self.sent_len => Ok(&exchange.expected),
            _ => Err(format!("reply {} answers nothing", self.replies)),
        }
    }

    /// Makes the next move; false when there is none, or none yet.
    fn make_move(&mut self, now: Duration) -> bool {
        let Some(client) = &self.client else { return false };
        let Some(step) = self.script.moves.get(self.next_move) else { return false };
        match step {
            Move::Send(bytes) => {
                client.send(bytes);
                self.sends += 1;
                self.sent_len += bytes.len();
                self.active_at = now;
            }
            Move::Pause(time) => self.resume_at = now + *time,
            Move::AwaitReplies(count) if self.replies < *count => return false,
            Move::AwaitContinue(index) if self.replies <= *index && !self.continued[*index] => {
                return false;
            }
            Move::AwaitReplies(_) | Move::AwaitContinue(_) => {}
            Move::ShutdownWrite => {
                client.shutdown_write();
                self.has_shut_down = true;
                self.active_at = now;
            }
            Move::Close => {
                client.close();
                self.has_left = true;
            }
            Move::Reset => {
                client.reset();
                self.has_left = true;
            }
        }
        self.next_move += 1;
        !self.has_left
    }

    fn look_for_end(&mut self, now: Duration, facts: Circumstances) -> Result<(), String> {
        let Some(client) = &self.client else { return Ok(()) };
        if self.has_left {
            return Ok(());
        }
        let Some(end) = client.end() else { return Ok(()) };
        let rest = client.read(usize::MAX);
        (self.end, self.ended_at) = (Some(end), Some(now));
        self.take(&rest, facts)?;
        self.judge_tail(facts)
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

/// The story of this client, for whoever looks into a failure.
impl fmt::Display for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Script { exchanges, replies_due, reading, is_late, moves, ends, .. } = &self.script;
        writeln!(
            f,
            "connected {:?}, end {:?} at {:?}, left {}, {} of {replies_due} replies, sent {}, {reading:?}, \
             late {is_late}, move {} of {}: {:?}",
            self.connected_at,
            self.end,
            self.ended_at,
            self.has_left,
            self.replies,
            self.sent_len,
            self.next_move,
            moves.len(),
            moves.get(self.next_move),
        )?;
        for (exchange, end) in exchanges.iter().zip(ends) {
            let line = exchange.head.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let line: String = String::from_utf8_lossy(line).chars().take(60).collect();
            let (body_len, expected) = (exchange.body.len(), &exchange.expected);
            let (status, persistence) = (expected.status, expected.persistence);
            writeln!(f, "    {line:?} +{body_len}, ends at {end}: {status} {persistence:?}")?;
        }
        let (head, tail) = self.received.tail().unwrap_or_default();
        write!(f, "    {head:?} {:?}", String::from_utf8_lossy(&tail[..tail.len().min(200)]))
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
/// Small, so that a client that never reads is soon one that owes us room.
const NEVER_READ_WINDOW: usize = 2000;
