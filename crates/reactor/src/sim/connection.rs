//! One TCP connection, both ends of it. Owns its bytes, its ends and what is news; rolls no dice
//! and reads no clock.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use super::places::Places;
use crate::{Readiness, Token};

/// How a connection ended, as its client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The server has sent its end, and everything before it has been read.
    Closed,
    /// The connection broke. What had not been read is lost.
    Reset,
}

/// The worker that watches a socket, and under which name.
#[derive(Clone, Copy)]
pub(super) struct Registration {
    pub(super) worker: usize,
    pub(super) token: Token,
}

/// How far a connection is that the worker makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Making {
    Made,
    UnderWay,
    /// Nobody answers, and nobody ever will.
    Lost,
}

pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    pub(super) registration: Option<Registration>,
    /// What arrived and is not reported yet.
    pub(super) news: Readiness,
    /// Waits to be reported, or for a delay to end.
    pub(super) queued: bool,
    /// Waits to be settled, or for a delay to end.
    pub(super) restless: bool,
    pub(super) refused: bool,
    /// The worker's side is closed.
    pub(super) server_gone: bool,
    /// The client has closed its socket.
    pub(super) client_gone: bool,
    /// No [`Client`](super::Client) speaks for it any more.
    pub(super) client_dropped: bool,
    pub(super) auto_read: bool,
    /// The worker has made it, and not accepted it.
    pub(super) is_outgoing: bool,
    pub(super) making: Making,
    pub(super) recv_places: Places,
    pub(super) sent_places: Places,
    /// From client to server; the first `arrived` bytes have come.
    inbound: VecDeque<u8>,
    arrived: usize,
    receive_buffer_max: usize,
    client_end: bool,
    client_end_arrived: bool,
    /// From server to client, not read by the client yet.
    outbound: VecDeque<u8>,
    send_buffer_max: usize,
    server_end: bool,
    /// A fault pretends that there is no room.
    room_hidden: bool,
    /// A send came up short or was refused since room was news.
    room_wanted: bool,
    /// Bytes went to a client that is gone: its reset is under way.
    reset_due: bool,
    received: Vec<u8>,
    /// What the server's next call fails with.
    error: Option<i32>,
    broken: bool,
    end: Option<End>,
}

impl Connection {
    pub(super) fn new(peer: SocketAddr, buffer_max: Option<usize>, places_max: usize) -> Self {
        Self {
            peer,
            registration: None,
            news: Readiness::default(),
            queued: false,
            restless: false,
            refused: false,
            server_gone: false,
            client_gone: false,
            client_dropped: false,
            auto_read: true,
            is_outgoing: false,
            making: Making::Made,
            recv_places: Places::new(places_max),
            sent_places: Places::new(places_max),
            inbound: VecDeque::with_capacity(BUFFER_RESERVE),
            arrived: 0,
            receive_buffer_max: buffer_max.unwrap_or(RECEIVE_BUFFER_MAX),
            client_end: false,
            client_end_arrived: false,
            outbound: VecDeque::with_capacity(BUFFER_RESERVE),
            send_buffer_max: buffer_max.unwrap_or(SEND_BUFFER_MAX),
            server_end: false,
            room_hidden: false,
            room_wanted: false,
            reset_due: false,
            received: Vec::with_capacity(BUFFER_RESERVE),
            error: None,
            broken: false,
            end: None,
        }
    }

    /// What is so now, news or not.
    pub(super) fn level(&self) -> Readiness {
        let ended = self.client_end_arrived || self.broken;
        Readiness {
            readable: self.arrived > 0 || ended,
            writable: (self.room() > 0 && self.making == Making::Made) || self.broken,
            read_closed: ended,
        }
    }

    /// Whether bytes or an end are under way, to arrive by [`settle`](Self::settle).
    pub(super) fn is_unsettled(&self) -> bool {
        self.arrived < self.inbound.len().min(self.receive_buffer_max)
            || (self.client_end && !self.client_end_arrived && self.arrived == self.inbound.len())
            || self.room_hidden
            || self.reset_due
            || self.making == Making::UnderWay
            || (self.auto_read && !self.client_gone && !self.outbound.is_empty())
    }

    /// Lets arrive what can, and notes what is news.
    pub(super) fn settle(&mut self) {
        if self.auto_read {
            self.read_all();
        }
        let arrived = self.inbound.len().min(self.receive_buffer_max);
        if arrived > self.arrived {
            self.arrived = arrived;
            self.news.readable = true;
        }
        if self.client_end && !self.client_end_arrived && self.arrived == self.inbound.len() {
            self.client_end_arrived = true;
            self.news.readable = true;
            self.news.read_closed = true;
        }
        self.room_hidden = false;
        self.note_room();
        if self.making == Making::UnderWay {
            self.making = Making::Made;
            self.news.writable = true;
        }
        if std::mem::take(&mut self.reset_due) {
            self.break_off(Some(libc::ECONNRESET));
        }
    }

    // The server's side.

    /// How many bytes a read into `room_len` bytes of room gets.
    pub(super) fn readable_len(&self, room_len: usize) -> usize {
        self.arrived.min(room_len)
    }

    pub(super) fn recv(&mut self, room: &mut [u8]) {
        copy_front(&mut self.inbound, room);
        self.arrived -= room.len();
        self.recv_places.record(room);
    }

    /// Whether a connection that the worker makes is there.
    pub(super) fn is_connected(&mut self) -> io::Result<bool> {
        match self.error.take() {
            Some(number) => Err(io::Error::from_raw_os_error(number)),
            None if self.broken => Err(io::Error::from_raw_os_error(libc::ECONNRESET)),
            None => Ok(self.making == Making::Made),
        }
    }

    /// What a read says when no byte waits.
    pub(super) fn recv_nothing(&mut self) -> io::Result<usize> {
        match self.error.take() {
            Some(number) => Err(io::Error::from_raw_os_error(number)),
            None if self.client_end_arrived || self.broken => Ok(0),
            None => Err(io::Error::from_raw_os_error(libc::EAGAIN)),
        }
    }

    /// Takes back what has arrived: to the worker it is as if it had not yet.
    pub(super) fn hide_arrived(&mut self) {
        self.arrived = 0;
        self.client_end_arrived = false;
    }

    /// How many of `total` bytes a write takes.
    pub(super) fn sendable_len(&mut self, total: usize) -> io::Result<usize> {
        if let Some(number) = self.error.take() {
            return Err(io::Error::from_raw_os_error(number));
        }
        if self.broken || self.server_end {
            return Err(io::Error::from_raw_os_error(libc::EPIPE));
        }
        let count = if self.client_gone { total } else { self.room().min(total) };
        self.room_wanted |= count < total;
        if count == 0 && total > 0 {
            return Err(io::Error::from_raw_os_error(libc::EAGAIN));
        }
        Ok(count)
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.sent_places.record(bytes);
        if self.client_gone {
            self.reset_due = true;
        } else {
            self.outbound.extend(bytes);
        }
    }

    /// Pretends that the socket is full.
    pub(super) fn hide_room(&mut self) {
        self.room_hidden = true;
        self.room_wanted = true;
    }

    pub(super) fn end_server(&mut self) {
        self.server_end = true;
    }

    /// Closes the server's side. Bytes that it left unread turn the end into a reset.
    pub(super) fn close_server(&mut self) {
        self.server_gone = true;
        self.registration = None;
        if self.inbound.is_empty() {
            self.server_end = true;
        } else {
            self.break_off(None);
        }
    }

    // Both sides.

    /// Breaks the connection. Bytes that have arrived stay readable, the rest is lost on the way.
    pub(super) fn break_off(&mut self, error: Option<i32>) {
        if self.broken {
            return;
        }
        self.broken = true;
        self.error = error;
        self.end = Some(End::Reset);
        self.inbound.truncate(self.arrived);
        self.outbound.clear();
        self.news = Readiness { readable: true, writable: true, read_closed: true };
    }

    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }

    // The client's side.

    pub(super) fn client_send(&mut self, bytes: &[u8]) {
        if self.client_end || self.broken || self.refused {
            return;
        }
        if self.auto_read {
            self.read_all();
        }
        if self.server_gone {
            // Bytes that come to a closed socket are answered with a reset.
            self.break_off(None);
            return;
        }
        self.inbound.extend(bytes);
    }

    pub(super) fn client_shutdown(&mut self) {
        self.client_end = true;
    }

    /// Closes the client's socket. Bytes that it left unread turn the end into a reset.
    pub(super) fn client_close(&mut self) {
        if self.auto_read {
            self.read_all();
        }
        self.client_end = true;
        self.client_gone = true;
        if !self.outbound.is_empty() {
            self.break_off(Some(libc::ECONNRESET));
        }
    }

    /// Takes up to `count` bytes, those read by itself first.
    pub(super) fn client_read(&mut self, count: usize) -> Vec<u8> {
        let from_received = count.min(self.received.len());
        let mut bytes: Vec<u8> = self.received.drain(..from_received).collect();
        let from_outbound = (count - from_received).min(self.outbound.len());
        bytes.extend(self.outbound.drain(..from_outbound));
        self.note_room();
        bytes
    }

    /// What the client has read by itself, after it has read on if it does so.
    pub(super) fn received(&mut self) -> &mut Vec<u8> {
        if self.auto_read {
            self.read_all();
        }
        &mut self.received
    }

    pub(super) fn end(&mut self) -> Option<End> {
        if self.auto_read {
            self.read_all();
        }
        let closed = self.server_end && self.outbound.is_empty();
        self.end.or(closed.then_some(End::Closed))
    }

    pub(super) fn set_send_buffer_max(&mut self, bytes: usize) {
        self.send_buffer_max = bytes;
        self.note_room();
    }

    fn read_all(&mut self) {
        if self.outbound.is_empty() || self.client_gone {
            return;
        }
        let (front, back) = self.outbound.as_slices();
        self.received.extend_from_slice(front);
        self.received.extend_from_slice(back);
        self.outbound.clear();
        self.note_room();
    }

    fn room(&self) -> usize {
        if self.room_hidden {
            return 0;
        }
        self.send_buffer_max.saturating_sub(self.outbound.len())
    }

    /// Room is news when it was missed, and a third of the buffer is free.
    fn note_room(&mut self) {
        let room = self.room();
        if self.room_wanted && room > 0 && room >= self.send_buffer_max / 3 {
            self.room_wanted = false;
            self.news.writable = true;
        }
    }
}

/// What each buffer holds without allocating again: a request or a reply of the usual size.
const BUFFER_RESERVE: usize = 4096;

/// Linux's default for `net.ipv4.tcp_rmem`.
const RECEIVE_BUFFER_MAX: usize = 128 * 1024;

/// In the range that Linux's autotuning gives a fresh connection; small enough to be filled in
/// tests.
const SEND_BUFFER_MAX: usize = 256 * 1024;

/// Moves the first bytes of `queue` into all of `room`.
fn copy_front(queue: &mut VecDeque<u8>, room: &mut [u8]) {
    let (front, back) = queue.as_slices();
    let from_front = front.len().min(room.len());
    let (first, second) = room.split_at_mut(from_front);
    first.copy_from_slice(&front[..from_front]);
    second.copy_from_slice(&back[..second.len()]);
    queue.drain(..room.len());
}
