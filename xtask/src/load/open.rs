//! The open loop: requests are due at random moments whatever the server does, as from users who do
//! not know of each other. Latency counts from the moment when a request was due, so that one slow
//! reply shows in everything that had to wait behind it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::command::{Beside, Target};
use super::crowd::{Crowd, Member};
use super::outcome::{Outcome, Times};

/// A request of one of the kinds, from the moment when it is due.
#[derive(Clone, Copy)]
struct Due {
    at: Instant,
    kind: usize,
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
    /// What is due while no connection is free.
    queue: VecDeque<Due>,
    answered: u64,
    held_back: u64,
    recorded_from: Instant,
}

pub(crate) fn run(
    target: &Target,
    connection_count: usize,
    rate: f64,
    time: Duration,
    beside: Option<&Beside>,
) -> Result<Outcome> {
    let mut crowd = Crowd::connect(target, connection_count)?;
    let mut random = fastrand::Rng::with_seed(SEED);
    let share = beside.map_or(0.0, |beside| beside.share);

    let started = Instant::now();
    let recorded_from = started + WARM_UP;
    let end = recorded_from + time;
    let mut ledger = Ledger::new(target, beside, connection_count, recorded_from);
    let mut due_at = started + gap(&mut random, rate);
    loop {
        let now = Instant::now();
        while due_at <= now && due_at < end {
            let kind = usize::from(random.f64() < share);
            ledger.send(&mut crowd.connections, Due { at: due_at, kind }, now)?;
            due_at += gap(&mut random, rate);
        }
        let is_over = due_at >= end && ledger.open.iter().all(Option::is_none);
        if is_over || now >= end + PATIENCE {
            break;
        }
        crowd.wake_in(due_at.saturating_duration_since(now))?;
        crowd.turn(WAIT, |index, connection, _| {
            ledger.take_reply(index, connection, Instant::now())
        })?;
    }
    Ok(ledger.outcome(target, beside, recorded_from.elapsed()))
}

impl Ledger {
    fn new(
        target: &Target,
        beside: Option<&Beside>,
        connection_count: usize,
        recorded_from: Instant,
    ) -> Self {
        let mut requests = vec![target.request()];
        requests.extend(beside.map(|beside| target.request_for(&beside.path)));
        Self {
            times: requests.iter().map(|_| Times::new()).collect(),
            requests,
            lateness: Times::new(),
            open: vec![None; connection_count],
            free: (0..connection_count).collect(),
            queue: VecDeque::new(),
            answered: 0,
            held_back: 0,
            recorded_from,
        }
    }

    fn send(&mut self, connections: &mut [Member], due: Due, now: Instant) -> Result<()> {
        let Some(index) = self.free.pop_front() else {
            self.held_back += 1;
            self.queue.push_back(due);
            return Ok(());
        };
        if due.at >= self.recorded_from {
            self.lateness.record(now - due.at);
        }
        self.open[index] = Some(due);
        connections[index].send(&self.requests[due.kind])
    }

    fn take_reply(&mut self, index: usize, connection: &mut Member, now: Instant) -> Result<()> {
        if let Some(due) = self.open[index].take()
            && due.at >= self.recorded_from
        {
            self.times[due.kind].record(now - due.at);
            self.answered += 1;
        }
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

    fn outcome(&self, target: &Target, beside: Option<&Beside>, time: Duration) -> Outcome {
        let paths = [&target.path].into_iter().chain(beside.map(|beside| &beside.path));
        let open_count = self.open.iter().flatten().count();
        Outcome {
            requests: self.answered,
            seconds: time.as_secs_f64(),
            latencies: paths.zip(&self.times).map(|(path, times)| times.latency(path)).collect(),
            lateness: Some(self.lateness.latency("the load tool")),
            held_back: self.held_back,
            unanswered: (open_count + self.queue.len()) as u64,
            cpu: None,
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
/// How long to wait for the last replies.
const PATIENCE: Duration = Duration::from_secs(5);
/// Often enough to see the end.
const WAIT: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_keep_the_rate() {
        let mut random = fastrand::Rng::with_seed(SEED);
        let sum: Duration = (0..100_000).map(|_| gap(&mut random, 1_000.0)).sum();
        assert!((sum.as_secs_f64() / 100.0 - 1.0).abs() < 0.02, "{sum:?}");
    }
}
