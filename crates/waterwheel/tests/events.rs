//! Server-sent events: each one there at once, also through a compressor, and a sign of life when
//! there is none.

mod wire;

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use waterwheel::lab::Lab;
use waterwheel::reactor::sim::Client;
use waterwheel::ring::{Config, Lease, Ring};
use waterwheel::stages::gzip::Gzip;
use waterwheel::stages::zstd::Zstd;
use waterwheel::stages::{Chain, Direction, Next, Stream};
use waterwheel::task::sleep;
use waterwheel::{App, Event, Handler, LastEventId, Reply};
use wire::{get, text};

const SECOND: Duration = Duration::from_secs(1);

/// One event every second, for ever.
fn ticks() -> Reply {
    Reply::events(|mut events| async move {
        for number in 0.. {
            events.send(Event::data(&format!("tick {number}")).id(&number.to_string())).await?;
            sleep(SECOND).await;
        }
        Ok(())
    })
}

fn silent() -> Reply {
    Reply::events(|mut events| async move {
        events.send(Event::data("hello")).await?;
        pending::<Infallible>().await;
        Ok(())
    })
}

fn app() -> App {
    App::new()
        .get("/ticks", ticks.compressed())
        .get("/silent", silent.compressed())
        .get("/hasty", (|| silent().with_keep_alive(SECOND)).compressed())
        .get("/mute", || silent().with_keep_alive(Duration::ZERO))
        .get("/resumed", |LastEventId(id): LastEventId| format!("{id:?}"))
        .get(
            "/page",
            (|| {
                Reply::stream(|mut out| async move {
                    for number in 0..10_000 {
                        out.write(format!("line {number}\n")).await?;
                    }
                    Ok(())
                })
                .with_content_len(98_890)
                .with_content_type("text/plain")
            })
            .compressed(),
        )
}

/// What a client that accepts `coding` sees, as it comes.
struct Watcher {
    client: Client,
    received: Vec<u8>,
    /// Bytes of `received` that were looked at.
    seen: usize,
    ring: Ring,
    decoder: Option<Stream>,
}

impl Watcher {
    fn new(lab: &mut Lab, path: &str, coding: &str) -> Self {
        let client = lab.connect();
        let request = get(path);
        let head = text(&request).replace("\r\n\r\n", "\r\naccept-encoding: ");
        client.send(format!("{head}{coding}\r\n\r\n").as_bytes());
        lab.advance(Duration::from_millis(1));
        let mut received = Vec::new();
        client.receive_into(&mut received);
        let end = received.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
        let head = text(&received[..end]);
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        let is_encoded = head.contains(&format!("content-encoding: {coding}"));
        assert_eq!(is_encoded, coding != "identity", "{head}");
        let chain = match coding {
            "zstd" => Some(Chain::new().then(Zstd::new(1 << 20))),
            "gzip" => Some(Chain::new().then(Gzip::new(1 << 20))),
            _ => None,
        };
        let ring = Ring::new(&Config::default()).expect("a ring");
        let start = |chain: Chain| Stream::start(&[&chain], Direction::Inbound, &ring, 4096);
        let decoder = chain.map(|chain| start(chain).expect("a context is free"));
        Self { client, received, seen: end, ring, decoder }
    }

    /// The content that has come since.
    fn content(&mut self) -> String {
        self.client.receive_into(&mut self.received);
        let mut rest = &self.received[self.seen..];
        self.seen = self.received.len();
        let mut content = self.lease();
        while !rest.is_empty() {
            let end = rest.windows(2).position(|two| two == b"\r\n").expect("whole chunks come");
            let len = usize::from_str_radix(&text(&rest[..end]), 16).expect("a length");
            content.append(&rest[end + 2..end + 2 + len]).expect("there is room");
            rest = &rest[end + 2 + len + 2..];
        }
        let Some(decoder) = &mut self.decoder else { return text(content.payload()) };
        let mut decoded = self.ring.reserve(16).expect("a free ring");
        assert_eq!(decoder.step(&mut content, false, &mut decoded).expect("valid"), Next::Input);
        text(decoded.payload())
    }

    fn lease(&self) -> Lease {
        self.ring.reserve(16).expect("a free ring")
    }
}

#[test]
fn each_event_is_there_at_once_whatever_the_coding() {
    let mut lab = Lab::new(app());
    for coding in ["identity", "zstd", "gzip"] {
        let mut watcher = Watcher::new(&mut lab, "/ticks", coding);
        for number in 0..20 {
            let expected = format!("id: {number}\ndata: tick {number}\n\n");
            assert_eq!(watcher.content(), expected, "{coding}");
            lab.advance(SECOND);
        }
    }
    lab.advance(SECOND);
    assert_eq!((lab.leased_segments(), lab.worker().sleep_count()), (0, 0));
}

#[test]
fn silence_is_broken_by_a_comment() {
    let mut lab = Lab::new(app());
    for (path, interval) in [("/silent", 15 * SECOND), ("/hasty", SECOND)] {
        for coding in ["identity", "zstd", "gzip"] {
            let mut watcher = Watcher::new(&mut lab, path, coding);
            assert_eq!(watcher.content(), "data: hello\n\n");
            for _ in 0..3 {
                lab.advance(interval - Duration::from_millis(100));
                assert_eq!(watcher.content(), "", "{path} {coding}");
                lab.advance(Duration::from_millis(120));
                assert_eq!(watcher.content(), ":\n\n", "{path} {coding}");
            }
        }
    }
    let mut watcher = Watcher::new(&mut lab, "/mute", "identity");
    lab.advance(600 * SECOND);
    assert_eq!(watcher.content(), "data: hello\n\n");
}

#[test]
fn events_without_a_free_compressor_come_as_they_are() {
    let mut lab = Lab::new(app());
    let watchers: Vec<_> = (0..16).map(|_| Watcher::new(&mut lab, "/ticks", "zstd")).collect();
    let client = lab.connect();
    client.send(b"GET /ticks HTTP/1.1\r\nhost: a\r\naccept-encoding: zstd\r\n\r\n");
    lab.advance(Duration::from_millis(10));
    let received = text(&client.received());
    assert!(!received.contains("content-encoding") && received.contains("vary"), "{received}");
    assert!(received.ends_with("data: tick 0\n\n\r\n"), "{received}");
    drop(watchers);
    lab.advance(2 * SECOND);
    drop(Watcher::new(&mut lab, "/ticks", "zstd"));
}

#[test]
fn drain_ends_events_in_good_order() {
    let mut lab = Lab::new(app());
    let watchers = ["identity", "zstd"].map(|coding| {
        let watcher = Watcher::new(&mut lab, "/silent", coding);
        watcher.client
    });
    lab.drain();
    lab.advance(5 * SECOND);
    let report = lab.worker().report();
    assert_eq!((report.finished, report.cut), (2, 0));
    for client in &watchers {
        assert!(client.received().ends_with(b"0\r\n\r\n") && client.end().is_some());
    }
}

#[test]
fn compressed_stream_is_whole_and_states_no_length() {
    let mut lab = Lab::new(app());
    let plain = lab.get("/page").send();
    assert_eq!(plain.header("content-length"), Some("98890"));
    for (coding, chain) in [
        ("zstd", Chain::new().then(Zstd::new(1 << 20))),
        ("gzip", Chain::new().then(Gzip::new(1 << 20))),
    ] {
        let reply = lab.get("/page").header("accept-encoding", coding).send();
        assert_eq!(reply.header("content-length"), None);
        assert_eq!(reply.header("content-encoding"), Some(coding));
        let ring = Ring::new(&Config::default()).expect("a ring");
        let mut lease = ring.reserve_bytes(reply.body().len()).expect("a free ring");
        lease.append(reply.body()).expect("there is room");
        chain.inbound(&mut lease).expect("it can be decoded");
        assert!(lease.payload() == plain.body() && reply.body().len() < 60_000, "{coding}");
    }
    assert_eq!(lab.leased_segments(), 0);
}

#[test]
fn head_of_a_compressed_stream_tells_the_coding() {
    let mut lab = Lab::new(app());
    let reply = lab.request("HEAD", "/ticks").header("accept-encoding", "gzip").send();
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
}

#[test]
fn client_that_comes_back_tells_what_it_saw_last() {
    let mut lab = Lab::new(app());
    assert_eq!(lab.get("/resumed").send().text(), "None");
    assert_eq!(lab.get("/resumed").header("Last-Event-ID", "7").send().text(), "Some(\"7\")");
}
