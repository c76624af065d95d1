//! The HTTP client in handlers: replies of every framing, whole and in pieces, connections that are
//! kept, and backends that misbehave.

mod wire;

use std::net::SocketAddr;
use std::time::Duration;

use waterwheel::client::{Client, ClientError, Config, Request};
use waterwheel::http::{HeaderValue, StatusCode, header};
use waterwheel::lab::{Lab, LabConfig};
use waterwheel::reactor::sim::{Backend, Client as FarEnd, Faults};
use waterwheel::{App, InPlace, Local, Query};
use wire::{get, post, replies, statuses, text};

const SECOND: Duration = Duration::from_secs(1);
const URL: &str = "http://10.9.8.7:80/there?q=1";

fn far() -> SocketAddr {
    SocketAddr::from(([10, 9, 8, 7], 80))
}

fn config() -> Config {
    let mut config = Config::default();
    config.head_timeout = SECOND;
    config.stall_timeout = SECOND;
    config.connect_timeout = SECOND;
    config.connections_max = 2;
    config
}

#[derive(serde::Deserialize)]
struct Asked {
    method: String,
}

/// Asks the backend with the method that the query names, and answers with what it said.
async fn ask(client: Local<Client>, Query(asked): Query<Asked>) -> Result<String, ClientError> {
    let response = client.send(Request::new(&asked.method, URL)?).await?;
    let status = response.status();
    let kind = response.header(&header::CONTENT_TYPE).cloned();
    let content = response.into_bytes(100_000).await?;
    let kind = kind.as_ref().map_or("none", |kind| kind.to_str().unwrap_or("odd"));
    Ok(format!("{status} {kind} {}", String::from_utf8_lossy(&content)))
}

async fn send_on(client: Local<Client>, body: InPlace<[u8]>) -> Result<Vec<u8>, ClientError> {
    let request = Request::post(URL)?
        .with_header(&header::CONTENT_TYPE, &HeaderValue::from_static("text/odd"))
        .with_bytes(body.to_vec());
    client.send(request).await?.into_bytes(1 << 20).await
}

async fn lend_on(client: Local<Client>, body: InPlace<[u8]>) -> Result<Vec<u8>, ClientError> {
    let request = Request::post(URL)?.with_lease(body.into_lease());
    client.send(request).await?.into_bytes(1 << 20).await
}

async fn stream_on(client: Local<Client>, body: InPlace<[u8]>) -> Result<Vec<u8>, ClientError> {
    let request = Request::new("PUT", URL)?.with_stream(None, async move |mut upload| {
        for piece in body.chunks(1000) {
            upload.write(piece).await?;
        }
        Ok(())
    });
    client.send(request).await?.into_bytes(1 << 20).await
}

async fn keeps(client: Local<Client>) -> String {
    client.idle_connections().to_string()
}

fn app() -> App {
    App::new()
        .per_core(|_| Client::new(config()))
        .get("/", ask)
        .post("/bytes", send_on)
        .post("/lease", lend_on)
        .post("/stream", stream_on)
        .get("/keeps", keeps)
}

/// A backend that a test speaks for.
struct Far {
    backend: Backend,
    ends: Vec<FarEnd>,
}

impl Far {
    fn new(lab: &Lab) -> Self {
        Self { backend: lab.world().backend(far()), ends: Vec::new() }
    }

    /// Turns until a request has come, on whatever connection, and returns it with that.
    fn request(&mut self, lab: &mut Lab) -> (String, usize) {
        lab.settle_at_once();
        self.ends.extend(std::iter::from_fn(|| self.backend.accept()));
        lab.settle_at_once();
        let place = self.ends.iter().position(|end| end.received_len() > 0);
        let place = place.expect("a request has come");
        (text(&self.ends[place].received()), place)
    }

    fn answer(&self, lab: &mut Lab, place: usize, bytes: &str) {
        self.ends[place].send(bytes.as_bytes());
        lab.settle_at_once();
    }
}

trait SettleAtOnce {
    fn settle_at_once(&mut self);
}

impl SettleAtOnce for Lab {
    /// Lets all that is under way arrive, in a few milliseconds.
    fn settle_at_once(&mut self) {
        self.advance(Duration::from_millis(5));
    }
}

/// What a client of ours gets when the backend answers a request of `method` with `reply`, and
/// then ends the connection if `ends`; and how many connections are kept.
fn told(method: &str, reply: &str, ends: bool) -> (String, String) {
    let mut lab = Lab::new(app());
    let mut far = Far::new(&lab);
    let client = lab.connect();
    client.send(&get(&format!("/?method={method}")));
    let (_, place) = far.request(&mut lab);
    far.answer(&mut lab, place, reply);
    if ends {
        far.ends[place].shutdown_write();
        lab.settle_at_once();
    }
    let kept = lab.get("/keeps").send().text().to_owned();
    lab.advance(SECOND * 2);
    let received = replies(&client.received());
    assert_eq!(received.len(), 1, "{reply:?}");
    let status = received[0].status();
    let said = match status {
        200 => received[0].text().to_owned(),
        _ => status.to_string(),
    };
    (said, kept)
}

#[test]
fn every_framing_is_understood() {
    for (method, reply, ends, said, kept) in [
        ("GET", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", false, "200 OK none hi", "1"),
        (
            "GET",
            "HTTP/1.1 404 No\r\ncontent-type: a/b\r\ncontent-length: 0\r\n\r\n",
            false,
            "404 Not Found a/b ",
            "1",
        ),
        (
            "GET",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\nt: u\r\n\r\n",
            false,
            "200 OK none hi",
            "1",
        ),
        ("GET", "HTTP/1.1 200 OK\r\n\r\nhi", true, "200 OK none hi", "0"),
        ("GET", "HTTP/1.0 200 OK\r\n\r\nhi", true, "200 OK none hi", "0"),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi",
            false,
            "200 OK none hi",
            "0",
        ),
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", false, "200 OK none ", "1"),
        (
            "GET",
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\n",
            false,
            "304 Not Modified none ",
            "1",
        ),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", false, "204 No Content none ", "1"),
        (
            "GET",
            "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hints\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
            false,
            "200 OK none hi",
            "1",
        ),
        // More than was announced: the reply stands, the connection does not.
        (
            "GET",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi there",
            false,
            "200 OK none hi",
            "0",
        ),
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", false, "200 OK none ", "0"),
    ] {
        assert_eq!(told(method, reply, ends), (said.to_owned(), kept.to_owned()), "{reply:?}");
    }
}

#[test]
fn replies_that_cannot_be_trusted_are_refused() {
    for (reply, ends, status) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi", true, "502"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n", true, "502"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhixx", false, "502"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\nhi",
            false,
            "502",
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nhi", false, "502"),
        ("HTTP/1.1 101 Other\r\n\r\n", false, "502"),
        ("SSH-2.0-nothing\r\n\r\n", false, "502"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n", false, "502"),
        ("", true, "502"),
        ("HTTP/1.1 200", true, "502"),
        // Nothing, or not enough, and no end either.
        ("", false, "504"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi", false, "504"),
    ] {
        let (said, kept) = told("GET", reply, ends);
        assert_eq!((said.as_str(), kept.as_str()), (status, "0"), "{reply:?}");
    }
}

#[test]
fn head_without_end_is_refused_when_it_is_too_long() {
    let long = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(20 << 10));
    assert_eq!(told("GET", &long, false).0, "502");
    let interim = "HTTP/1.1 103 Hints\r\n\r\n".repeat(100);
    assert_eq!(told("GET", &interim, false).0, "502");
}

#[test]
fn reply_cut_anywhere_means_the_same() {
    let chunked =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let length = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde";
    for reply in [chunked, length] {
        for cut in 1..reply.len() {
            let mut lab = Lab::new(app());
            let mut far = Far::new(&lab);
            let client = lab.connect();
            client.send(&get("/?method=GET"));
            let (_, place) = far.request(&mut lab);
            far.answer(&mut lab, place, &reply[..cut]);
            far.answer(&mut lab, place, &reply[cut..]);
            assert_eq!(replies(&client.received())[0].text(), "200 OK none abcde", "cut at {cut}");
            assert_eq!(lab.get("/keeps").send().text(), "1", "cut at {cut}");
        }
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn connection_is_kept_and_used_again() {
    let mut lab = Lab::new(app());
    let mut far = Far::new(&lab);
    let client = lab.connect();
    for _ in 0..5 {
        client.send(&get("/?method=GET"));
        let (request, place) = far.request(&mut lab);
        assert_eq!(request, "GET /there?q=1 HTTP/1.1\r\nhost: 10.9.8.7:80\r\n\r\n");
        far.answer(&mut lab, place, OK);
    }
    assert_eq!((far.ends.len(), lab.world().outgoing_sockets()), (1, 1));
    assert_eq!(statuses(&client.received()), [200; 5]);
    // Nobody wants it any more.
    lab.advance(SECOND * 20);
    assert_eq!((lab.world().outgoing_sockets(), lab.worker().task_count()), (0, 0));
}

#[test]
fn connection_that_the_backend_closed_is_not_used_again() {
    let mut lab = Lab::new(app());
    let mut far = Far::new(&lab);
    let client = lab.connect();
    client.send(&get("/?method=POST"));
    let (_, place) = far.request(&mut lab);
    far.answer(&mut lab, place, OK);
    far.ends[place].close();
    lab.settle_at_once();
    client.send(&get("/?method=POST"));
    let (_, place) = far.request(&mut lab);
    assert_eq!(place, 1);
    far.answer(&mut lab, place, OK);
    assert_eq!(statuses(&client.received()), [200, 200]);
}

/// The backend closes a kept connection while the next request is under way to it.
fn close_under_a_request(method: &str) -> (Vec<u16>, usize) {
    let mut lab = Lab::new(app());
    let mut far = Far::new(&lab);
    let client = lab.connect();
    client.send(&get("/?method=GET"));
    let (_, place) = far.request(&mut lab);
    far.answer(&mut lab, place, OK);
    client.send(&get(&format!("/?method={method}")));
    let (_, place) = far.request(&mut lab);
    assert_eq!(place, 0, "the connection is kept");
    far.ends[0].close();
    lab.settle_at_once();
    far.ends.extend(std::iter::from_fn(|| far.backend.accept()));
    if far.ends.len() > 1 {
        let (request, place) = far.request(&mut lab);
        assert!(request.starts_with(method), "the same request: {request}");
        far.answer(&mut lab, place, OK);
    }
    lab.settle();
    (statuses(&client.received()), far.ends.len())
}

#[test]
fn only_idempotent_requests_are_sent_again() {
    assert_eq!(close_under_a_request("GET"), (vec![200, 200], 2));
    assert_eq!(close_under_a_request("PUT"), (vec![200, 200], 2));
    assert_eq!(close_under_a_request("POST"), (vec![200, 502], 1));
    assert_eq!(close_under_a_request("PATCH"), (vec![200, 502], 1));
}

#[test]
fn more_requests_than_connections_wait_their_turn() {
    let mut lab = Lab::new(app());
    let mut far = Far::new(&lab);
    let clients: Vec<_> = (0..6).map(|_| lab.connect()).collect();
    for client in &clients {
        client.send(&get("/?method=GET"));
    }
    for _ in &clients {
        let (_, place) = far.request(&mut lab);
        assert!(far.ends.len() <= 2, "at most two connections");
        far.answer(&mut lab, place, OK);
    }
    for client in &clients {
        assert_eq!(statuses(&client.received()), [200]);
    }
}

#[test]
fn waiting_for_a_connection_ends_in_time() {
    let mut lab = Lab::new(app());
    let mut far = Far::new(&lab);
    let clients: Vec<_> = (0..3).map(|_| lab.connect()).collect();
    for client in &clients {
        client.send(&get("/?method=GET"));
        lab.settle_at_once();
    }
    far.request(&mut lab);
    lab.advance(SECOND * 2);
    let all: Vec<u16> = clients.iter().flat_map(|client| statuses(&client.received())).collect();
    assert_eq!(all, [504; 3]);
    assert_eq!(lab.world().outgoing_sockets(), 0);
}

#[test]
fn content_goes_whole_or_in_chunks() {
    let body: Vec<u8> = (0..3500).map(|index| b'a' + (index % 26) as u8).collect();
    let mut lab = Lab::new(app());
    let mut far = Far::new(&lab);
    let client = lab.connect();
    client.send(&post("/bytes", &body));
    let (request, place) = far.request(&mut lab);
    let expected = "POST /there?q=1 HTTP/1.1\r\nhost: 10.9.8.7:80\r\ncontent-type: text/odd\r\n\
                    content-length: 3500\r\n\r\n";
    assert_eq!(request, expected.to_owned() + &text(&body));
    far.answer(&mut lab, place, OK);
    client.send(&post("/lease", &body));
    let (request, place) = far.request(&mut lab);
    let expected = "POST /there?q=1 HTTP/1.1\r\nhost: 10.9.8.7:80\r\ncontent-length: 3500\r\n\r\n";
    assert_eq!(request, expected.to_owned() + &text(&body));
    assert!(lab.leased_segments() > 0);
    far.answer(&mut lab, place, OK);
    assert_eq!(lab.leased_segments(), 0);
    client.send(&post("/stream", &body));
    let (request, place) = far.request(&mut lab);
    let (head, content) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.ends_with("transfer-encoding: chunked"), "{head}");
    let chunks: Vec<_> = body
        .chunks(1000)
        .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), text(chunk)))
        .collect();
    assert_eq!(content, chunks.concat() + "0\r\n\r\n");
    far.answer(&mut lab, place, OK);
    assert_eq!(statuses(&client.received()), [200; 3]);
}

#[test]
fn early_refusal_of_a_long_request_is_heard() {
    let mut lab = Lab::new(app());
    let backend = lab.world().backend(far());
    let client = lab.connect();
    client.send(&post("/stream", &vec![b'x'; 900_000]));
    let far_end = loop {
        lab.turn();
        if let Some(far_end) = backend.accept() {
            break far_end;
        }
    };
    far_end.set_auto_read(false);
    far_end.send(b"HTTP/1.1 413 Too Long\r\ncontent-length: 3\r\n\r\nno\n");
    lab.settle();
    let replies = replies(&client.received());
    assert_eq!((replies[0].status(), replies[0].text()), (200, "no\n"));
    assert_eq!(lab.world().outgoing_sockets(), 0, "half a request cannot be followed by another");
}

#[test]
fn faults_leak_nothing_and_mix_nothing_up() {
    let mut whole = 0;
    for seed in 0..150 {
        let mut config = LabConfig::default();
        config.seed = seed;
        config.faults = Faults::from_seed(seed);
        let mut lab = Lab::with(app(), config);
        let mut far = Far::new(&lab);
        let clients: Vec<_> = (0..3).map(|_| lab.connect()).collect();
        for client in &clients {
            client.send(&[get("/?method=GET"), post("/stream", &[b'x'; 500])].concat());
        }
        for turn in 0..3000 {
            lab.turn();
            far.ends.extend(std::iter::from_fn(|| far.backend.accept()));
            for end in &far.ends {
                for _ in 0..text(&end.received()).matches(" HTTP/1.1\r\n").count() {
                    end.send(OK.as_bytes());
                }
            }
            if turn == 1500 {
                lab.world().stop_faults();
            }
        }
        for client in &clients {
            let received = text(&client.received());
            for line in received.lines().filter(|line| line.starts_with("HTTP/1.1 ")) {
                let status: u16 = line[9..12].parse().unwrap();
                assert!([200, 408, 502, 503, 504].contains(&status), "seed {seed}: {line}");
                whole += usize::from(status == 200);
            }
        }
        drop(clients);
        lab.advance(SECOND * 30);
        let worker = lab.worker();
        let left = (worker.source_count(), worker.sleep_count(), worker.task_count());
        assert_eq!(left, (0, 0, 0), "seed {seed}");
        assert_eq!((lab.world().outgoing_sockets(), lab.leased_segments()), (0, 0), "seed {seed}");
    }
    assert!(whole > 300, "only {whole} replies were whole");
}

#[test]
fn status_of_a_gateway_follows_the_fault() {
    assert_eq!(ClientError::HeadTimeout.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(ClientError::Ended.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(ClientError::Full.status(), StatusCode::SERVICE_UNAVAILABLE);
}
