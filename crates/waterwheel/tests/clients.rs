//! The server over real sockets: the standard library's streams, and clients that people use. A
//! client that is not on the machine is passed over with a line that says so.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod running;
mod wire;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use running::{Running, eventually, read_reply};
use waterwheel::lab::LabReply;
use waterwheel::stages::base64::Base64;
use waterwheel::zerocopy::little_endian::U32;
use waterwheel::{App, Gauges, Handler, InPlace, Json};
use wire::{get, post, post_chunked};

fn add_one(mut numbers: InPlace<[U32]>) -> InPlace<[U32]> {
    for number in numbers.iter_mut() {
        number.set(number.get().wrapping_add(1));
    }
    numbers
}

fn app() -> App {
    App::new()
        .get("/", || "home")
        .any("/echo", |body: InPlace<[u8]>| body)
        .get("/big", || vec![b'x'; 1 << 20])
        .post("/numbers", add_one.through(Base64::STANDARD))
        .get("/gauges", |gauges: Gauges| Json([gauges.connections, gauges.leased]))
}

/// 1 MiB in which every piece is different.
fn big_body() -> Vec<u8> {
    (0..1_u32 << 18).flat_map(|index| index.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

/// Open connections and leased segments, as a request on a new connection sees them.
fn gauges(server: &Running) -> String {
    server.ask(&get("/gauges")).text().to_owned()
}

/// The gauges of a server that has served a request, and keeps what it keeps between requests.
fn warm_gauges(server: &Running) -> String {
    gauges(server);
    gauges(server)
}

/// What a program prints when it is fed `input`; `None` when it is not on this machine.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Option<Output> {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("{program} is not on this machine: passed over");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that does not read all of it has its reasons.
    let feeder = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    Some(output)
}

fn printed(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{:?}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn streams_are_served_both_ways_with_big_bodies() {
    let server = Running::start(app());
    let start = warm_gauges(&server);
    let body = big_body();
    let mut stream = server.connect();
    for request in [get("/"), post("/echo", b"hello"), get("/big"), post("/numbers", b"AAAAAA==")] {
        stream.write_all(&request).unwrap();
        assert_eq!(read_reply(&mut stream).status(), 200);
    }
    for request in [post("/echo", &body), post_chunked("/echo", &body, 10_000)] {
        stream.write_all(&request).unwrap();
        assert!(read_reply(&mut stream).body() == body, "the body comes back as it was");
    }
    drop(stream);
    eventually("the counters go back", || gauges(&server) == start);
    assert_eq!(server.stop().cut, 0);
}

#[test]
fn refusal_of_a_large_upload_always_arrives() {
    let server = Running::start(app());
    let head = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 10000000\r\n\r\n";
    for _ in 0..200 {
        let mut stream = server.connect();
        stream.write_all(head).unwrap();
        // As much as the server reads and drops; an impolite client sends it before it looks.
        stream.write_all(&[b'x'; 200_000]).unwrap();
        let reply = read_reply(&mut stream);
        assert_eq!((reply.status(), reply.header("connection")), (413, Some("close")));
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("the end is orderly");
    }
    server.stop();
}

#[test]
fn half_closed_stream_gets_its_answer() {
    let server = Running::start(app());
    let mut stream = server.connect();
    stream.write_all(&get("/").repeat(2)).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    assert_eq!(wire::statuses(&received), [200, 200]);
    server.stop();
}

#[test]
fn ten_thousand_pipelined_requests_are_answered() {
    let server = Running::start(app());
    let mut stream = server.connect();
    let mut reader = stream.try_clone().unwrap();
    let writer = thread::spawn(move || {
        stream.write_all(&get("/").repeat(10_000)).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    });
    let mut received = Vec::new();
    reader.read_to_end(&mut received).unwrap();
    writer.join().unwrap();
    assert_eq!(wire::statuses(&received), [200; 10_000]);
    server.stop();
}

#[test]
fn drain_finishes_what_was_begun_and_refuses_what_is_new() {
    let server = Running::start(app());
    let (mut idle, mut begun) = (server.connect(), server.connect());
    idle.write_all(&get("/")).unwrap();
    assert_eq!(read_reply(&mut idle).status(), 200);
    let request = post("/echo", b"hello");
    begun.write_all(&request[..20]).unwrap();
    eventually("both are open", || gauges(&server).starts_with("[3,"));
    server.control.drain();
    assert_eq!(idle.read(&mut [0; 16]).unwrap(), 0, "the idle one is closed");
    begun.write_all(&request[20..]).unwrap();
    let reply = read_reply(&mut begun);
    assert_eq!((reply.text(), reply.header("connection")), ("hello", Some("close")));
    assert!(std::net::TcpStream::connect(server.address).is_err());
    drop((idle, begun));
    assert_eq!(server.stop().cut, 0);
}

#[test]
fn curl_gets_posts_uploads_and_reads_refusals() {
    let server = Running::start(app());
    let body = big_body();
    let curl = |arguments: &[&str], input: &[u8]| {
        run("curl", &[&["-sS", "--max-time", "20"], arguments].concat(), input)
    };
    let Some(output) = curl(&[&server.url("/")], b"") else { return };
    assert_eq!(printed(&output), "home");
    let echo = server.url("/echo");
    for arguments in [
        &["--data-binary", "@-", &echo][..],
        &["-H", "expect:", "--data-binary", "@-", &echo],
        &["-H", "transfer-encoding: chunked", "--data-binary", "@-", &echo],
        &["-T", "-", &echo],
        &["--http1.0", "--data-binary", "@-", &echo],
    ] {
        let output = curl(arguments, &body).unwrap();
        printed(&output);
        assert!(output.stdout == body, "{arguments:?}: {} bytes", output.stdout.len());
    }
    // One connection for several, then a HEAD.
    let (home, big) = (server.url("/"), server.url("/big"));
    let output = curl(&["-w", "%{num_connects}", &home, &home, &home], b"").unwrap();
    assert_eq!(printed(&output), "home1home0home0");
    assert!(printed(&curl(&["-I", &big], b"").unwrap()).contains("content-length: 1048576"));
    let too_much = vec![b'x'; 10 << 20];
    for expectation in ["expect: 100-continue", "expect:"] {
        let output = curl(
            &["-w", "%{http_code}", "-H", expectation, "--data-binary", "@-", &echo],
            &too_much,
        );
        let text = printed(&output.unwrap());
        assert!(text.contains("limit of 1048576 bytes") && text.ends_with("413"), "{text}");
    }
    server.stop();
}

const PYTHON: &str = r#"
import http.client, sys
host, port = sys.argv[1].split(":")
connection = http.client.HTTPConnection(host, int(port), timeout=20)
def ask(method, path, **rest):
    connection.request(method, path, **rest)
    reply = connection.getresponse()
    return reply.status, reply.read()
body = bytes(range(256)) * 4096
connection.connect()
socket = connection.sock
assert ask("GET", "/") == (200, b"home")
assert ask("HEAD", "/big") == (200, b"")
assert ask("GET", "/nowhere")[0] == 404
assert ask("POST", "/numbers", body="not*base64")[0] == 400
assert ask("POST", "/numbers", body="AAAAAA==") == (200, b"AQAAAA==")
assert ask("POST", "/echo", body=body) == (200, body)
pieces = (body[at:at + 5000] for at in range(0, len(body), 5000))
assert ask("POST", "/echo", body=pieces, encode_chunked=True,
           headers={"transfer-encoding": "chunked"}) == (200, body)
assert ask("GET", "/big") == (200, b"x" * 1048576)
assert connection.sock is socket, "one connection for all"
print("well")
"#;

#[test]
fn python_is_served_on_one_connection() {
    let server = Running::start(app());
    let address = server.address.to_string();
    if let Some(output) = run("python3", &["-c", PYTHON, &address], b"") {
        assert_eq!(printed(&output).trim(), "well");
    }
    server.stop();
}

const NODE: &str = r#"
const http = require("http"), assert = require("assert");
const [host, port] = process.argv[1].split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
const ask = (method, path, body, headers = {}) => new Promise((done, failed) => {
  const request = http.request({ host, port, agent, method, path, headers }, (reply) => {
    const pieces = [];
    reply.on("data", (piece) => pieces.push(piece)).on("error", failed);
    reply.on("end", () => done([reply.statusCode, Buffer.concat(pieces)]));
  });
  request.on("error", failed);
  if (Array.isArray(body)) { body.forEach((piece) => request.write(piece)); request.end(); }
  else request.end(body);
});
(async () => {
  const body = Buffer.alloc(1 << 20, "waterwheel");
  const chunks = [...Array(64).keys()].map((at) => body.subarray(at << 14, (at + 1) << 14));
  const all = [...Array(400).keys()].map(async (index) => {
    switch (index % 4) {
      case 0: return assert.deepEqual(await ask("GET", "/"), [200, Buffer.from("home")]);
      case 1: return assert.equal((await ask("GET", "/nowhere"))[0], 404);
      case 2: return assert.equal((await ask("POST", "/numbers", "not*base64"))[0], 400);
      default: {
        const [status, content] = await ask("POST", "/echo", index % 8 == 3 ? body : chunks);
        return assert(status == 200 && content.equals(body));
      }
    }
  });
  await Promise.all(all);
  agent.destroy();
  console.log("well");
})();
"#;

#[test]
fn node_is_served_on_kept_connections() {
    let server = Running::start(app());
    let address = server.address.to_string();
    if let Some(output) = run("node", &["-e", NODE, &address], b"") {
        assert_eq!(printed(&output).trim(), "well");
    }
    server.stop();
}

#[test]
fn wrk_sees_no_error() {
    let server = Running::start(app());
    let start = warm_gauges(&server);
    let arguments = ["-t", "1", "-c", "64", "-d", "2s", &server.url("/")];
    if let Some(output) = run("wrk", &arguments, b"") {
        let text = printed(&output);
        assert!(text.contains("Requests/sec"), "{text}");
        assert!(!text.contains("Socket errors") && !text.contains("Non-2xx"), "{text}");
    }
    eventually("the counters go back", || gauges(&server) == start);
    server.stop();
}

/// One client's work until `deadline`: every kind of request on one connection. Returns how many.
fn keep_asking(server: &Running, deadline: Instant) -> u64 {
    let body = &big_body()[..20_000];
    let requests =
        [get("/"), post("/echo", body), post_chunked("/echo", body, 999), get("/nowhere")];
    let mut stream = server.connect();
    let mut count = 0;
    while Instant::now() < deadline {
        for request in &requests {
            stream.write_all(request).unwrap();
            let reply: LabReply = read_reply(&mut stream);
            assert!(matches!((reply.status(), reply.body().len()), (200, 4 | 20_000) | (404, _)));
            count += 1;
        }
    }
    count
}

/// For `WATERWHEEL_SOAK_SECONDS` seconds, 3 without.
#[test]
fn sixty_four_busy_connections_leave_every_counter_at_its_start() {
    let seconds = std::env::var("WATERWHEEL_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    let deadline = Instant::now() + Duration::from_secs(seconds.unwrap_or(3));
    let server = Running::start(app());
    let start = warm_gauges(&server);
    let count: u64 = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..64).map(|_| scope.spawn(|| keep_asking(&server, deadline))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    println!("{count} requests");
    eventually("the counters go back", || gauges(&server) == start);
    let report = server.stop();
    assert_eq!(report.cut, 0);
}
