//! Workers with a table of open files each: the limit of open files is one of each, and nothing
//! that several of them know is lost or kept open by a copy.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod running;
mod scratch;
mod wire;

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use running::{Running, eventually, read_reply};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use scratch::Scratch;
use waterwheel::runtime::Pinning;
use waterwheel::task::offload;
use waterwheel::{App, Server};
use wire::get;

const WORKERS: NonZeroUsize = NonZeroUsize::new(4).unwrap();

#[expect(unsafe_code, reason = "gives a promise about this program")]
fn server(app: App) -> Server {
    let server = Server::new(app).listen("127.0.0.1:0").workers(WORKERS).pin(Pinning::Off);
    // SAFETY: no test gives a descriptor from one of its handlers to another thread.
    unsafe { server.ignore_signals().unshare_fds() }
}

/// One test at a time: a server's tables begin as copies, and would keep another test's sockets
/// open.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Set in the process that is to be the server.
const ROLE: &str = "WATERWHEEL_TEST_SERVER_OF_OWN_FILES";
/// Of each worker, less 64 that are left to itself and those that are copied.
const FILES: u64 = 256;
/// About 100 for each worker. The kernel spreads them by their hash.
const CLIENTS: usize = 400;

/// Serves until its input ends.
fn serve_with_few_files() {
    let limit = Rlimit { current: Some(FILES), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).expect("a limit can be lowered");
    let running = Running::serve(server(App::new().get("/", || "home")));
    println!("\naddress {}", running.address);
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    running.control.stop();
    running.stop();
}

#[test]
fn each_worker_has_the_whole_limit_of_open_files() {
    if std::env::var_os(ROLE).is_some() {
        return serve_with_few_files();
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "each_worker_has_the_whole_limit_of_open_files", "--nocapture"])
        .env(ROLE, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = lines.map_while(Result::ok);
    let address = told.find_map(|line| line.strip_prefix("address ")?.parse().ok());
    let address: SocketAddr = address.expect("the server starts");
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| TcpStream::connect(address).unwrap()).collect();
    for client in clients.iter_mut().rev() {
        client.set_read_timeout(Some(running::PATIENCE)).unwrap();
        client.write_all(&get("/")).unwrap();
        assert_eq!(read_reply(client).text(), "home");
    }
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn drain_closes_the_listeners_for_all() {
    let _alone = alone();
    let ((release, released), (begin, begun)) = (channel::<()>(), channel());
    let waits = Arc::new(Mutex::new((begin, released)));
    let app = App::new().get("/block", move || {
        let waits = Arc::clone(&waits);
        async move {
            let wait = move || {
                let (begin, released) = &*waits.lock().unwrap();
                begin.send(()).unwrap();
                released.recv().unwrap();
            };
            offload(wait).await.map_or("failed", |()| "released")
        }
    });
    let running = Running::serve(server(app));
    let mut blocked = running.connect();
    blocked.write_all(&get("/block")).unwrap();
    begun.recv().unwrap();
    running.control.drain();
    eventually("closed listeners", || match TcpStream::connect(running.address) {
        Ok(_) => false,
        Err(error) => error.kind() == ErrorKind::ConnectionRefused,
    });
    release.send(()).unwrap();
    assert_eq!(read_reply(&mut blocked).text(), "released");
    assert_eq!(running.join().cut, 0);
}

#[test]
fn file_of_a_helper_is_a_file_of_its_worker() {
    let _alone = alone();
    let scratch = Scratch::new();
    scratch.file("text", "read by the worker");
    let path = Arc::new(scratch.path().join("text"));
    let app = App::new().get("/", move || {
        let path = Arc::clone(&path);
        async move {
            let opened = offload(move || File::open(&*path)).await;
            let mut text = String::new();
            match opened {
                Ok(Ok(mut file)) => file.read_to_string(&mut text).map(|_| text),
                _ => Ok("not opened".to_owned()),
            }
            .unwrap_or_else(|error| error.to_string())
        }
    });
    let running = Running::serve(server(app));
    for _ in 0..40 {
        assert_eq!(running.ask(&get("/")).text(), "read by the worker");
    }
    assert_eq!(running.stop().cut, 0);
}

#[test]
fn restart_hands_the_listeners_over() {
    let _alone = alone();
    let scratch = Scratch::new();
    let door = scratch.path().join("restart");
    let serve = |generation: usize| {
        let app = App::new().get("/", move || generation.to_string());
        let running = Running::serve(server(app).restart_socket(&door));
        eventually("the door", || door.exists());
        running
    };
    let mut running = serve(0);
    for generation in 1..4 {
        let successor = serve(generation);
        assert_eq!(successor.address, running.address);
        assert_eq!(running.join().cut, 0);
        assert_eq!(successor.ask(&get("/")).text(), generation.to_string());
        running = successor;
    }
    running.stop();
    assert!(!door.exists());
}
