//! A new server takes over from the one that serves: nobody is refused, nothing is cut, and a
//! successor that fails leaves everything as it was.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod running;
mod wire;

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::{env, fs, process};

use running::{PATIENCE, Running, eventually, read_reply};
use waterwheel::{App, Server};
use wire::get;

struct Place {
    folder: PathBuf,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("waterwheel-restart-{}-{name}", process::id()));
        fs::create_dir(&folder).unwrap();
        Self { folder }
    }

    /// Serves, and waits until a successor may ask.
    fn serve(&self, generation: usize) -> Running {
        let running = Running::serve(self.server(generation));
        eventually("the door", || has_listener(&self.folder.join("restart")));
        running
    }

    fn server(&self, generation: usize) -> Server {
        Server::new(App::new().get("/", move || generation.to_string()))
            .listen("127.0.0.1:0")
            .listen(format!("unix:{}", self.folder.join("site").display()))
            .restart_socket(self.folder.join("restart"))
            .ignore_signals()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Asks on kept and on fresh connections until told to stop, and panics at whatever goes wrong.
fn visit(address: SocketAddr, done: &AtomicBool, served: &AtomicU64) {
    // ORDERING: Relaxed: a flag and a counter that nothing else depends on.
    while !done.load(Ordering::Relaxed) {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        for _ in 0..20 {
            stream.write_all(&get("/")).unwrap();
            let reply = read_reply(&mut stream);
            assert_eq!(reply.status(), 200);
            // ORDERING: as above.
            served.fetch_add(1, Ordering::Relaxed);
            if reply.header("connection") == Some("close") {
                break;
            }
        }
    }
}

#[test]
fn restarts_under_load_refuse_and_cut_nobody() {
    const RESTARTS: usize = 6;
    let place = Place::new("load");
    let mut running = place.serve(0);
    let address = running.address;
    let (done, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let visitors: Vec<_> = (0..6)
        .map(|_| {
            let (done, served) = (Arc::clone(&done), Arc::clone(&served));
            thread::spawn(move || visit(address, &done, &served))
        })
        .collect();
    for generation in 1..=RESTARTS {
        // ORDERING: as in `visit`.
        let before = served.load(Ordering::Relaxed);
        // ORDERING: as in `visit`.
        eventually("requests", || served.load(Ordering::Relaxed) > before + 200);
        let successor = Running::serve(place.server(generation));
        assert_eq!(successor.address, address, "port 0 means the predecessor's port");
        let report = running.join();
        assert_eq!(report.cut, 0, "restart {generation}");
        running = successor;
    }
    let mut stream = UnixStream::connect(place.folder.join("site")).unwrap();
    stream.write_all(&get("/")).unwrap();
    assert_eq!(read_reply(&mut stream).text(), RESTARTS.to_string());
    drop(stream);
    // ORDERING: as in `visit`.
    done.store(true, Ordering::Relaxed);
    visitors.into_iter().for_each(|visitor| visitor.join().unwrap());
    assert_eq!(running.stop().cut, 0);
    assert!(!place.folder.join("site").exists() && !place.folder.join("restart").exists());
}

#[test]
fn successor_that_never_starts_changes_nothing() {
    let place = Place::new("failing");
    let running = place.serve(1);
    let bound = place.server(2).bind().unwrap();
    assert_eq!(bound.addresses(), [running.address]);
    drop(bound);
    for _ in 0..3 {
        assert_eq!(running.ask(&get("/")).text(), "1");
    }
    let successor = Running::serve(place.server(3));
    assert_eq!(running.join().cut, 0);
    assert_eq!(successor.ask(&get("/")).text(), "3");
    successor.stop();
}

#[test]
fn successor_whose_workers_fail_leaves_the_site_where_it_is() {
    let place = Place::new("broken");
    let running = place.serve(1);
    let app = App::new().per_core(|_| assert!(env::args().count() == 0, "no value for this core"));
    let successor = Server::new(app)
        .listen(format!("unix:{}", place.folder.join("site").display()))
        .restart_socket(place.folder.join("restart"))
        .ignore_signals();
    assert!(successor.run().unwrap_err().to_string().contains("panicked"));
    let mut stream = UnixStream::connect(place.folder.join("site")).unwrap();
    stream.write_all(&get("/")).unwrap();
    assert_eq!(read_reply(&mut stream).text(), "1");
    drop(stream);
    running.stop();
    assert!(!place.folder.join("site").exists());
}

/// Whether somebody listens there: a socket that is only bound refuses.
fn has_listener(path: &Path) -> bool {
    let sockets = fs::read_to_string("/proc/net/unix").unwrap();
    let path = path.to_str().unwrap();
    sockets.lines().any(|socket| socket.contains(LISTENING) && socket.ends_with(path))
}

/// `__SO_ACCEPTCON`, the only flag that the kernel shows.
const LISTENING: &str = " 00010000 ";

#[test]
fn socket_that_a_killed_process_left_is_no_obstacle() {
    let place = Place::new("stale");
    let path = place.folder.join("restart");
    use socket2::{Domain, SockAddr, Socket, Type};
    let socket = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
    socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    drop(socket);
    assert!(path.exists());
    let running = Running::serve(place.server(1));
    eventually("the door", || has_listener(&path));
    let successor = Running::serve(place.server(2));
    running.join();
    assert_eq!(successor.ask(&get("/")).text(), "2");
    successor.stop();
}

#[test]
fn port_that_the_kernel_chose_may_be_asked_for_by_its_number() {
    let place = Place::new("number");
    let running = place.serve(1);
    let server = Server::new(App::new().get("/", || "2"))
        .listen(running.address.to_string())
        .restart_socket(place.folder.join("restart"))
        .ignore_signals();
    let successor = Running::serve(server);
    running.join();
    let mut stream = TcpStream::connect(successor.address).unwrap();
    stream.write_all(&get("/")).unwrap();
    assert_eq!(read_reply(&mut stream).text(), "2");
    drop(stream);
    successor.stop();
}

#[test]
fn endpoint_that_the_predecessor_does_not_have_is_bound_anew() {
    let place = Place::new("more");
    let running = place.serve(1);
    let bound = place.server(2).listen("127.0.0.1:0").bind().unwrap();
    assert_eq!(bound.addresses()[0], running.address);
    let further = bound.addresses()[1];
    let successor = Running::of(bound);
    running.join();
    let mut stream = TcpStream::connect(further).unwrap();
    stream.write_all(&get("/")).unwrap();
    assert_eq!(read_reply(&mut stream).text(), "2");
    drop(stream);
    successor.stop();
}
