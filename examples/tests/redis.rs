//! The Redis example against a real Redis, and against one that a test plays.

#![allow(dead_code, reason = "the example's own modules")]

#[path = "../redis/app.rs"]
mod app;
#[path = "../redis/connection.rs"]
mod connection;
#[path = "../redis/resp.rs"]
mod resp;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use resp::{Malformed, Value, read_value, write_command};
use waterwheel::lab::Lab;
use waterwheel::net::Remote;

fn far() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 6379))
}

#[test]
fn values_are_read_however_they_are_cut() {
    let bytes = b"*5\r\n+OK\r\n-ERR no\r\n:-7\r\n$3\r\na\r\n\r\n*2\r\n$-1\r\n*-1\r\n";
    for len in 0..bytes.len() {
        assert_eq!(read_value(&bytes[..len]), Ok(None), "{len} bytes");
    }
    let list = vec![
        Value::Text("OK".to_owned()),
        Value::Error("ERR no".to_owned()),
        Value::Number(-7),
        Value::Bytes(Some(b"a\r\n".to_vec())),
        Value::List(Some(vec![Value::Bytes(None), Value::List(None)])),
    ];
    assert_eq!(read_value(bytes), Ok(Some((Value::List(Some(list)), bytes.len()))));
}

#[test]
fn what_is_not_resp_is_refused() {
    let deep = b"*1\r\n".repeat(100);
    for bytes in [
        &b"HTTP/1.1 400\r\n"[..],
        b"\r\n",
        b":x\r\n",
        b"$-2\r\n",
        b"$1\r\nabc",
        b"$9999999\r\n",
        &deep,
    ] {
        assert_eq!(read_value(bytes), Err(Malformed), "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn commands_of_a_turn_leave_together_and_replies_find_their_way() {
    let mut lab = Lab::new(app::app(far().into()));
    let backend = lab.world().backend(far());
    let clients: Vec<_> = (0..10).map(|_| lab.connect()).collect();
    for (number, client) in clients.iter().enumerate() {
        client.send(format!("GET /value/k{number} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes());
    }
    lab.settle();
    let redis = backend.accept().expect("the worker has connected");
    let mut expected = Vec::new();
    for number in 0..10 {
        write_command(&mut expected, &[b"GET", format!("k{number}").as_bytes()]);
    }
    assert_eq!(redis.received(), expected);
    for number in 0..10 {
        redis.send(format!("$2\r\nv{number}\r\n").as_bytes());
    }
    lab.settle();
    for (number, client) in clients.iter().enumerate() {
        let reply = String::from_utf8(client.received()).unwrap();
        assert!(reply.ends_with(&format!("\r\n\r\nv{number}")), "{reply}");
    }
    assert!(backend.accept().is_none(), "one connection serves all");
}

#[test]
fn broken_connection_is_an_error_and_then_a_new_one() {
    let mut lab = Lab::new(app::app(far().into()));
    assert_eq!(lab.get("/visits").send().status(), 502);
    let backend = lab.world().backend(far());
    let client = lab.connect();
    client.send(b"GET /visits HTTP/1.1\r\nhost: a\r\n\r\n");
    lab.settle();
    backend.accept().expect("the worker has connected again").reset();
    lab.settle();
    assert!(client.received().starts_with(b"HTTP/1.1 502"));
    client.send(b"GET /visits HTTP/1.1\r\nhost: a\r\n\r\n");
    lab.settle();
    let redis = backend.accept().expect("and again");
    redis.send(b":1\r\n:1\r\n");
    lab.settle();
    assert!(client.received().ends_with(b"\r\n\r\n1\n"));
}

/// Debian's `redis-server`, on a Unix socket of its own.
struct Server {
    child: Child,
    socket: PathBuf,
}

impl Server {
    /// `None` when it is not installed.
    fn start() -> Option<Self> {
        let socket =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("redis-{}", std::process::id()));
        drop(std::fs::remove_file(&socket));
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]);
        let started = command.arg(&socket).stdout(Stdio::null()).spawn();
        let child = match started {
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            started => started.expect("redis-server can be started"),
        };
        let server = Self { child, socket };
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::os::unix::net::UnixStream::connect(&server.socket).is_err() {
            assert!(Instant::now() < deadline, "redis-server does not listen");
            thread::yield_now();
        }
        Some(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_file(&self.socket));
    }
}

#[test]
fn real_redis_answers() {
    let Some(redis) = Server::start() else {
        println!("skipped: redis-server is not installed");
        return;
    };
    let app = app::app(Remote::Unix(redis.socket.clone()));
    let bound = waterwheel::Server::new(app)
        .listen("127.0.0.1:0")
        .workers(std::num::NonZeroUsize::MIN)
        .pin(waterwheel::runtime::Pinning::Off)
        .ignore_signals()
        .bind()
        .expect("the server starts");
    let (address, control) = (bound.addresses()[0], bound.control());
    let serving = thread::spawn(move || bound.run());
    assert_eq!(ask(address, "GET", "/value/wheel", "").0, 404);
    assert_eq!(ask(address, "PUT", "/value/wheel", "of water").0, 204);
    assert_eq!(ask(address, "GET", "/value/wheel", ""), (200, "of water".to_owned()));
    for visit in 1..=20 {
        assert_eq!(ask(address, "GET", "/visits", ""), (200, format!("{visit}\n")));
    }
    control.drain();
    serving.join().expect("no panic").expect("an orderly end");
}

/// Status and content of the reply to one request, on a connection of its own.
fn ask(address: SocketAddr, method: &str, target: &str, body: &str) -> (u16, String) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout can be set");
    let len = body.len();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {len}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("the server answers");
    let (head, content) = reply.split_once("\r\n\r\n").expect("a whole head");
    (head[9..12].parse().expect("a status"), content.to_owned())
}
