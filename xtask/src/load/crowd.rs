//! Many connections to one server, and the poll that tells which of them can go on.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::connection::Connection;

/// Connections by their index.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) connections: Vec<Connection<TcpStream>>,
    poll: Poll,
    events: Events,
}

impl Crowd {
    /// Connects them one after the other, so that no listen queue overflows.
    pub(crate) fn connect(address: SocketAddr, count: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(count);
        for index in 0..count {
            let stream = std::net::TcpStream::connect(address).context("the server refuses")?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(index), interest)?;
            connections.push(Connection::new(stream));
        }
        Ok(Self { connections, poll, events: Events::with_capacity(EVENT_COUNT_MAX) })
    }

    /// Waits so long for the server, sends what was stuck, and calls `on_replies` with every
    /// connection that got some and their number.
    pub(crate) fn turn(
        &mut self,
        wait: Duration,
        mut on_replies: impl FnMut(usize, &mut Connection<TcpStream>, usize) -> Result<()>,
    ) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        for event in &self.events {
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

/// More than a turn meets with the arena's 64 connections; what is left over comes next turn.
const EVENT_COUNT_MAX: usize = 1_024;
