//! A thread with many visitors, and the poll that tells which of them can go on.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Registry, Token};
use socket2::SockRef;

use super::visitor::{Next, Tally, Visitor};
use crate::load::{Stream, start_session};

/// What all crews share.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) address: SocketAddr,
    pub(crate) is_tls: bool,
    pub(crate) seed: u64,
    /// Replies of all crews that were right, in steps.
    pub(crate) checked: AtomicU64,
    pub(crate) wanted: u64,
    /// Set by whoever finds something wrong, or by the clock.
    pub(crate) is_over: AtomicBool,
}

/// Sends visitors until the replies wanted were checked.
///
/// # Errors
/// The first reply that is not the one due, or a failed connection.
pub(crate) fn work(run: &Run, first_index: usize, visitor_count: usize) -> Result<Tally> {
    let checked = visit(run, first_index, visitor_count);
    if checked.is_err() {
        // ORDERING: Relaxed: the others may see it a turn later; the threads are joined.
        run.is_over.store(true, Ordering::Relaxed);
    }
    checked
}

fn visit(run: &Run, first_index: usize, visitor_count: usize) -> Result<Tally> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(EVENT_COUNT_MAX);
    let mut visitors = Vec::with_capacity(visitor_count);
    for index in 0..visitor_count {
        let stream = connect(run, poll.registry(), index)?;
        visitors.push(Visitor::new(stream, (first_index + index) as u64, run.seed));
    }
    let mut tally = Tally::default();
    let mut told = 0;
    let mut again: Vec<usize> = Vec::new();
    // ORDERING: Relaxed: a flag and a count that nothing else depends on.
    while !run.is_over.load(Ordering::Relaxed) && run.checked.load(Ordering::Relaxed) < run.wanted {
        let wait = if again.is_empty() { WAIT } else { Duration::ZERO };
        match poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        let ready = std::mem::take(&mut again);
        for index in ready.into_iter().chain(events.iter().map(|event| event.token().0)) {
            let visitor = &mut visitors[index];
            match visitor.turn(&mut tally).with_context(|| format!("visitor {index}"))? {
                Next::Wait => {}
                Next::Again => again.push(index),
                Next::HangUp => {
                    // Half of them leave without a word, the others with a reset.
                    let _ = SockRef::from(visitor.stream().socket())
                        .set_linger((index % 2 == 0).then_some(Duration::ZERO));
                    let _ = visitor.reconnect(connect(run, poll.registry(), index)?);
                    again.push(index);
                }
            }
        }
        let count = tally.total();
        // ORDERING: Relaxed: as above.
        run.checked.fetch_add(count - told, Ordering::Relaxed);
        told = count;
    }
    Ok(tally)
}

fn connect(run: &Run, registry: &Registry, index: usize) -> Result<Stream<TcpStream>> {
    let mut socket = TcpStream::connect(run.address).context("the server refuses")?;
    socket.set_nodelay(true)?;
    registry.register(&mut socket, Token(index), Interest::READABLE | Interest::WRITABLE)?;
    let session = run.is_tls.then(|| start_session(run.address)).transpose()?;
    Ok(Stream::new(socket, session))
}

/// Often enough to see the end.
const WAIT: Duration = Duration::from_millis(50);
/// What is left over comes next turn.
const EVENT_COUNT_MAX: usize = 1_024;
