//! One worker: a listener, an epoll, and the connections by their number in it.

use std::net::TcpListener;

use anyhow::Result;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};

use crate::{Connection, Room};

/// Events taken from the kernel at once.
const EVENT_COUNT_MAX: usize = 1024;

/// What the listener is called among the connections.
const LISTENER: u64 = u64::MAX;

struct Worker<'a, C> {
    listener: &'a TcpListener,
    epoll: OwnedFd,
    connections: Vec<Option<C>>,
    free: Vec<usize>,
}

pub(crate) fn run<C: Connection>(listener: &TcpListener, mut shared: C::Shared) -> Result<()> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let mut worker = Worker::<C> { listener, epoll, connections: Vec::new(), free: Vec::new() };
    let mut events = Vec::with_capacity(EVENT_COUNT_MAX);
    loop {
        match epoll::wait(&worker.epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in events.drain(..) {
            match event.data.u64() {
                LISTENER => worker.accept()?,
                number => worker.serve(usize::try_from(number)?, &mut shared)?,
            }
        }
    }
}

impl<C: Connection> Worker<'_, C> {
    fn accept(&mut self) -> Result<()> {
        loop {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let stream = match accept_with(self.listener, flags) {
                Ok(stream) => stream,
                Err(Errno::CONNABORTED | Errno::INTR) => continue,
                // Nothing to accept, or no descriptor for it: the event will come again.
                Err(Errno::AGAIN | Errno::MFILE | Errno::NFILE) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let number = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            let data = EventData::new_u64(u64::try_from(number)?);
            epoll::add(&self.epoll, &stream, data, EventFlags::IN)?;
            self.connections[number] = Some(C::new(stream));
        }
    }

    fn serve(&mut self, number: usize, shared: &mut C::Shared) -> Result<()> {
        let Some(connection) = &mut self.connections[number] else { return Ok(()) };
        let Ok(room) = connection.serve(shared) else {
            // Dropping the descriptor takes it out of the epoll.
            self.connections[number] = None;
            self.free.push(number);
            return Ok(());
        };
        let wanted = match room {
            Room::Same => return Ok(()),
            Room::Full => EventFlags::OUT,
            Room::Free => EventFlags::IN,
        };
        let data = EventData::new_u64(u64::try_from(number)?);
        epoll::modify(&self.epoll, connection.stream(), data, wanted)?;
        Ok(())
    }
}
