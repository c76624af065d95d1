//! Many connections to one server, and the poll that tells which of them can go on.

use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use anyhow::{Context, Result};
use mio::net::TcpStream;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::command::Target;
use super::connection::Connection;
use super::stream::{Stream, shake_hands};

/// One of many connections.
pub(super) type Member = Connection<Stream<TcpStream>>;

/// Connections by their index.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(super) connections: Vec<Member>,
    poll: Poll,
    events: Events,
    /// The poll's own timeout counts whole milliseconds, which is too coarse to be on time.
    timer: OwnedFd,
}

impl Crowd {
    /// Connects them one after the other, so that no listen queue overflows.
    pub(crate) fn connect(target: &Target, count: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        let mut source = SourceFd(&timer.as_raw_fd());
        poll.registry().register(&mut source, TIMER, Interest::READABLE)?;
        let mut connections = Vec::with_capacity(count);
        for index in 0..count {
            let stream =
                std::net::TcpStream::connect(target.address).context("the server refuses")?;
            stream.set_nodelay(true)?;
            let session = target.is_tls.then(|| shake_hands(&stream)).transpose()?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(index), interest)?;
            connections.push(Connection::new(Stream::new(stream, session)));
        }
        let events = Events::with_capacity(EVENT_COUNT_MAX);
        Ok(Self { connections, poll, events, timer })
    }

    /// Ends a turn after this time at the latest; the next call replaces the last one.
    pub(crate) fn wake_in(&mut self, time: Duration) -> Result<()> {
        // A timer set to zero would never fire.
        let time = time.max(Duration::from_nanos(1));
        let it_value = Timespec::try_from(time).context("a time too long to wait for")?;
        let once = Itimerspec { it_interval: Timespec::default(), it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }

    /// Waits so long for the server, sends what was stuck, and calls `on_replies` with every
    /// connection that got some and their number.
    pub(crate) fn turn(
        &mut self,
        wait: Duration,
        mut on_replies: impl FnMut(usize, &mut Member, usize) -> Result<()>,
    ) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        for event in self.events.iter().filter(|event| event.token() != TIMER) {
            let index = event.token().0;
            let connection = &mut self.connections[index];
            if event.is_writable() {
                connection.flush()?;
            }
            if event.is_readable() {
                let reply_count = connection.receive()?;
                if reply_count > 0 {
                    on_replies(index, connection, reply_count)?;
                }
            }
        }
        Ok(())
    }
}

/// No connection has this index.
const TIMER: Token = Token(usize::MAX);
/// More than a turn meets with the arena's 64 connections; what is left over comes next turn.
const EVENT_COUNT_MAX: usize = 1_024;
