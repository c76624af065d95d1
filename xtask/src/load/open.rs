//! The open loop: requests are due at random moments whatever the server does, as from users who do
//! not know of each other. Latency counts from the moment when a request was due, so that one slow
//! reply shows in everything that had to wait behind it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::cause::Causes;
use super::command::{Beside, Target};
use super::crowd::{Broken, Crowd, Member, Temper};
use super::outcome::{Outcome, Times};
use super::watch::Watch;

/// A request of one of the kinds, from the moment when it is due.
#[derive(Clone, Copy)]
struct Due {
    at: Instant,
    kind: usize,
    /// Sent once more already.
    is_second: bool,
}

/// Who waits for what.
struct Ledger {
    /// The requests by kind.
    requests: Vec<Vec<u8>>,
    times: Vec<Times>,
    lateness: Times,
    /// What each connection waits for.
    open: Vec<Option<Due>>,
    free: VecDeque<usize>,
    /// The one that has been free for longest is next.
    in_turn: bool,
    /// Chooses among the free connections.
    random: fastrand::Rng,
    /// Without a connection: the server refused the last one.
    cut_off: Vec<usize>,
    reconnect_at: Instant,
    /// What is due while no connection is free.
    queue: VecDeque<Due>,
    answered: u64,
    held_back: u64,
    refused: u64,
    /// Replies since the recording began, and refusals.
    seen: (u64, u64),
    failed: u64,
    asked_again: u64,
    causes: Causes,
    recorded_from: Instant,
}

/// An open loop.
#[derive(Debug)]
pub(crate) struct Open {
    /// Requests a second, on average.
    pub(crate) rate: f64,
    pub(crate) time: Duration,
    pub(crate) beside: Option<Beside>,
    pub(crate) temper: Temper,
    /// The server's process, to read its CPU while the load counts.
    pub(crate) watched: Option<u32>,
    /// Ask for this path once on each connection before the load begins: a server may close one
    /// that is silent, and where each has its turn only now and then, the first one comes late.
    pub(crate) greeting: Option<String>,
    /// Each connection has its turn, instead of any at random.
    pub(crate) in_turn: bool,
}

pub(crate) fn run(target: &Target, connection_count: usize, open: &Open) -> Result<Outcome> {
    let Open { rate, time, temper, watched, .. } = *open;
    let beside = open.beside.as_ref();
    let mut crowd = match &open.greeting {
        Some(path) => connect_and_greet(target, connection_count, temper, path)?,
        None => Crowd::connect(target, connection_count, temper)?,
    };
    if temper == Temper::Tolerant {
        println!("connected {connection_count}");
    }
    let mut random = fastrand::Rng::with_seed(SEED);
    let share = beside.map_or(0.0, |beside| beside.share);

    let started = Instant::now();
    let recorded_from = started + WARM_UP;
    let end = recorded_from + time;
    let mut ledger = Ledger::new(target, open, connection_count, recorded_from);
    let mut due_at = started + gap(&mut random, rate);
    let mut before = None;
    let mut woken_at = None;
    loop {
        let now = Instant::now();
        if before.is_none() && now >= recorded_from {
            before = Some(Watch::read(watched)?);
        }
        while due_at <= now && due_at < end {
            let kind = usize::from(random.f64() < share);
            ledger.send(&mut crowd.connections, Due { at: due_at, kind, is_second: false })?;
            due_at += gap(&mut random, rate);
        }
        let is_over = due_at >= end && ledger.open.iter().all(Option::is_none);
        if is_over || now >= end + PATIENCE {
            break;
        }
        // At the end replies alone are waited for. Nothing here may spin: at real-time priority
        // that would keep a server from its core.
        if due_at < end && woken_at != Some(due_at) {
            // Where a machine is a virtual one, to set a timer costs as much as to read a reply.
            crowd.wake_in(due_at.saturating_duration_since(now))?;
            woken_at = Some(due_at);
        }
        crowd.turn(WAIT, |index, connection, _| {
            ledger.take_reply(index, connection, Instant::now())
        })?;
        for broken in crowd.take_broken() {
            ledger.take_break(broken, &mut crowd)?;
        }
        if now >= ledger.reconnect_at {
            ledger.reconnect(&mut crowd, now)?;
        }
    }
    let unanswered = ledger.give_up(&crowd.connections);
    let mut outcome = ledger.outcome(target, beside, recorded_from.elapsed());
    outcome.unanswered = unanswered;
    if let Some(before) = before {
        outcome.cpu = Some(Watch::read(watched)?.used_since(before));
    }
    Ok(outcome)
}

/// Connects some at a time and asks once on each of them: no server should have to wait for a first
/// request until thousands of others are connected.
fn connect_and_greet(target: &Target, count: usize, temper: Temper, path: &str) -> Result<Crowd> {
    let mut crowd = Crowd::gather(target, count, temper)?;
    let request = target.request_for(path);
    for first in (0..count).step_by(GREETED_AT_ONCE) {
        let mut left = GREETED_AT_ONCE.min(count - first);
        crowd.extend(left)?;
        for connection in &mut crowd.connections[first..] {
            connection.send(&request)?;
        }
        let deadline = Instant::now() + PATIENCE;
        while left > 0 {
            ensure!(Instant::now() < deadline, "{left} connections get no reply");
            crowd.turn(WAIT, |_, _, _| {
                left -= 1;
                Ok(())
            })?;
            ensure!(crowd.take_broken().is_empty(), "the server breaks connections off");
        }
    }
    Ok(crowd)
}

impl Ledger {
    fn new(target: &Target, open: &Open, connection_count: usize, recorded_from: Instant) -> Self {
        let beside = open.beside.as_ref();
        let mut requests = vec![target.request()];
        requests.extend(beside.map(|beside| target.request_for(&beside.path)));
        Self {
            times: requests.iter().map(|_| Times::new()).collect(),
            requests,
            lateness: Times::new(),
            open: vec![None; connection_count],
            free: (0..connection_count).collect(),
            in_turn: open.in_turn,
            random: fastrand::Rng::with_seed(!SEED),
            cut_off: Vec::new(),
            reconnect_at: recorded_from,
            queue: VecDeque::new(),
            answered: 0,
            held_back: 0,
            refused: 0,
            seen: (0, 0),
            failed: 0,
            asked_again: 0,
            causes: Causes::default(),
            recorded_from,
        }
    }

    /// Sends on any of the free connections, unless each is to have its turn: that spreads requests
    /// over the server's workers more evenly than clients do.
    fn send(&mut self, connections: &mut [Member], due: Due) -> Result<()> {
        let index = match self.free.len() {
            0 => None,
            _ if self.in_turn => self.free.pop_front(),
            count => self.free.swap_remove_back(self.random.usize(..count)),
        };
        let Some(index) = index else {
            self.held_back += u64::from(due.at >= self.recorded_from);
            self.queue.push_back(due);
            return Ok(());
        };
        if due.at >= self.recorded_from {
            self.lateness.record(due.at.elapsed());
        }
        self.open[index] = Some(due);
        connections[index].send(&self.requests[due.kind])
    }

    fn take_reply(&mut self, index: usize, connection: &mut Member, now: Instant) -> Result<()> {
        let refusal = connection.take_refusal();
        if now >= self.recorded_from {
            self.seen.0 += u64::from(refusal.is_none());
            self.seen.1 += u64::from(refusal.is_some());
        }
        if let Some(due) = self.open[index].take()
            && due.at >= self.recorded_from
        {
            if let Some(status) = refusal {
                self.refused += 1;
                self.causes.note(format!("answered {status}"), now - due.at);
            } else {
                self.times[due.kind].record(now - due.at);
                self.answered += 1;
            }
        }
        // Its end is on its way, and brings it back.
        if connection.is_closing() {
            return Ok(());
        }
        self.send_next(index, connection)
    }

    fn send_next(&mut self, index: usize, connection: &mut Member) -> Result<()> {
        match self.queue.pop_front() {
            Some(due) => {
                self.open[index] = Some(due);
                connection.send(&self.requests[due.kind])
            }
            None => {
                self.free.push_back(index);
                Ok(())
            }
        }
    }

    /// Replaces a connection that broke, and sends what it carried once more where a client may.
    fn take_break(&mut self, broken: Broken, crowd: &mut Crowd) -> Result<()> {
        let Broken { index, cause } = broken;
        let broken = &crowd.connections[index];
        let is_proven = broken.is_proven();
        let may_repeat = is_proven && !broken.is_within_reply();
        let is_listed = self.open[index].is_none() && !broken.is_closing();
        let open = self.open[index].take();
        let repeated = open.filter(|due| may_repeat && !due.is_second);
        if let Some(due) = open.filter(|due| due.at >= self.recorded_from) {
            let when = match (repeated, is_proven) {
                (Some(_), _) => ", and asked again",
                (None, true) => " within a reply",
                (None, false) => " before its first reply",
            };
            self.causes.note(format!("{cause}{when}"), due.at.elapsed());
            self.asked_again += u64::from(repeated.is_some());
            self.failed += u64::from(repeated.is_none());
        }
        if let Some(due) = repeated {
            let due = Due { is_second: true, ..due };
            crowd.replace(index)?;
            self.open[index] = Some(due);
            return crowd.connections[index].send(&self.requests[due.kind]);
        }
        if is_listed {
            self.free.retain(|free| *free != index);
        }
        if !is_proven {
            // Whoever is refused and asks again at once does nothing else.
            self.cut_off.push(index);
            return Ok(());
        }
        crowd.replace(index)?;
        self.send_next(index, &mut crowd.connections[index])
    }

    fn reconnect(&mut self, crowd: &mut Crowd, now: Instant) -> Result<()> {
        self.reconnect_at = now + RECONNECT_AFTER;
        for index in std::mem::take(&mut self.cut_off) {
            crowd.replace(index)?;
            self.send_next(index, &mut crowd.connections[index])?;
        }
        Ok(())
    }

    /// Notes what nobody will answer any more, and returns how much that is.
    fn give_up(&mut self, connections: &[Member]) -> u64 {
        let mut count = 0;
        let open = self.open.iter().enumerate();
        let open = open.filter_map(|(index, due)| Some((due.as_ref()?, Some(&connections[index]))));
        for (due, connection) in open.chain(self.queue.iter().map(|due| (due, None))) {
            let cause = match connection {
                None => "never sent for want of a connection",
                Some(connection) if !connection.is_proven() => "no reply on a new connection",
                Some(connection) if connection.is_within_reply() => "no end of a reply",
                Some(_) => "no reply",
            };
            self.causes.note(cause, due.at.elapsed());
            count += 1;
        }
        count
    }

    fn outcome(self, target: &Target, beside: Option<&Beside>, time: Duration) -> Outcome {
        let paths = [&target.path].into_iter().chain(beside.map(|beside| &beside.path));
        let mut latencies: Vec<_> =
            paths.zip(&self.times).map(|(path, times)| times.latency(path)).collect();
        if beside.is_some() {
            latencies.push(Times::sum(&self.times).latency("all"));
        }
        Outcome {
            requests: self.answered,
            seconds: time.as_secs_f64(),
            latencies,
            lateness: Some(self.lateness.latency("the load tool")),
            held_back: self.held_back,
            refused: self.refused,
            seen: self.seen,
            failed: self.failed,
            asked_again: self.asked_again,
            causes: self.causes,
            ..Outcome::default()
        }
    }
}

/// The time to the next request. Exponential gaps make arrivals that know nothing of each other.
fn gap(random: &mut fastrand::Rng, rate: f64) -> Duration {
    Duration::from_secs_f64(-(1.0 - random.f64()).ln() / rate)
}

/// The same arrivals for every server.
const SEED: u64 = 1;
/// Caches, the server's memory and the clock speed settle before anything is recorded.
const WARM_UP: Duration = Duration::from_millis(500);
/// Fewer than the events of a turn.
const GREETED_AT_ONCE: usize = 256;
/// How long to wait for the last replies, and for those to the first ones.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection that was refused waits before it is tried again.
const RECONNECT_AFTER: Duration = Duration::from_millis(50);
/// Often enough to see the end.
const WAIT: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::*;

    /// Answers each connection's first request, some with 503 and some with word of the end, and
    /// then closes.
    fn serve_once_each(listener: &TcpListener) {
        for (index, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut request = [0; 512];
            // A client that leaves without asking is the end of the test.
            if stream.read(&mut request).unwrap_or(0) == 0 {
                return;
            }
            let status = if index % 4 == 3 { 503 } else { 200 };
            let last = if index % 2 == 0 { "connection: close\r\n" } else { "" };
            let reply = format!("HTTP/1.1 {status} So\r\n{last}content-length: 0\r\n\r\n");
            stream.write_all(reply.as_bytes()).unwrap();
        }
    }

    #[test]
    fn refusals_and_breaks_are_counted_and_survived() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target::root_of(listener.local_addr().unwrap());
        let server = thread::spawn(move || serve_once_each(&listener));
        let open = Open {
            rate: 400.0,
            time: Duration::from_millis(200),
            beside: None,
            temper: Temper::Tolerant,
            watched: None,
            greeting: None,
            in_turn: false,
        };
        let outcome = run(&target, 1, &open).unwrap();
        assert!(outcome.requests > 0 && outcome.refused > 0, "{outcome:?}");
        assert_eq!((outcome.failed, outcome.unanswered), (0, 0), "{outcome:?}");
        // Ends the server if the load's last connection has not; if it has, nobody listens.
        let _ = TcpStream::connect(target.address);
        server.join().unwrap();
    }

    #[test]
    fn gaps_keep_the_rate() {
        let mut random = fastrand::Rng::with_seed(SEED);
        let sum: Duration = (0..100_000).map(|_| gap(&mut random, 1_000.0)).sum();
        assert!((sum.as_secs_f64() / 100.0 - 1.0).abs() < 0.02, "{sum:?}");
    }
}
