//! The closed loop: a connection sends its next batch when the last one is answered. It finds what
//! a server can do at most, and says little of latency: a slow server is asked less.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::command::Target;
use super::crowd::{Crowd, Temper};
use super::outcome::{Outcome, Times};
use super::watch::Watch;

/// How long to load, and whom to watch meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Loaded for so long before anything counts: connections are accepted and caches settle.
    pub(crate) warm_up: Duration,
    pub(crate) time: Duration,
    /// The server's process, where its CPU is to be read as the window begins and ends.
    pub(crate) watched: Option<u32>,
}

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
    window: Window,
) -> Result<Outcome> {
    let requests = target.request().repeat(depth);
    let mut crowd = Crowd::connect(target, connection_count, Temper::Strict)?;
    let started = Instant::now();
    let mut batches = vec![Batch { sent_at: started, replies_due: depth }; connection_count];
    for connection in &mut crowd.connections {
        connection.send(&requests)?;
    }
    let mut load = |time: Duration| -> Result<(u64, Times, Duration)> {
        let mut times = Times::new();
        let mut request_count = 0;
        let started = Instant::now();
        while started.elapsed() < time {
            crowd.turn(WAIT, |index, connection, reply_count| {
                let now = Instant::now();
                let batch = &mut batches[index];
                for _ in 0..reply_count {
                    times.record(now - batch.sent_at);
                }
                request_count += reply_count as u64;
                batch.replies_due = batch.replies_due.saturating_sub(reply_count);
                if batch.replies_due == 0 {
                    *batch = Batch { sent_at: now, replies_due: depth };
                    connection.send(&requests)?;
                }
                Ok(())
            })?;
        }
        Ok((request_count, times, started.elapsed()))
    };

    load(window.warm_up)?;
    let before = Watch::read(window.watched)?;
    let (requests, times, time) = load(window.time)?;
    let used = Watch::read(window.watched)?.used_since(before);
    Ok(Outcome {
        requests,
        seconds: time.as_secs_f64(),
        latencies: vec![times.latency(&target.path)],
        cpu: window.watched.map(|_| used),
        ..Outcome::default()
    })
}

/// Often enough to see the end of the time.
const WAIT: Duration = Duration::from_millis(10);
