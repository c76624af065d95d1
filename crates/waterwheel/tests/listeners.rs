//! Where a server can listen besides TCP addresses: at Unix sockets, and on sockets that systemd
//! passes.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod running;
mod wire;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, process};

use running::{PATIENCE, Running, eventually, read_reply};
use waterwheel::{App, Request, Server, StartError};
use wire::get;

fn app() -> App {
    App::new().get("/peer", |request: &Request<'_>| request.peer().to_string())
}

/// A path in a folder of this test's own, which is removed in the end.
struct Place {
    folder: PathBuf,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("waterwheel-{}-{name}", process::id()));
        fs::create_dir(&folder).unwrap();
        Self { folder }
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    fn endpoint(&self) -> String {
        format!("unix:{}", self.socket().display())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn server(place: &Place) -> Server {
    Server::new(app()).listen(place.endpoint()).listen("127.0.0.1:0").ignore_signals()
}

fn ask(path: &Path) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&get("/peer")).unwrap();
    read_reply(&mut stream).text().to_owned()
}

#[test]
fn unix_socket_is_served_beside_tcp_and_removed_in_the_end() {
    let place = Place::new("served");
    let running = Running::serve(server(&place));
    for _ in 0..20 {
        assert_eq!(ask(&place.socket()), "unix");
    }
    let mut stream = running.connect();
    let own = stream.local_addr().unwrap();
    stream.write_all(&get("/peer")).unwrap();
    assert_eq!(read_reply(&mut stream).text(), own.to_string());
    drop(stream);
    let mode = fs::metadata(place.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660, "owner and group may connect, nobody else");
    running.stop();
    assert!(!place.socket().exists());
}

/// The kind of the fault with which a server at this place does not start.
fn refusal(server: Server) -> std::io::ErrorKind {
    match server.bind() {
        Err(StartError::Run(waterwheel::runtime::RunError::Listen { source, .. })) => source.kind(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn stale_socket_is_removed_on_request_only() {
    let place = Place::new("stale");
    drop(UnixListener::bind(place.socket()).unwrap());
    assert_eq!(refusal(server(&place)), std::io::ErrorKind::AddrInUse);
    // A child that another test is about to start has the socket, too, until it runs.
    eventually("silence", || UnixStream::connect(place.socket()).is_err());
    let running = Running::serve(server(&place).unlink_stale());
    assert_eq!(ask(&place.socket()), "unix");
    running.stop();
}

#[test]
fn socket_that_somebody_listens_at_is_never_removed() {
    let place = Place::new("live");
    let _other = UnixListener::bind(place.socket()).unwrap();
    assert_eq!(refusal(server(&place).unlink_stale()), std::io::ErrorKind::AddrInUse);
    assert!(UnixStream::connect(place.socket()).is_ok());
}

#[test]
fn file_that_is_no_socket_is_never_removed() {
    let place = Place::new("file");
    fs::write(place.socket(), "precious").unwrap();
    assert_eq!(refusal(server(&place).unlink_stale()), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(place.socket()).unwrap(), b"precious");
}

#[test]
fn server_that_never_runs_leaves_no_socket() {
    let place = Place::new("check");
    drop(server(&place).bind().unwrap());
    assert!(!place.socket().exists(), "it was only bound");
    let nowhere = format!("unix:{}", place.socket().join("below").display());
    assert!(server(&place).listen(nowhere).bind().is_err());
    assert!(!place.socket().exists(), "another endpoint could not be had");
}

#[test]
fn socket_of_a_successor_is_not_removed() {
    let place = Place::new("successor");
    let running = Running::serve(server(&place));
    fs::remove_file(place.socket()).unwrap();
    let _successor = UnixListener::bind(place.socket()).unwrap();
    running.stop();
    assert!(UnixStream::connect(place.socket()).is_ok());
}

/// Set in the process that is to be the server; its standard input is the socket from systemd.
const ROLE: &str = "WATERWHEEL_TEST_ACTIVATED";

fn activated(socket: OwnedFd, name: &str, manager: &Path) -> process::Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "sockets_from_systemd_are_found_by_name", "--nocapture"])
        .env(ROLE, "systemd:web")
        .env("LISTEN_FDS", "1")
        .env("LISTEN_FDS_FIRST_FD", "0")
        .env("LISTEN_FDNAMES", name)
        .env("NOTIFY_SOCKET", manager)
        .env("WATCHDOG_USEC", "50000")
        .stdin(Stdio::from(socket))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn heard(manager: &UnixDatagram) -> String {
    let mut told = [0; 64];
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let len = manager.recv(&mut told).unwrap();
    String::from_utf8(told[..len].to_vec()).unwrap()
}

#[test]
fn sockets_from_systemd_are_found_by_name() {
    if let Ok(endpoint) = env::var(ROLE) {
        let report = Server::new(app()).listen(endpoint).run().unwrap();
        assert_eq!(report.cut, 0);
        return;
    }
    // The kernel keeps who connects before the server runs: that is what activation is for.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let place = Place::new("manager");
    let manager = UnixDatagram::bind(place.socket()).unwrap();
    let mut child = activated(listener.into(), "web", &place.socket());
    stream.write_all(&get("/peer")).unwrap();
    assert_eq!(read_reply(&mut stream).text(), stream.local_addr().unwrap().to_string());
    // The manager hears that it is ready, gets signs of life, and hears of the drain.
    let mut told = Vec::new();
    while told.len() < 3 {
        told.push(heard(&manager));
    }
    assert_eq!(told, ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    while told.last().unwrap() != "STOPPING=1" {
        told.push(heard(&manager));
    }
    drop(stream);
    assert!(child.wait().unwrap().success());

    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut child = activated(socket.into(), "other", &place.socket());
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(!child.wait().unwrap().success());
    assert!(told.contains("cannot listen on systemd:web: the sockets passed are named other"));
}

#[test]
fn memory_of_a_worker_is_divided_up_or_refused() {
    let server = || Server::new(app()).listen("127.0.0.1:0").ignore_signals();
    let bound = server().memory(64 << 20).bind().unwrap();
    let workers = bound.runtime().worker_count();
    assert_eq!(bound.ring_bytes(), workers * (16 << 20));
    let budget = *bound.budget().unwrap();
    assert!(bound.runtime().connections_max() <= budget.connections_max);
    drop(bound);
    let refused = server().memory(100_000).bind().unwrap_err();
    assert!(refused.to_string().contains("too little"), "{refused}");
    // Enough for a worker, and too little for the longest body.
    let refused = server().memory(2 << 20).bind().unwrap_err();
    assert!(refused.to_string().contains("segments"), "{refused}");
}
