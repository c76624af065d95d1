//! The closed loop: a connection sends its next batch when the last one is answered. It finds what
//! a server can do at most, and says little of latency: a slow server is asked less.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::command::Target;
use super::crowd::Crowd;
use super::outcome::{Outcome, Times};

/// What a connection waits for.
#[derive(Clone, Copy)]
struct Batch {
    sent_at: Instant,
    replies_due: usize,
}

pub(crate) fn run(
    target: &Target,
    connection_count: usize,
    depth: usize,
    time: Duration,
) -> Result<Outcome> {
    let requests = target.request().repeat(depth);
    let mut crowd = Crowd::connect(target, connection_count)?;
    let mut times = Times::new();
    let mut outcome = Outcome::default();

    let started = Instant::now();
    let mut batches = vec![Batch { sent_at: started, replies_due: depth }; connection_count];
    for connection in &mut crowd.connections {
        connection.send(&requests)?;
    }
    while started.elapsed() < time {
        crowd.turn(WAIT, |index, connection, reply_count| {
            let now = Instant::now();
            let batch = &mut batches[index];
            for _ in 0..reply_count {
                times.record(now - batch.sent_at);
            }
            outcome.requests += reply_count as u64;
            batch.replies_due = batch.replies_due.saturating_sub(reply_count);
            if batch.replies_due == 0 {
                *batch = Batch { sent_at: now, replies_due: depth };
                connection.send(&requests)?;
            }
            Ok(())
        })?;
    }
    outcome.seconds = started.elapsed().as_secs_f64();
    outcome.latencies.push(times.latency(&target.path));
    Ok(outcome)
}

/// Often enough to see the end of the time.
const WAIT: Duration = Duration::from_millis(10);
