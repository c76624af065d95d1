//! A server that has run out of descriptors, over real sockets: it idles instead of spinning,
//! serves what it has, and recovers by itself.
//!
//! The server runs in a process of its own, this test binary once more, because the limit is one of
//! the process and the clients need descriptors too.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod running;
mod wire;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use running::{PATIENCE, Running, eventually, read_reply};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use waterwheel::App;
use wire::get;

/// Set in the process that is to be the server.
const ROLE: &str = "WATERWHEEL_TEST_SERVER_OF_64_FILES";
const FILES: u64 = 64;
const CLIENTS: usize = 300;

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Serves until its input ends. Prints its address, and then its CPU time for every line it reads.
fn serve_with_few_files() {
    let server = Running::start(App::new().get("/", || "home"));
    // Only now: a server that sees such a limit at its start refuses to start.
    let limit = Rlimit { current: Some(FILES), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).expect("a limit can be lowered");
    println!("\naddress {}", server.address);
    for line in std::io::stdin().lines() {
        if line.is_err() {
            break;
        }
        println!("cpu {}", cpu_time().as_micros());
    }
    server.control.stop();
    server.stop();
}

struct FewFiles {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    address: SocketAddr,
}

impl FewFiles {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "server_without_descriptors_is_calm_and_recovers", "--nocapture"])
            .env(ROLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let address = answer(&mut output, "address ").parse().unwrap();
        Self { child, output, address }
    }

    fn cpu_time(&mut self) -> Duration {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        Duration::from_micros(answer(&mut self.output, "cpu ").parse().unwrap())
    }

    fn stop(mut self) {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success(), "{rest}");
    }
}

fn answer(output: &mut impl BufRead, start: &str) -> String {
    for line in output.lines() {
        if let Some(rest) = line.unwrap().strip_prefix(start) {
            return rest.to_owned();
        }
    }
    panic!("the server ended without saying \"{start}\"");
}

/// Whether a request on this connection is answered; `false` when the server has ended it.
fn is_served(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    if stream.write_all(&get("/")).is_err() || !matches!(stream.peek(&mut byte), Ok(1)) {
        return false;
    }
    read_reply(stream).status() == 200
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[test]
fn server_without_descriptors_is_calm_and_recovers() {
    if std::env::var_os(ROLE).is_some() {
        return serve_with_few_files();
    }
    let mut server = FewFiles::start();
    let mut first = connect(server.address);
    assert!(is_served(&mut first));

    // Far more clients than descriptors: the last ones wait in the backlog, and one is ended per
    // try.
    let mut clients: Vec<TcpStream> = (0..CLIENTS).map(|_| connect(server.address)).collect();
    for client in &mut clients[..40] {
        assert!(is_served(client));
    }
    let (begun, cpu_before) = (Instant::now(), server.cpu_time());
    let full_time = Duration::from_secs(2);
    while begun.elapsed() < full_time {
        assert!(is_served(&mut first), "who is connected is served");
        thread::park_timeout(Duration::from_millis(100));
    }
    let cpu = server.cpu_time() - cpu_before;
    assert!(cpu < begun.elapsed() / 20, "{cpu:?} of CPU time in {:?}", begun.elapsed());

    let last = clients.last_mut().unwrap();
    last.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(!is_served(last), "descriptors had run out indeed");

    // Descriptors come back: whoever comes now is served within the longest pause.
    clients.clear();
    let begun = Instant::now();
    eventually("recovery", || is_served(&mut connect(server.address)));
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    for _ in 0..100 {
        assert!(is_served(&mut connect(server.address)));
    }
    server.stop();
}
