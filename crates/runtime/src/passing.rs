//! Messages with descriptors between two sockets of this machine (`SCM_RIGHTS`), and sockets that
//! are under way in one: in no table of open files, so that none is copied with a table.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use socket2::{Domain, Socket, Type};

/// Sockets under way, each with what it is known by. They stay open, and clients queue up at those
/// that listen.
#[derive(Debug)]
pub(crate) struct Flight<T> {
    known: Vec<T>,
    /// Holds the messages, one for each socket.
    queue: OwnedFd,
}

impl<T> Flight<T> {
    /// Sends sockets on their way; the descriptors that they had are closed.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] when there are more than the kernel queues, some 250.
    pub(crate) fn begin(sockets: impl IntoIterator<Item = (T, OwnedFd)>) -> io::Result<Self> {
        let (sender, queue) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None)?;
        // Nobody reads yet, so a wait for room would have no end.
        sender.set_nonblocking(true)?;
        queue.set_nonblocking(true)?;
        let mut known = Vec::new();
        for (key, socket) in sockets {
            send(sender.as_fd(), SOCKET, Some(socket.as_fd()))?;
            known.push(key);
        }
        Ok(Self { known, queue: queue.into() })
    }

    /// Gives the sockets descriptors in the table of this thread.
    pub(crate) fn end(self) -> io::Result<Vec<(T, OwnedFd)>> {
        let Self { known, queue } = self;
        let land = |key| {
            let (_, fd) = receive(queue.as_fd())?;
            Ok((key, fd.ok_or(ErrorKind::UnexpectedEof)?))
        };
        known.into_iter().map(land).collect()
    }
}

/// Sends a message, and a descriptor with it.
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    message: &[u8],
    fd: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fds = fd.as_slice();
    if !fds.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(fds));
    }
    let flags = SendFlags::NOSIGNAL;
    rustix::net::sendmsg(socket, &[IoSlice::new(message)], &mut ancillary, flags)?;
    Ok(())
}

/// One message, and the descriptor that came with it.
pub(crate) fn receive(socket: BorrowedFd<'_>) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    let mut message = vec![0; MESSAGE_LEN_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let room = &mut [IoSliceMut::new(&mut message)];
    let received = rustix::net::recvmsg(socket, room, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let fd = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    if received.bytes == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    message.truncate(received.bytes);
    Ok((message, fd))
}

const SOCKET: &[u8] = b"socket";
/// Longer than any endpoint: a Unix socket's path has at most 108 bytes.
const MESSAGE_LEN_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn listeners_arrive_with_what_waits_in_their_queues() {
        let bound = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let addresses = bound.each_ref().map(|one| one.local_addr().unwrap());
        let flight = Flight::begin((0..).zip(bound.map(OwnedFd::from))).unwrap();
        let _client = TcpStream::connect(addresses[1]).unwrap();
        let mut landed = flight.end().unwrap();
        for (index, fd) in landed.drain(..) {
            let listener = TcpListener::from(fd);
            assert_eq!(listener.local_addr().unwrap(), addresses[index]);
            if index == 1 {
                listener.accept().unwrap();
            }
        }
    }

    #[test]
    fn listeners_that_never_arrive_are_closed() {
        let bound = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = bound.local_addr().unwrap();
        drop(Flight::begin([((), bound.into())]).unwrap());
        assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}
