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
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use socket2::{Domain, SockAddr, Socket, Type};
use waterwheel_reactor::Wake;
use waterwheel_reactor::listen::Listener;

use crate::control::Control;
use crate::listeners::Named;
use crate::passing::{Flight, receive, send};

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

/// What is kept for a successor and came from a predecessor, as [`Flight`] carries it.
#[derive(Debug)]
enum Kept {
    Spare(String),
    Predecessor(u32),
    Door,
}

/// What is kept for a successor and came from a predecessor, in no table of open files.
#[derive(Debug)]
pub(crate) struct Stowed(Flight<Kept>);

impl Stowed {
    /// Takes all of it out of the table.
    pub(crate) fn new(spares: Vec<Named>, takeover: Option<Takeover>) -> io::Result<Self> {
        let spares = spares
            .into_iter()
            .map(|Named { endpoint, listener }| (Kept::Spare(endpoint), OwnedFd::from(listener)));
        let taken =
            takeover.into_iter().flat_map(|Takeover { predecessor, process, door, .. }| {
                [(Kept::Predecessor(process), predecessor), (Kept::Door, door)]
            });
        Flight::begin(spares.chain(taken)).map(Self)
    }

    /// Puts it back, into that of this thread.
    pub(crate) fn unpack(self) -> io::Result<(Vec<Named>, Option<Takeover>)> {
        let (mut spares, mut from, mut door) = (Vec::new(), None, None);
        for (kept, fd) in self.0.end()? {
            match kept {
                Kept::Spare(endpoint) => {
                    spares.push(Named { endpoint, listener: Listener::adopt(fd)? });
                }
                Kept::Predecessor(process) => from = Some((fd, process)),
                Kept::Door => door = Some(fd),
            }
        }
        let takeover = from.zip(door).map(|((predecessor, process), door)| Takeover {
            predecessor,
            process,
            listeners: Vec::new(),
            door,
        });
        Ok((spares, takeover))
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
                let fault = "something that is no socket is there";
                return Err(io::Error::new(ErrorKind::AlreadyExists, fault));
            }
            std::fs::remove_file(path)?;
            socket.bind(&address)?;
        }
        // Nobody can connect before it listens, so nobody slips in under the wrong permissions.
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
        socket.listen(1)?;
        Ok(Self { socket: socket.into(), listeners })
    }

    /// Answers successors on a thread of its own until `control` drains, by `stop`.
    pub(crate) fn serve(self, control: &Arc<Control>, stop: Stop) -> io::Result<()> {
        let Stop { bell, stopped } = stop;
        control.add_waker(bell);
        let control = Arc::clone(control);
        let answer = move || self.answer_until(&stopped, &control);
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

/// How the thread of a door is ended. Opened before any worker runs: whichever thread drains rings
/// the bell, and it knows it by the number of its descriptor.
#[derive(Debug)]
pub(crate) struct Stop {
    bell: Bell,
    stopped: OwnedFd,
}

impl Stop {
    pub(crate) fn new() -> io::Result<Self> {
        let (bell, stopped) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
        Ok(Self { bell: Bell(Arc::new(bell)), stopped: stopped.into() })
    }
}

/// Closes its socket's pair when the phase changes.
#[derive(Clone, Debug)]
struct Bell(Arc<Socket>);

impl Wake for Bell {
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

fn unexpected(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

const HELLO: &[u8] = b"waterwheel restart 1";
const LISTEN: &str = "listen ";
const DOOR: &str = "door ";
const READY: &[u8] = b"ready";
const STRANGER: &str = "the process at the restart socket speaks otherwise";
/// For what the other side answers without any work.
const PATIENCE: Duration = Duration::from_secs(5);
