//! A server on a port of the kernel's choice, in a thread of its own.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use waterwheel::lab::LabReply;
use waterwheel::runtime::{Control, Pinning, Report};
use waterwheel::{App, Bound, Server, StartError};

pub struct Running {
    pub address: SocketAddr,
    pub control: Arc<Control>,
    thread: JoinHandle<Result<Report, StartError>>,
}

impl Running {
    /// One worker, so that its counters are all there is.
    pub fn start(app: App) -> Self {
        let server = Server::new(app).listen("127.0.0.1:0").workers(NonZeroUsize::MIN);
        Self::serve(server.pin(Pinning::Off).ignore_signals())
    }

    pub fn serve(server: Server) -> Self {
        let server = server.drain_within(Duration::from_secs(5));
        Self::of(server.bind().expect("the server starts"))
    }

    pub fn of(bound: Bound) -> Self {
        let (address, control) = (bound.addresses()[0], bound.control());
        Self { address, control, thread: thread::spawn(move || bound.run()) }
    }

    pub fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream
    }

    /// Sends a request on a connection of its own and reads one reply.
    pub fn ask(&self, request: &[u8]) -> LabReply {
        let mut stream = self.connect();
        stream.write_all(request).expect("the server reads");
        read_reply(&mut stream)
    }

    /// Drains the server and waits for its end.
    pub fn stop(self) -> Report {
        self.control.drain();
        self.join()
    }

    /// Waits for the server's end, which somebody else brings about.
    pub fn join(self) -> Report {
        self.thread.join().expect("the server does not panic").expect("the server ends in order")
    }
}

/// Reads one reply; what follows it must not have come yet.
pub fn read_reply(stream: &mut impl Read) -> LabReply {
    let mut received = Vec::new();
    let mut room = vec![0; 64 << 10];
    loop {
        let count = match stream.read(&mut room) {
            // io_uring interrupts a thread of its process for its own purposes.
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.expect("the server answers"),
        };
        received.extend_from_slice(&room[..count]);
        if let Some(reply) = LabReply::parse(&received, false, count == 0) {
            assert_eq!(reply.wire_len(), received.len(), "nothing follows the reply");
            return reply;
        }
        assert_ne!(count, 0, "cut short: {:?}", String::from_utf8_lossy(&received));
    }
}

/// Looks again and again until `done` says so.
///
/// # Panics
/// When it does not within [`PATIENCE`].
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        thread::yield_now();
    }
}

/// Far more than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);
