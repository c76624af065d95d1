//! Passing the listeners on: a new process asks the one that serves for its very sockets, begins to
//! accept from them, and says so; then the old one drains. No connection is refused on the way, and
//! none is lost in a queue, because no listening socket is closed before its successor accepts.
//!
//! ```text
//! new                                  old
//!  │── "waterwheel restart 1" ─────────▶│   who is not of the same user is sent away
//!  │◀─ "listen <endpoint>" + socket ────│   once for every listener
//!  │◀─ "door <process>" + socket ───────│   where the next successor will ask
//!  │── "ready" ────────────────────────▶│   every worker of the new process accepts
//! ```
//!
//! When the new process ends before it is ready, the old one goes on as if nothing had happened.

use std::fs::Permissions;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use socket2::{Domain, SockAddr, Socket, Type};
use waterwheel_reactor::Wake;
use waterwheel_reactor::listen::Listener;

use crate::control::Control;
use crate::listeners::Named;

/// Where successors ask, and what they get.
#[derive(Debug)]
pub(crate) struct Door {
    socket: OwnedFd,
    /// A second descriptor of every listener.
    listeners: Vec<Named>,
}

/// What was taken over from a process before this one, which goes on serving until it is told.
#[derive(Debug)]
pub(crate) struct Takeover {
    predecessor: OwnedFd,
    pub(crate) process: u32,
    listeners: Vec<Named>,
    door: OwnedFd,
}

impl Takeover {
    /// Asks at `path` for listeners. `None` when nobody serves there.
    pub(crate) fn ask(path: &Path) -> io::Result<Option<Self>> {
        let socket = Socket::new(Domain::UNIX, Type::SEQPACKET, None)?;
        match socket.connect(&SockAddr::unix(path)?) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound) => return Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionRefused) => return Ok(None),
            result => result?,
        }
        socket.set_read_timeout(Some(PATIENCE))?;
        let predecessor: OwnedFd = socket.into();
        send(predecessor.as_fd(), HELLO, None)?;
        let mut listeners = Vec::new();
        loop {
            let (message, fd) = receive(predecessor.as_fd())?;
            let fd = fd.ok_or_else(|| unexpected("a message came without its socket"))?;
            let message = String::from_utf8(message).map_err(|_| unexpected(STRANGER))?;
            if let Some(process) = message.strip_prefix(DOOR) {
                let process = process.parse().map_err(|_| unexpected(STRANGER))?;
                return Ok(Some(Self { predecessor, process, listeners, door: fd }));
            }
            let endpoint = message.strip_prefix(LISTEN).ok_or_else(|| unexpected(STRANGER))?;
            let (endpoint, listener) = (endpoint.to_owned(), Listener::adopt(fd)?);
            listeners.push(Named { endpoint, listener });
        }
    }

    /// The listeners, and what is left.
    pub(crate) fn split(mut self) -> (Vec<Named>, Self) {
        (std::mem::take(&mut self.listeners), self)
    }

    /// Takes the predecessor's place at its door, and tells it that its listeners are accepted from
    /// here.
    pub(crate) fn succeed(self, listeners: Vec<Named>) -> io::Result<Door> {
        // If it has ended meanwhile, there is nobody left to drain.
        drop(send(self.predecessor.as_fd(), READY, None));
        Ok(Door { socket: self.door, listeners })
    }
}

impl Door {
    /// Opens a door at `path`, where nobody serves: what is left of one is removed.
    pub(crate) fn open(path: &Path, listeners: Vec<Named>) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::SEQPACKET, None)?;
        let address = SockAddr::unix(path)?;
        if socket.bind(&address).is_err() {
            use std::os::unix::fs::FileTypeExt;
            if !std::fs::symlink_metadata(path)?.file_type().is_socket() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            std::fs::remove_file(path)?;
            socket.bind(&address)?;
        }
        // Nobody can connect before it listens, so nobody slips in under the wrong permissions.
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
        socket.listen(1)?;
        Ok(Self { socket: socket.into(), listeners })
    }

    /// Answers successors on a thread of its own until `control` drains.
    pub(crate) fn serve(self, control: &Arc<Control>) -> io::Result<()> {
        let (stop, stopped) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
        control.add_waker(Stop(Arc::new(stop)));
        let control = Arc::clone(control);
        let answer = move || self.answer_until(&stopped.into(), &control);
        thread::Builder::new().name("restart".to_owned()).spawn(answer)?;
        Ok(())
    }

    fn answer_until(self, stopped: &OwnedFd, control: &Control) {
        while let Ok(true) = wait(self.socket.as_fd(), stopped.as_fd()) {
            // Whatever goes wrong with one successor, the next one may ask.
            if let Ok(true) = self.hand_over(stopped) {
                return control.hand_over();
            }
        }
    }

    /// Gives one successor everything, and waits until it is ready. `false` when it never was.
    fn hand_over(&self, stopped: &OwnedFd) -> io::Result<bool> {
        let successor: Socket = rustix::net::accept(&self.socket)?.into();
        successor.set_read_timeout(Some(PATIENCE))?;
        let successor: OwnedFd = successor.into();
        let user = rustix::net::sockopt::socket_peercred(&successor)?.uid;
        if user != rustix::process::geteuid() && !user.is_root() {
            return Ok(false);
        }
        if receive(successor.as_fd())?.0 != HELLO {
            return Ok(false);
        }
        for Named { endpoint, listener } in &self.listeners {
            let message = format!("{LISTEN}{endpoint}");
            send(successor.as_fd(), message.as_bytes(), Some(listener.as_fd()))?;
        }
        let message = format!("{DOOR}{}", std::process::id());
        send(successor.as_fd(), message.as_bytes(), Some(self.socket.as_fd()))?;
        // However long it needs to start: this process serves meanwhile.
        Ok(wait(successor.as_fd(), stopped.as_fd())? && receive(successor.as_fd())?.0 == READY)
    }
}

/// Closes its socket's pair when the phase changes, which ends the door's thread.
#[derive(Clone, Debug)]
struct Stop(Arc<Socket>);

impl Wake for Stop {
    fn wake(&self) {
        // It fails only when it is shut down already.
        drop(self.0.shutdown(std::net::Shutdown::Both));
    }
}

/// Waits until one of both can be read; `false` when it is `stopped`.
fn wait(socket: BorrowedFd<'_>, stopped: BorrowedFd<'_>) -> io::Result<bool> {
    let mut fds = [
        PollFd::from_borrowed_fd(socket, PollFlags::IN),
        PollFd::from_borrowed_fd(stopped, PollFlags::IN),
    ];
    loop {
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => {}
            result => {
                result?;
                return Ok(fds[1].revents().is_empty());
            }
        }
    }
}

fn send(socket: BorrowedFd<'_>, message: &[u8], fd: Option<BorrowedFd<'_>>) -> io::Result<()> {
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

/// One message, and the socket that came with it.
fn receive(socket: BorrowedFd<'_>) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
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

fn unexpected(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

const HELLO: &[u8] = b"waterwheel restart 1";
const LISTEN: &str = "listen ";
const DOOR: &str = "door ";
const READY: &[u8] = b"ready";
const STRANGER: &str = "the process at the restart socket speaks otherwise";
/// Longer than any endpoint: a Unix socket's path has at most 108 bytes.
const MESSAGE_LEN_MAX: usize = 512;
/// For what the other side answers without any work.
const PATIENCE: Duration = Duration::from_secs(5);
