//! A client's way to the server: bytes as they are, or in the records of TLS.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use waterwheel::reactor::sim::{Client, End, World};

use super::script::Reading;
use super::secured::{Secured, Session};

pub(crate) struct Line {
    client: Client,
    session: Option<Box<Session>>,
    reading: Reading,
    /// Sealed and not sent, and when its next piece goes out.
    unsent: Vec<u8>,
    send_at: Duration,
    /// Cuts what is sealed, wherever it is. In the clear the script does that.
    rng: Rng,
    piece_max: usize,
    piece_len: usize,
    /// It does not even begin a handshake.
    is_mute: bool,
    /// It leaves before so many bytes of its handshake have gone out.
    breaks_off_at: Option<usize>,
    has_broken_off: bool,
}

impl Line {
    pub(crate) fn connect(
        world: &World,
        reading: Reading,
        secured: Option<&Secured>,
        seed: u64,
        is_silent: bool,
    ) -> Self {
        let mut rng = Rng::with_seed(seed);
        let session = secured.map(|secured| Box::new(Session::new(secured, rng.u64(..))));
        let piece_max = match rng.u8(..6) {
            0 => 1,
            1 => 50,
            2 => 2000,
            _ => usize::MAX,
        };
        let is_mute = is_silent && rng.bool();
        let breaks_off_at = (session.is_some() && rng.u8(..20) == 0).then(|| rng.usize(..600));
        let mut line = Self {
            client: world.connect(),
            session,
            reading,
            unsent: Vec::new(),
            send_at: world.now(),
            rng,
            piece_max,
            piece_len: piece_max,
            is_mute,
            breaks_off_at,
            has_broken_off: false,
        };
        match line.session {
            None => line.begin_reading(),
            Some(_) if is_mute => {}
            Some(_) => line.queue_own(),
        }
        line
    }

    /// Whether requests can be sent: the handshake is over.
    pub(crate) fn is_open(&self) -> bool {
        self.session.as_ref().is_none_or(|session| session.is_open())
    }

    /// Whether the server has to go on with the handshake.
    pub(crate) fn awaits_handshake(&self) -> bool {
        !self.is_open() && !self.is_mute && !self.is_sending()
    }

    /// Whether it has left in the middle of its handshake.
    pub(crate) fn has_broken_off(&self) -> bool {
        self.has_broken_off
    }

    pub(crate) fn is_resumed(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.is_resumed())
    }

    /// Whether something is still to be sent that the script has sent.
    pub(crate) fn is_sending(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// When it sends again by itself.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.is_sending().then_some(self.send_at)
    }

    /// What came over the wire, where that is not what was meant.
    pub(crate) fn sealed(&self) -> &[u8] {
        self.session.as_ref().map_or(&[], |session| &session.sealed)
    }

    /// Sends what is due of what is sealed. Whether that was anything.
    pub(crate) fn flush(&mut self, now: Duration) -> bool {
        if self.unsent.is_empty() || now < self.send_at {
            return false;
        }
        let left = self.unsent.len();
        let len = self.rng.usize(1..=self.piece_len.min(left));
        let rest = self.unsent.split_off(len.max(self.piece_len / 2).min(left));
        self.client.send(&self.unsent);
        match &mut self.breaks_off_at {
            Some(left) if *left < self.unsent.len() => {
                self.client.reset();
                self.has_broken_off = true;
            }
            Some(left) => *left -= self.unsent.len(),
            None => {}
        }
        self.unsent = rest;
        self.send_at = now + Duration::from_micros(self.rng.u64(1..3000));
        true
    }

    pub(crate) fn send(&mut self, bytes: &[u8], now: Duration) {
        match &mut self.session {
            None => self.client.send(bytes),
            Some(session) => {
                self.unsent.extend(session.seal(bytes));
                // A long one is not cut into more pieces than its connection has time for.
                self.piece_len = match bytes.len() {
                    0..10 => usize::MAX,
                    _ => self.piece_max.max(self.unsent.len() / 30),
                };
                self.flush(now);
            }
        }
    }

    /// What has come, as far as this client reads: up to `count` bytes on the wire, or all.
    pub(crate) fn read(&mut self, count: Option<usize>) -> Result<Vec<u8>, String> {
        let is_handshaking = !self.is_open();
        let bytes = match count {
            Some(count) if !is_handshaking => self.client.read(count),
            _ => self.client.received(),
        };
        self.open(&bytes, is_handshaking)
    }

    /// All that is left.
    pub(crate) fn read_rest(&mut self) -> Result<Vec<u8>, String> {
        let bytes = self.client.read(usize::MAX);
        self.open(&bytes, !self.is_open())
    }

    fn open(&mut self, bytes: &[u8], is_handshaking: bool) -> Result<Vec<u8>, String> {
        let Some(session) = &mut self.session else { return Ok(bytes.to_vec()) };
        let plain = session.open(bytes)?;
        let is_through = is_handshaking && session.is_open();
        self.queue_own();
        if is_through {
            self.begin_reading();
        }
        Ok(plain)
    }

    pub(crate) fn end(&self) -> Option<End> {
        self.client.end()
    }

    /// Whether the server has said that it is the end, where it can.
    pub(crate) fn is_end_said(&mut self) -> bool {
        self.session.as_mut().is_none_or(|session| session.is_ended())
    }

    pub(crate) fn shutdown_write(&mut self) {
        self.part(false);
        self.client.shutdown_write();
    }

    pub(crate) fn close(&mut self) {
        self.part(true);
        self.client.close();
    }

    pub(crate) fn reset(&mut self) {
        self.part(true);
        self.client.reset();
    }

    /// Sends the last bytes, which may be a part of a record if `can_break`.
    fn part(&mut self, can_break: bool) {
        let Some(session) = &mut self.session else { return };
        let last = session.farewell(can_break);
        if !last.is_empty() {
            self.client.send(&last);
        }
    }

    /// Takes up what the session says by itself.
    fn queue_own(&mut self) {
        if let Some(session) = &mut self.session {
            self.unsent.extend(session.outgoing());
        }
    }

    /// Reads from now on as the script says: a handshake is read at once.
    fn begin_reading(&mut self) {
        let window = match self.reading {
            Reading::Prompt => return,
            Reading::Slow(window, _) => window,
            Reading::Never => NEVER_READ_WINDOW,
        };
        self.client.set_auto_read(false);
        self.client.set_receive_window(window);
    }
}

/// For whoever looks into a failure.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("open", &self.is_open())
            .field("received", &self.sealed().len())
            .field("unsent", &self.unsent.len())
            .field("send_at", &self.send_at)
            .field("piece_len", &self.piece_len)
            .field("has_broken_off", &self.has_broken_off)
            .finish_non_exhaustive()
    }
}

/// Small, so that a client that never reads is soon one that owes us room.
const NEVER_READ_WINDOW: usize = 2000;
