//! The proxy between a client and a backend: what it passes on, what it keeps back, and what it
//! says when the backend fails. In the lab, and with two servers on sockets of the kernel.

mod running;
mod wire;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use running::{Running, read_reply};
use waterwheel::client::{Client, Config, Proxy};
use waterwheel::lab::{Lab, LabReply};
use waterwheel::reactor::sim::{Backend, Client as FarEnd};
use waterwheel::{App, BodyReader, Cut, Reply};
use wire::{get, replies, text};

const SECOND: Duration = Duration::from_secs(1);
const URL: &str = "http://10.9.8.7:80";

fn app() -> App {
    let mut config = Config::default();
    config.connect_timeout = SECOND;
    config.head_timeout = SECOND;
    config.stall_timeout = SECOND;
    let backend = Proxy::to(URL).expect("a valid address");
    App::new()
        .per_core(move |_| Client::new(config.clone()))
        .any("/{*rest}", backend.clone())
        .any("/api/{*rest}", backend.without_prefix("/api/"))
}

struct Between {
    lab: Lab,
    backend: Backend,
    client: FarEnd,
    far: Vec<FarEnd>,
}

impl Between {
    fn new() -> Self {
        let lab = Lab::new(app());
        let backend = lab.world().backend(SocketAddr::from(([10, 9, 8, 7], 80)));
        let client = lab.connect();
        Self { lab, backend, client, far: Vec::new() }
    }

    fn settle(&mut self) {
        for _ in 0..3 {
            self.lab.advance(Duration::from_millis(5));
            self.far.extend(std::iter::from_fn(|| self.backend.accept()));
        }
    }

    /// What the backend gets for `request`.
    fn pass(&mut self, request: &str) -> String {
        self.client.send(request.as_bytes());
        self.settle();
        text(&self.far.last().expect("the proxy has connected").received())
    }

    /// What the client gets for `reply`.
    fn back(&mut self, reply: &str) -> LabReply {
        self.far.last().expect("the proxy has connected").send(reply.as_bytes());
        self.settle();
        replies(&self.client.received()).pop().expect("a reply has come")
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn request_is_passed_on_with_its_fields_but_those_of_its_connection() {
    let mut between = Between::new();
    let peer = between.client.address().ip();
    let request = between.pass(
        "GET /a%20b/?q=%2F HTTP/1.1\r\nHost: example.org:8080\r\nAccept: */*\r\nX-Two: 1\r\nx-two: 2\r\n\
         Connection: keep-alive, X-Mine\r\nX-Mine: secret\r\nKeep-Alive: 5\r\nTE: trailers\r\n\
         Upgrade: h2c\r\nProxy-Connection: x\r\nX-Forwarded-For: 192.0.2.9\r\nVia: 1.0 other\r\n\r\n",
    );
    let expected = format!(
        "GET /a%20b/?q=%2F HTTP/1.1\r\nAccept: */*\r\nX-Two: 1\r\nx-two: 2\r\nhost: example.org:8080\r\n\
         x-forwarded-for: 192.0.2.9, {peer}\r\nvia: 1.0 other, 1.1 waterwheel\r\n\r\n"
    );
    assert_eq!(request, expected);
}

#[test]
fn reply_is_passed_back_with_its_fields_but_those_of_its_connection() {
    let mut between = Between::new();
    between.pass("GET /a HTTP/1.1\r\nhost: b\r\n\r\n");
    let reply = between.back(
        "HTTP/1.1 404 Gone\r\nContent-Type: text/odd\r\nset-cookie: a=b\r\nset-cookie: c=d\r\n\
         connection: x-mine\r\nx-mine: secret\r\nkeep-alive: 7\r\ncontent-length: 4\r\n\r\nbody",
    );
    assert_eq!((reply.status(), reply.text()), (404, "body"));
    assert_eq!(reply.header("content-type"), Some("text/odd"));
    assert_eq!(reply.header("via"), Some("1.1 waterwheel"));
    assert_eq!(reply.header("set-cookie"), Some("a=b"));
    for name in ["connection", "x-mine", "keep-alive", "transfer-encoding"] {
        assert_eq!(reply.header(name), None, "{name}");
    }
}

#[test]
fn prefix_is_taken_off() {
    let mut between = Between::new();
    let request = between.pass("GET /api/v1/x HTTP/1.1\r\nhost: b\r\n\r\n");
    assert!(request.starts_with("GET /v1/x HTTP/1.1\r\n"), "{request}");
}

#[test]
fn content_streams_both_ways_before_it_is_complete() {
    let mut between = Between::new();
    let request = between
        .pass("POST /a HTTP/1.1\r\nhost: b\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n");
    assert!(request.contains("\r\ntransfer-encoding: chunked\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n3\r\none\r\n"), "{request}");
    // The reply begins while the request goes on.
    between.far[0].send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    between.settle();
    let begun = text(&between.client.received());
    assert!(begun.ends_with("\r\n\r\n1\r\na\r\n"), "{begun}");
    assert_eq!(between.pass("3\r\ntwo\r\n0\r\n\r\n"), "3\r\ntwo\r\n0\r\n\r\n");
    between.far[0].send(b"1\r\nb\r\n0\r\n\r\n");
    between.settle();
    assert_eq!(text(&between.client.received()), "1\r\nb\r\n0\r\n\r\n");
    // Both connections go on.
    between.pass("GET /a HTTP/1.1\r\nhost: b\r\n\r\n");
    assert_eq!((between.back(OK).text(), between.far.len()), ("ok", 1));
}

#[test]
fn stated_lengths_stay_stated() {
    let mut between = Between::new();
    let request = between.pass("PUT /a HTTP/1.1\r\nhost: b\r\ncontent-length: 6\r\n\r\nsix");
    assert!(request.contains("\r\ncontent-length: 6\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\nsix"), "{request}");
    assert_eq!(between.pass("SIX"), "SIX");
    between.far[0].send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab");
    between.settle();
    let begun = text(&between.client.received());
    assert!(
        begun.contains("\r\ncontent-length: 5\r\n") && begun.ends_with("\r\n\r\nab"),
        "{begun}"
    );
    between.far[0].send(b"cde");
    between.settle();
    assert_eq!(text(&between.client.received()), "cde");
}

#[test]
fn head_has_the_length_and_no_content() {
    let mut between = Between::new();
    let request = between.pass("HEAD /a HTTP/1.1\r\nhost: b\r\n\r\n");
    assert!(request.starts_with("HEAD /a "), "{request}");
    between.far[0].send(b"HTTP/1.1 200 OK\r\ncontent-length: 77\r\n\r\n");
    between.settle();
    let reply = text(&between.client.received());
    assert!(reply.contains("\r\ncontent-length: 77\r\n") && reply.ends_with("\r\n\r\n"), "{reply}");
}

#[test]
fn backend_that_is_silent_or_absent_or_wrong_is_told_apart() {
    let mut between = Between::new();
    between.pass("GET /a HTTP/1.1\r\nhost: b\r\n\r\n");
    between.lab.advance(SECOND * 2);
    assert_eq!(replies(&between.client.received())[0].status(), 504);
    between.pass("GET /a HTTP/1.1\r\nhost: b\r\n\r\n");
    assert_eq!(between.back("nonsense\r\n\r\n").status(), 502);
    let Between { mut lab, backend, .. } = between;
    drop(backend);
    assert_eq!(lab.get("/a").send().status(), 502);
    assert_eq!(lab.world().outgoing_sockets(), 0);
}

#[test]
fn backend_that_fails_within_a_reply_ends_the_client_too() {
    let mut between = Between::new();
    between.pass("GET /a HTTP/1.1\r\nhost: b\r\n\r\n");
    between.far[0].send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun");
    between.settle();
    between.far[0].reset();
    between.settle();
    assert!(text(&between.client.received()).ends_with("\r\n\r\nbegun"));
    assert!(between.client.end().is_some(), "nobody takes it for complete");
}

#[test]
fn client_that_leaves_ends_the_backend_too() {
    let mut between = Between::new();
    between.pass("POST /a HTTP/1.1\r\nhost: b\r\ncontent-length: 100\r\n\r\nbegun");
    between.client.close();
    between.lab.settle();
    assert_eq!(between.lab.world().outgoing_sockets(), 0);
    assert_eq!(between.lab.leased_segments(), 0);
}

#[test]
fn last_hop_answers_itself() {
    let mut between = Between::new();
    between.client.send(b"OPTIONS /a HTTP/1.1\r\nhost: b\r\nmax-forwards: 0\r\n\r\n");
    between.settle();
    assert_eq!(replies(&between.client.received())[0].status(), 200);
    assert!(between.far.is_empty());
    let request = between.pass("OPTIONS /a HTTP/1.1\r\nhost: b\r\nmax-forwards: 3\r\n\r\n");
    assert!(request.contains("\r\nmax-forwards: 2\r\n"), "{request}");
}

/// A backend of our own behind a proxy of our own, with bodies far longer than either ring.
#[test]
fn long_bodies_pass_two_servers_unchanged() {
    async fn echo(mut body: BodyReader) -> Reply {
        Reply::stream(async move |mut out| {
            while let Some(window) = body.next().await {
                out.write_lease(window?).await?;
            }
            Ok::<(), Cut>(())
        })
    }
    let route = waterwheel::Handler::body_len_max(echo, usize::MAX);
    let backend = Running::start(App::new().post("/echo", route).get("/", || "short"));
    let proxy = Proxy::to(&format!("http://{}", backend.address)).expect("a valid address");
    let front = Running::start(
        App::new().per_core(|_| Client::default()).any("/", proxy.clone()).any("/{*rest}", proxy),
    );
    assert_eq!(front.ask(&get("/")).text(), "short");
    let body: Vec<u8> = (0..LONG).map(|index| (index * 7 + index / 251).to_le_bytes()[0]).collect();
    let mut stream = front.connect();
    let mut writing = stream.try_clone().expect("a socket can be shared");
    let sent = body.clone();
    let writer = std::thread::spawn(move || {
        let head =
            format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", sent.len());
        writing.write_all(head.as_bytes()).expect("the proxy reads");
        writing.write_all(&sent).expect("the proxy reads");
    });
    let received = read_chunked(&mut stream, body.len());
    writer.join().expect("all of it was sent");
    assert!(received == body, "the bytes have changed");
    // The same connection goes on.
    stream.write_all(&get("/")).expect("the proxy reads");
    assert_eq!(read_reply(&mut stream).text(), "short");
    drop(stream);
    front.stop();
    backend.stop();
}

/// Reads a chunked reply whose content has this length.
fn read_chunked(stream: &mut std::net::TcpStream, content_len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content_len + content_len / 8);
    let mut room = vec![0; 64 << 10];
    while !bytes.ends_with(b"\r\n0\r\n\r\n") {
        let count = stream.read(&mut room).expect("the proxy answers");
        assert_ne!(count, 0, "cut short after {} bytes", bytes.len());
        bytes.extend_from_slice(&room[..count]);
    }
    LabReply::parse(&bytes, false, false).expect("a whole reply").body().to_vec()
}

/// Longer than the 16 MiB of a worker's ring.
const LONG: usize = 24 << 20;
