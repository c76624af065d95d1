//! Hostile clients: connections that cost a server something and give it nothing. Each kind keeps
//! its number of connections open, and comes back when the server ends one. Counts what the server
//! did about them; what it does to others is for another load to find.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::ValueEnum;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};
use socket2::{SockRef, TcpKeepalive};

use super::command::Target;
use super::dial::{dial, reset_when_dropped};
use super::outcome::{Latency, Times};
use super::stream::{Stream, start_session};

/// What an attacker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Connects and says nothing, not even a handshake.
    Silent,
    /// A request, and then a connection that is kept for nothing.
    Idle,
    /// A head that comes byte by byte and never ends.
    SlowHead,
    /// A body that comes byte by byte.
    SlowBody,
    /// Many requests at once, and hardly any reading.
    SlowReader,
    /// A request, and a reset before the reply was read.
    Reset,
    /// Connects and leaves.
    Storm,
    /// A thousand requests at once, and reads all.
    Deep,
}

/// An attack.
#[derive(Clone, Debug)]
pub(crate) struct Attack {
    /// Connections are dealt out to them in turn.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) time: Duration,
    /// How long an attacker waits from one act to the next.
    pub(crate) pace: Duration,
}

/// What became of the attackers of one kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Fate {
    pub(crate) connections: u64,
    /// Ended by the server, before the attacker would have.
    pub(crate) ended: u64,
    /// How long those had lasted.
    pub(crate) lasted: Option<Latency>,
    /// The longest that a connection lasts which is still open.
    pub(crate) oldest_seconds: f64,
    /// Replies by their status, of those whose end was read.
    pub(crate) statuses: BTreeMap<u16, u64>,
}

/// By kind.
pub(crate) type Fates = BTreeMap<Kind, Fate>;

/// A connection of an attacker.
struct Attacker {
    kind: Kind,
    stream: Option<Stream<TcpStream>>,
    opened_at: Instant,
    acts_at: Instant,
    /// Requests of which nothing was taken yet.
    unsent: Vec<u8>,
}

struct Camp {
    target: Target,
    attack: Attack,
    poll: Poll,
    attackers: Vec<Attacker>,
    fates: BTreeMap<Kind, (Fate, Times)>,
    room: Vec<u8>,
}

/// Attacks, and tells the fate of each kind.
pub(crate) fn run(target: &Target, count: usize, attack: &Attack) -> Result<Fates> {
    let mut camp = Camp::new(target, count, attack)?;
    let mut events = Events::with_capacity(EVENT_COUNT_MAX);
    let end = Instant::now() + attack.time;
    let mut next = 0;
    while Instant::now() < end {
        match camp.poll.poll(&mut events, Some(WAIT)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            let is_over = event.is_read_closed() || event.is_error();
            camp.hear(event.token().0, is_over);
        }
        // A part of them at a time, so that nobody waits long for those who act.
        for _ in 0..count.min(ACTS_MAX) {
            camp.act(next)?;
            next = (next + 1) % count;
        }
    }
    Ok(camp.fates())
}

impl Kind {
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

impl Camp {
    fn new(target: &Target, count: usize, attack: &Attack) -> Result<Self> {
        let now = Instant::now();
        let mut camp = Self {
            target: target.clone(),
            attack: attack.clone(),
            poll: Poll::new()?,
            attackers: Vec::with_capacity(count),
            fates: BTreeMap::new(),
            room: vec![0; ROOM_LEN],
        };
        for index in 0..count {
            let kind = attack.kinds[index % attack.kinds.len()];
            // Spread over the pace, so that they do not come and act all at once.
            let acts_at = now + attack.pace.mul_f64(index as f64 / count as f64);
            let attacker =
                Attacker { kind, stream: None, opened_at: now, acts_at, unsent: Vec::new() };
            camp.attackers.push(attacker);
            camp.fates.entry(kind).or_insert_with(|| (Fate::default(), Times::new()));
        }
        Ok(camp)
    }

    /// Lets an attacker do what is its to do, once it is time.
    fn act(&mut self, index: usize) -> Result<()> {
        let now = Instant::now();
        if self.attackers[index].acts_at > now {
            return Ok(());
        }
        self.attackers[index].acts_at = now + self.attack.pace;
        if self.attackers[index].stream.is_none() {
            self.open(index, now)?;
        }
        let kind = self.attackers[index].kind;
        let attacker = &mut self.attackers[index];
        let Some(stream) = &mut attacker.stream else { return Ok(()) };
        let is_sent = attacker.unsent.is_empty();
        let said = match kind {
            Kind::SlowHead if is_sent => stream.write(b"a"),
            Kind::SlowBody if is_sent => stream.write(b"b"),
            Kind::SlowReader if is_sent => stream.read(&mut self.room[..1]),
            Kind::Deep if is_sent => {
                attacker.unsent = self.target.request().repeat(DEPTH);
                Ok(1)
            }
            // These leave when their time has come, and come back at once.
            Kind::Reset | Kind::Storm if now - attacker.opened_at >= self.attack.pace => {
                if kind == Kind::Reset {
                    reset_when_dropped(stream.socket());
                }
                attacker.stream = None;
                return self.open(index, now);
            }
            _ => Ok(1),
        };
        match said {
            Err(error) if waits(&error) => {}
            Ok(len) if len > 0 => {}
            _ => self.take_end(index),
        }
        self.send(index);
        Ok(())
    }

    fn open(&mut self, index: usize, now: Instant) -> Result<()> {
        let kind = self.attackers[index].kind;
        let mut socket = dial(self.target.address, self.target.sources, index)?;
        if kind == Kind::SlowReader {
            let socket = SockRef::from(&socket);
            socket.set_recv_buffer_size(SLOW_READER_ROOM)?;
            // A kernel that gives up a peer without room tells it only when it asks.
            let probes = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_AFTER);
            socket.set_tcp_keepalive(&probes)?;
        }
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut socket, Token(index), interest)?;
        // Whoever says nothing says no hello either.
        let is_tls = self.target.is_tls && kind != Kind::Silent && kind != Kind::Storm;
        let session = is_tls.then(|| start_session(self.target.address)).transpose()?;
        let attacker = &mut self.attackers[index];
        attacker.stream = Some(Stream::new(socket, session));
        attacker.opened_at = now;
        attacker.unsent = match kind {
            Kind::Silent | Kind::Storm => Vec::new(),
            Kind::Idle | Kind::Reset => self.target.request(),
            Kind::SlowHead => b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ".to_vec(),
            Kind::SlowBody => SLOW_BODY.to_vec(),
            Kind::SlowReader | Kind::Deep => self.target.request().repeat(DEPTH),
        };
        let (fate, _) = self.fates.entry(kind).or_insert_with(|| (Fate::default(), Times::new()));
        fate.connections += 1;
        self.send(index);
        Ok(())
    }

    /// Sends what the socket takes of what is still to be sent.
    fn send(&mut self, index: usize) {
        let attacker = &mut self.attackers[index];
        let Some(stream) = &mut attacker.stream else { return };
        // What is broken shows when it is read.
        let _ = stream.flush();
        while !attacker.unsent.is_empty() {
            match stream.write(&attacker.unsent) {
                Ok(len) => drop(attacker.unsent.drain(..len)),
                Err(_) => return,
            }
        }
    }

    /// Hears what the server says, but for slow readers; an end is noted.
    fn hear(&mut self, index: usize, is_over: bool) {
        self.send(index);
        let attacker = &mut self.attackers[index];
        let Some(stream) = &mut attacker.stream else { return };
        if attacker.kind == Kind::SlowReader && !is_over {
            return;
        }
        loop {
            match stream.read(&mut self.room) {
                Err(error) if waits(&error) => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(len) if len > 0 => {
                    if let Some(status) = status(&self.room[..len]) {
                        let kind = attacker.kind;
                        if let Some((fate, _)) = self.fates.get_mut(&kind) {
                            *fate.statuses.entry(status).or_default() += 1;
                        }
                    }
                }
                _ => return self.take_end(index),
            }
        }
    }

    /// The server ended a connection. Its owner comes back when it acts next.
    fn take_end(&mut self, index: usize) {
        let attacker = &mut self.attackers[index];
        attacker.stream = None;
        attacker.unsent.clear();
        if let Some((fate, lasted)) = self.fates.get_mut(&attacker.kind) {
            fate.ended += 1;
            lasted.record(attacker.opened_at.elapsed());
        }
    }

    fn fates(mut self) -> Fates {
        for attacker in self.attackers.iter().filter(|attacker| attacker.stream.is_some()) {
            if let Some((fate, _)) = self.fates.get_mut(&attacker.kind) {
                let seconds = attacker.opened_at.elapsed().as_secs_f64();
                fate.oldest_seconds = fate.oldest_seconds.max(seconds);
            }
        }
        let fate = |(kind, (mut fate, lasted)): (Kind, (Fate, Times))| {
            fate.lasted = (fate.ended > 0).then(|| lasted.latency("ended by the server"));
            (kind, fate)
        };
        self.fates.into_iter().map(fate).collect()
    }
}

/// The status of a reply that begins here.
fn status(bytes: &[u8]) -> Option<u16> {
    let rest = bytes.strip_prefix(b"HTTP/1.1 ")?;
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}

/// A connection that is still being made takes and gives nothing yet.
fn waits(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}

/// Longer than any patience, and shorter than any limit.
const SLOW_BODY: &[u8] = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n";
/// Requests at a time.
const DEPTH: usize = 1_000;
/// The least that the kernel allows, so that the server's buffer fills soon.
const SLOW_READER_ROOM: usize = 1;
/// How long a slow reader hears nothing before its kernel asks whether the server is still there.
const PROBE_AFTER: Duration = Duration::from_secs(5);
/// Attackers that act between two looks at what came.
const ACTS_MAX: usize = 1_000;
/// Often enough to act on time, and a few at a time: thousands of clients do not act in step.
const WAIT: Duration = Duration::from_millis(1);
/// What is left over comes next turn.
const EVENT_COUNT_MAX: usize = 4_096;
/// What is read and thrown away at a time.
const ROOM_LEN: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Reads a little of each connection and ends it with 408.
    fn serve(listener: &TcpListener, count: usize) {
        for stream in listener.incoming().take(count) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 512]).unwrap();
            stream.write_all(b"HTTP/1.1 408 Slow\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
    }

    #[test]
    fn what_the_server_does_about_attackers_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target::root_of(listener.local_addr().unwrap());
        let server = thread::spawn(move || serve(&listener, 2));
        let attack = Attack {
            kinds: vec![Kind::SlowHead, Kind::SlowBody],
            time: Duration::from_millis(300),
            // So that nobody comes back within the test.
            pace: Duration::from_secs(60),
        };
        let mut camp = Camp::new(&target, 2, &attack).unwrap();
        camp.attackers.iter_mut().for_each(|attacker| attacker.acts_at = Instant::now());
        camp.act(0).unwrap();
        camp.act(1).unwrap();
        let mut events = Events::with_capacity(16);
        while camp.fates.values().map(|(fate, _)| fate.ended).sum::<u64>() < 2 {
            camp.poll.poll(&mut events, Some(Duration::from_secs(10))).unwrap();
            assert!(!events.is_empty(), "the server ends them");
            for event in &events {
                camp.hear(event.token().0, event.is_read_closed());
            }
        }
        let fates = camp.fates();
        for kind in [Kind::SlowHead, Kind::SlowBody] {
            assert_eq!((fates[&kind].connections, fates[&kind].ended), (1, 1));
            assert_eq!(fates[&kind].statuses, [(408, 1)].into());
        }
        server.join().unwrap();
    }
}
