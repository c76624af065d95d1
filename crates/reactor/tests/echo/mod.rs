//! A whole worker in small, for any driver: it echoes, forgets no edge and survives every fault.

use std::io;
use std::time::Duration;

use waterwheel_reactor::{AcceptFault, Driver, Event, Readiness, SendFault, Slab, Token};

pub(crate) struct Echo<D: Driver> {
    pub(crate) driver: D,
    connections: Slab<Connection<D::Socket>>,
    events: Vec<Event>,
    ready: Vec<Token>,
    /// Not to be tried again before the next turn but one: memory was short.
    later: Vec<Token>,
    accept_ready: bool,
    accept_later: bool,
    room: Vec<u8>,
}

struct Connection<S> {
    socket: S,
    readiness: Readiness,
    pending: Vec<u8>,
    ended: bool,
    waits: bool,
}

enum Next {
    Wait,
    Later,
    Close,
}

impl<D: Driver> Echo<D> {
    pub(crate) fn new(driver: D, room_len: usize) -> Self {
        Self {
            driver,
            connections: Slab::new(10_000),
            events: Vec::new(),
            ready: Vec::new(),
            later: Vec::new(),
            accept_ready: false,
            accept_later: false,
            room: vec![0; room_len],
        }
    }

    /// One turn. Waits for as long as `limit` says when there is nothing to do.
    pub(crate) fn turn(&mut self, limit: Option<Duration>) {
        let retries = self.accept_later || !self.later.is_empty();
        let timeout = if retries { Some(RETRY) } else { limit };
        match self.driver.poll(timeout, &mut self.events) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::Interrupted),
        }
        for event in std::mem::take(&mut self.events) {
            match event {
                Event::Listener(0) => self.accept_ready = true,
                Event::Socket { token, readiness } => self.note(token, readiness),
                _ => {}
            }
        }
        for token in std::mem::take(&mut self.later) {
            self.note(token, Readiness::default());
        }
        self.accept_ready |= std::mem::take(&mut self.accept_later);
        if std::mem::take(&mut self.accept_ready) {
            self.accept();
        }
        for token in std::mem::take(&mut self.ready) {
            self.serve(token);
        }
    }

    fn note(&mut self, token: Token, news: Readiness) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        connection.readiness.readable |= news.readable;
        connection.readiness.writable |= news.writable;
        connection.readiness.read_closed |= news.read_closed;
        if !std::mem::replace(&mut connection.waits, true) {
            self.ready.push(token);
        }
    }

    fn accept(&mut self) {
        loop {
            match self.driver.accept(0) {
                Ok((socket, _)) => self.take(socket),
                Err(error) => match AcceptFault::of(&error) {
                    AcceptFault::Nothing => return,
                    AcceptFault::Interrupted | AcceptFault::Connection => {}
                    AcceptFault::Exhausted => return self.accept_later = true,
                    fault => panic!("{fault:?}: {error}"),
                },
            }
        }
    }

    fn take(&mut self, socket: D::Socket) {
        let readiness = Readiness::default();
        let token = self.connections.insert(Connection {
            socket,
            readiness,
            pending: Vec::new(),
            ended: false,
            waits: false,
        });
        let connection = self.connections.get_mut(token).expect("inserted above");
        if self.driver.register(&mut connection.socket, token).is_err() {
            self.close(token);
        }
    }

    fn close(&mut self, token: Token) {
        let connection = self.connections.remove(token).expect("closed once");
        self.driver.close(connection.socket);
    }

    fn serve(&mut self, token: Token) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        connection.waits = false;
        match connection.echo(&mut self.driver, &mut self.room) {
            Next::Wait => {}
            Next::Later => self.later.push(token),
            Next::Close => self.close(token),
        }
    }
}

impl<S> Connection<S> {
    fn echo<D: Driver<Socket = S>>(&mut self, driver: &mut D, room: &mut [u8]) -> Next {
        loop {
            let fault = if !self.pending.is_empty() {
                if !self.readiness.writable {
                    return Next::Wait;
                }
                self.send(driver).err()
            } else if self.ended {
                return Next::Close;
            } else if self.readiness.readable {
                self.recv(driver, room).err()
            } else {
                return Next::Wait;
            };
            match fault.as_ref().map(SendFault::of) {
                None | Some(SendFault::Interrupted) => {}
                Some(SendFault::WouldBlock) if self.pending.is_empty() => {
                    self.readiness.readable = false;
                }
                Some(SendFault::WouldBlock) => self.readiness.writable = false,
                Some(SendFault::Pressure) => return Next::Later,
                Some(_) => return Next::Close,
            }
        }
    }

    fn send<D: Driver<Socket = S>>(&mut self, driver: &mut D) -> io::Result<()> {
        // Two runs, so that vectored sends are cut in every place.
        let (first, second) = self.pending.split_at(self.pending.len() / 2);
        let runs = [io::IoSlice::new(first), io::IoSlice::new(second)];
        let count = driver.send_vectored(&mut self.socket, &runs)?;
        self.readiness.writable = count == self.pending.len();
        self.pending.drain(..count);
        Ok(())
    }

    fn recv<D: Driver<Socket = S>>(&mut self, driver: &mut D, room: &mut [u8]) -> io::Result<()> {
        let count = driver.recv(&mut self.socket, room)?;
        self.ended = count == 0;
        // A short read means drained, unless an end is behind it.
        self.readiness.readable = count == room.len() || self.readiness.read_closed;
        self.pending.extend_from_slice(&room[..count]);
        Ok(())
    }
}

const RETRY: Duration = Duration::from_millis(10);
