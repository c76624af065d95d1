//! Many connections to one server, and the poll that tells which of them can go on.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mio::net::TcpStream;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use rustls::ClientConnection;

use super::cause::of_break;
use super::command::Target;
use super::connection::{Connection, INCOMING_LEN};
use super::dial::dial;
use super::stream::{Stream, shake_hands, start_session};

/// One of many connections.
pub(super) type Member = Connection<Stream<TcpStream>>;

/// Connections by their index.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(super) connections: Vec<Member>,
    target: Target,
    /// For what comes in, of each.
    room_len: usize,
    temper: Temper,
    /// Connections that broke since the last look, where that does not end the load.
    broken: Vec<Broken>,
    poll: Poll,
    events: Events,
    /// The poll's own timeout counts whole milliseconds, which is too coarse to be on time.
    timer: OwnedFd,
}

/// A connection that ended before its time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Broken {
    pub(super) index: usize,
    pub(super) cause: &'static str,
}

/// What a crowd makes of a server that does not do as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temper {
    /// The load ends with an error.
    Strict,
    /// It is counted; who broke off is replaced.
    Tolerant,
}

impl Crowd {
    /// Connects so many.
    pub(crate) fn connect(target: &Target, count: usize, temper: Temper) -> Result<Self> {
        let mut crowd = Self::gather(target, count, temper)?;
        crowd.extend(count)?;
        Ok(crowd)
    }

    /// None yet, and room for so many.
    pub(super) fn gather(target: &Target, count: usize, temper: Temper) -> Result<Self> {
        let poll = Poll::new()?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        let mut source = SourceFd(&timer.as_raw_fd());
        poll.registry().register(&mut source, TIMER, Interest::READABLE)?;
        Ok(Self {
            connections: Vec::with_capacity(count),
            room_len: if count > FEW { INCOMING_LEN_OF_MANY } else { INCOMING_LEN },
            target: target.clone(),
            temper,
            broken: Vec::new(),
            poll,
            events: Events::with_capacity(EVENT_COUNT_MAX),
            timer,
        })
    }

    /// Connects so many more, one after the other, so that no listen queue overflows.
    pub(super) fn extend(&mut self, count: usize) -> Result<()> {
        let first = self.connections.len();
        for index in first..first + count {
            let socket = dial(self.target.address, self.target.sources, index)?;
            wait_for(&socket).with_context(|| format!("connection {index}"))?;
            let session = self.target.is_tls.then(|| shake_hands_over(&socket)).transpose()?;
            let member = self.register(socket, index, session)?;
            self.connections.push(member);
        }
        Ok(())
    }

    fn register(
        &self,
        mut socket: TcpStream,
        index: usize,
        session: Option<ClientConnection>,
    ) -> Result<Member> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut socket, Token(index), interest)?;
        let member = Connection::new(Stream::new(socket, session), self.room_len);
        Ok(if self.temper == Temper::Tolerant { member.tolerant() } else { member })
    }

    /// Connections that broke since the last call.
    pub(super) fn take_broken(&mut self) -> Vec<Broken> {
        std::mem::take(&mut self.broken)
    }

    /// Puts a fresh connection in the place of one that broke. It is not waited for, and shakes
    /// hands when it has something to send.
    pub(crate) fn replace(&mut self, index: usize) -> Result<()> {
        let socket = dial(self.target.address, self.target.sources, index)?;
        let session = self.target.is_tls.then(|| start_session(self.target.address)).transpose()?;
        self.connections[index] = self.register(socket, index, session)?;
        Ok(())
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
                let reply_count = match connection.receive() {
                    Err(error) if self.temper == Temper::Tolerant => {
                        self.broken.push(Broken { index, cause: of_break(&error) });
                        continue;
                    }
                    received => received?,
                };
                if reply_count > 0 {
                    on_replies(index, connection, reply_count)?;
                }
                // The end came with the last bytes, and is announced this once.
                if self.temper == Temper::Tolerant
                    && event.is_read_closed()
                    && let Err(error) = self.connections[index].receive()
                {
                    self.broken.push(Broken { index, cause: of_break(&error) });
                }
            }
        }
        Ok(())
    }
}

/// Waits until a connection is made.
fn wait_for(socket: &TcpStream) -> Result<()> {
    let mut fds = [PollFd::new(socket, PollFlags::OUT)];
    let patience = Timespec::try_from(PATIENCE)?;
    ensure!(poll(&mut fds, Some(&patience))? > 0, "the server does not answer");
    if let Some(error) = socket.take_error()? {
        return Err(error).context("the server refuses");
    }
    Ok(())
}

/// Shakes hands over a socket that otherwise does not wait.
fn shake_hands_over(socket: &TcpStream) -> Result<ClientConnection> {
    let waiting = std::net::TcpStream::from(socket.as_fd().try_clone_to_owned()?);
    waiting.set_nonblocking(false)?;
    let session = shake_hands(&waiting)?;
    // Both are one socket to the kernel.
    waiting.set_nonblocking(true)?;
    Ok(session)
}

/// Connections up to which each may have ample room.
const FEW: usize = 1_000;
/// A head and a short body, or a piece of a long one.
const INCOMING_LEN_OF_MANY: usize = 4 << 10;
/// A listen queue that overflowed is tried again after a second, and then after two more.
const PATIENCE: Duration = Duration::from_secs(10);
/// No connection has this index.
const TIMER: Token = Token(usize::MAX);
/// More than a turn meets with the arena's 64 connections; what is left over comes next turn.
const EVENT_COUNT_MAX: usize = 1_024;
