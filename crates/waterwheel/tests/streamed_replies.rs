//! Replies that are written while they are sent: framed as their client understands, made no faster
//! than it reads, and never whole when they are not.

mod wire;

use std::cell::Cell;
use std::convert::Infallible;
use std::future::pending;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::time::Duration;

use waterwheel::http::StatusCode;
use waterwheel::lab::{Lab, LabConfig};
use waterwheel::reactor::sim::Client;
use waterwheel::task::{sleep, spawn_local};
use waterwheel::{App, Call, Cut, Extract, InPlace, Local, Path, Rejection, Reply, WriteError};
use wire::{get, post, replies, text};

const SECOND: Duration = Duration::from_secs(1);

/// What the streams of a test did, on its one core.
#[derive(Clone, Default)]
struct Log(Rc<Inner>);

#[derive(Default)]
struct Inner {
    written: Cell<usize>,
    polls: Cell<usize>,
    dropped: Cell<usize>,
}

struct CountDrop(Log);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.0.dropped.set(self.0.0.dropped.get() + 1);
    }
}

/// The log of the core, owned.
struct Logged(Log);

impl Extract for Logged {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Ok(Self((*Local::<Log>::extract(call)?).clone()))
    }
}

fn line(number: usize) -> String {
    format!("line {number}\n")
}

fn lines(count: usize) -> Reply {
    Reply::stream(move |mut out| async move {
        for number in 0..count {
            out.write(line(number)).await?;
        }
        Ok(())
    })
    .with_content_type("text/plain")
}

/// Writes for ever, a page at a time.
fn endless(Logged(log): Logged) -> Reply {
    Reply::stream(move |mut out| async move {
        let _count = CountDrop(log.clone());
        loop {
            out.write([b'x'; 4096]).await?;
            log.0.written.set(log.0.written.get() + 4096);
        }
    })
}

/// States five bytes, writes as many as the path says, and does not mind being refused.
fn stated(Path(count): Path<usize>) -> Reply {
    Reply::stream(move |mut out| async move {
        let written = out.write(vec![b'a'; count]).await;
        assert_eq!(written, if count > 5 { Err(WriteError::TooLong) } else { Ok(()) });
        Ok(())
    })
    .with_content_len(5)
}

fn app() -> App {
    App::new()
        .per_core(|_| Log::default())
        .get("/lines", || lines(20_000))
        .get("/few", || lines(3))
        .get("/none", || Reply::stream(async |_| Ok(())))
        .get("/later", async || {
            sleep(SECOND).await;
            lines(3)
        })
        .get("/ticks", || {
            Reply::stream(|mut out| async move {
                for number in 0..3 {
                    out.write(line(number)).await?;
                    sleep(SECOND).await;
                }
                Ok(())
            })
        })
        .get("/endless", endless)
        .get("/stated/{count}", stated)
        .get("/status/{status}", |Path(status): Path<u16>| {
            lines(3).with_status(StatusCode::from_u16(status).expect("a status"))
        })
        .get("/log", |log: Local<Log>| format!("{} {}", log.0.written.get(), log.0.dropped.get()))
}

/// The same, with streams that do not simply end.
fn app_with_trouble() -> App {
    app()
        .get("/fails", || {
            Reply::stream(|mut out| async move {
                out.write("begun").await?;
                Err(Cut::new())
            })
        })
        .get("/panics", || {
            Reply::stream(|mut out| async move {
                out.write("begun").await?;
                resume_unwind(Box::new("a stream's fault"))
            })
        })
        .get("/waits", |Logged(log): Logged| {
            Reply::stream(|mut out| async move {
                let _count = CountDrop(log);
                out.write("begun").await?;
                pending::<Infallible>().await;
                Ok(())
            })
        })
        .post("/echo", |body: InPlace<[u8]>| {
            Reply::stream(move |mut out| async move {
                out.write_lease(body.into_lease()).await?;
                Ok(())
            })
        })
        .get("/elsewhere", || {
            Reply::stream(|mut out| async move {
                let task = spawn_local(async move {
                    for number in 0..20_000 {
                        if out.write(line(number)).await.is_err() {
                            return false;
                        }
                    }
                    true
                });
                if task.await { Ok(()) } else { Err(Cut::new()) }
            })
        })
        .get("/flushed", |Logged(log): Logged| {
            Reply::stream(move |mut out| async move {
                out.write([0; 1000]).await?;
                out.flush().await?;
                log.0.polls.set(log.0.polls.get() + 1);
                pending::<Infallible>().await;
                Ok(())
            })
        })
}

fn assert_at_rest(lab: &Lab) {
    let worker = lab.worker();
    assert_eq!((worker.sleep_count(), worker.task_count(), lab.leased_segments()), (0, 0, 0));
}

fn all_lines(count: usize) -> String {
    (0..count).map(line).collect()
}

#[test]
fn content_of_unknown_length_comes_in_chunks() {
    let mut lab = Lab::new(app_with_trouble());
    for path in ["/lines", "/elsewhere"] {
        let reply = lab.get(path).send();
        assert_eq!(reply.header("transfer-encoding"), Some("chunked"), "{path}");
        assert_eq!(reply.header("content-length"), None, "{path}");
        assert_eq!(reply.text(), all_lines(20_000), "{path}");
    }
    assert_eq!(lab.get("/none").send().text(), "");
    assert_at_rest(&lab);
}

#[test]
fn streams_and_whole_replies_keep_their_order_on_one_connection() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(&[get("/few"), get("/log"), get("/later"), get("/few"), get("/log")].concat());
    lab.advance(2 * SECOND);
    let replies = replies(&client.received());
    let texts: Vec<_> = replies.iter().map(|reply| reply.text()).collect();
    let three = all_lines(3);
    assert_eq!(texts, [&three, "0 0", &three, &three, "0 0"]);
    assert!(client.end().is_none());
    assert_at_rest(&lab);
}

#[test]
fn what_is_written_leaves_while_the_stream_waits() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(&get("/ticks"));
    let mut received = Vec::new();
    for number in 0..3 {
        lab.advance(Duration::from_millis(900));
        client.receive_into(&mut received);
        assert!(text(&received).ends_with(&format!("7\r\n{}\r\n", line(number))), "{number}");
        lab.advance(Duration::from_millis(100));
    }
    lab.advance(Duration::from_millis(10));
    client.receive_into(&mut received);
    assert!(text(&received).ends_with("\r\n0\r\n\r\n"));
    assert_at_rest(&lab);
}

#[test]
fn stated_length_is_sent_and_held_to() {
    let mut lab = Lab::new(app());
    let reply = lab.get("/stated/5").send();
    assert_eq!((reply.header("content-length"), reply.text()), (Some("5"), "aaaaa"));
    assert_eq!(reply.header("transfer-encoding"), None);
    for (count, arrives) in [(0, ""), (4, "aaaa"), (6, "")] {
        let (received, is_closed) = lab.raw(&get(&format!("/stated/{count}")));
        let received = text(&received);
        let (head, body) = received.split_once("\r\n\r\n").expect("a head comes");
        assert!(head.contains("content-length: 5") && is_closed, "{count}: {received}");
        assert_eq!(body, arrives, "{count}");
    }
    assert_at_rest(&lab);
}

#[test]
fn head_gets_the_same_fields_and_runs_nothing() {
    let mut lab = Lab::new(app());
    let reply = lab.request("HEAD", "/endless").send();
    assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
    assert_eq!(lab.request("HEAD", "/stated/9").send().header("content-length"), Some("5"));
    assert_eq!(lab.get("/log").send().text(), "0 0");
    assert_at_rest(&lab);
}

#[test]
fn http_1_0_gets_content_up_to_the_end_of_the_connection() {
    let mut lab = Lab::new(app());
    for keep_alive in ["", "connection: keep-alive\r\n"] {
        let (received, is_closed) =
            lab.raw(format!("GET /few HTTP/1.0\r\n{keep_alive}\r\n").as_bytes());
        let received = text(&received);
        let (head, body) = received.split_once("\r\n\r\n").expect("a head comes");
        assert!(head.contains("connection: close") && is_closed, "{received}");
        assert!(!head.contains("transfer-encoding") && !head.contains("content-length"), "{head}");
        assert_eq!(body, all_lines(3));
    }
    assert_at_rest(&lab);
}

#[test]
fn status_without_content_sends_none() {
    let mut lab = Lab::new(app());
    for status in [204, 205, 304] {
        let reply = lab.get(&format!("/status/{status}")).send();
        assert_eq!((reply.status(), reply.text()), (status, ""));
        assert_eq!(reply.header("transfer-encoding"), None);
    }
    assert_eq!(lab.get("/status/103").send().status(), 500);
    assert_eq!(lab.get("/status/404").send().text(), all_lines(3));
    assert_at_rest(&lab);
}

#[test]
fn nothing_is_made_that_the_client_does_not_read() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.set_auto_read(false);
    client.set_receive_window(64 << 10);
    client.send(&get("/endless"));
    lab.advance(5 * SECOND);
    let written = |lab: &mut Lab| -> usize {
        let log = lab.get("/log").send();
        log.text().split(' ').next().and_then(|count| count.parse().ok()).expect("a count")
    };
    let first = written(&mut lab);
    assert!(first <= (64 + 256 + 64) << 10, "{first} bytes were written");
    let mut read = 0;
    while read < 1 << 20 {
        read += client.read(usize::MAX).len();
        lab.advance(Duration::from_millis(50));
    }
    let second = written(&mut lab);
    assert!(second > 1 << 20 && second < read + ((64 + 256 + 64) << 10), "{second} bytes");
    // Nobody reads on: the send timeout ends it, and with it the stream.
    lab.advance(40 * SECOND);
    assert_eq!(lab.get("/log").send().text(), format!("{second} 1"));
    assert_at_rest(&lab);
}

#[test]
fn client_that_leaves_ends_the_stream() {
    let mut lab = Lab::new(app_with_trouble());
    for path in ["/endless", "/waits"] {
        let dropped = |lab: &mut Lab| {
            let log = lab.get("/log").send();
            log.text().split(' ').nth(1).expect("a count").to_owned()
        };
        let before: usize = dropped(&mut lab).parse().expect("a number");
        for (count, leave) in [Client::close, Client::reset].into_iter().enumerate() {
            let client = lab.connect();
            client.set_auto_read(false);
            client.send(&get(path));
            lab.advance(Duration::from_millis(100));
            leave(&client);
            lab.advance(Duration::from_millis(100));
            assert_eq!(dropped(&mut lab), (before + count + 1).to_string(), "{path}");
        }
    }
    assert_at_rest(&lab);
}

#[test]
fn stream_that_fails_is_never_taken_for_whole() {
    let mut lab = Lab::new(app_with_trouble());
    for path in ["/fails", "/panics"] {
        let (received, is_closed) = lab.raw(&[get("/log"), get(path), get("/log")].concat());
        let received = text(&received);
        assert!(received.starts_with("HTTP/1.1 200 OK"), "the reply before arrives: {received}");
        assert!(received.ends_with("\r\n5\r\nbegun\r\n") && is_closed, "{path}: {received}");
    }
    let (received, is_closed) = lab.raw(b"GET /fails HTTP/1.0\r\n\r\n");
    assert!(is_closed && !text(&received).contains("begun"), "nothing looks like the whole");
    assert_at_rest(&lab);
}

#[test]
fn lease_is_sent_from_where_it_is() {
    let mut lab = Lab::new(app_with_trouble());
    let body = "0123456789".repeat(1000);
    let reply = lab.post("/echo").body(body.clone()).send();
    assert_eq!((reply.text(), reply.copies()), (body.as_str(), 0));
    let (received, _) = lab.raw(&post("/echo", b""));
    assert!(text(&received).ends_with("\r\n\r\n0\r\n\r\n"), "an empty lease is no last chunk");
    assert_at_rest(&lab);
}

#[test]
fn flush_waits_until_the_socket_has_taken_all() {
    let mut lab =
        Lab::new(app_with_trouble().get("/polls", |log: Local<Log>| log.0.polls.get().to_string()));
    let client = lab.connect();
    client.set_auto_read(false);
    client.set_receive_window(600);
    client.send(&get("/flushed"));
    lab.advance(SECOND);
    assert_eq!(lab.get("/polls").send().text(), "0");
    client.read(1000);
    lab.advance(SECOND);
    assert_eq!(lab.get("/polls").send().text(), "1");
}

#[test]
fn stream_goes_on_when_the_ring_has_room_again() {
    let mut config = LabConfig::default();
    config.ring.segment_count = 64;
    let app = app().post("/keeps", async |body: InPlace<[u8]>| {
        sleep(SECOND).await;
        body.len().to_string()
    });
    let mut limits = waterwheel::Limits::default();
    limits.body_len_max = 100_000;
    let mut lab = Lab::with(app.limits(limits), config);
    let keeper = lab.connect();
    keeper.send(&post("/keeps", &[b'k'; 100_000]));
    let other = lab.connect();
    other.send(&post("/keeps", &[b'k'; 90_000]));
    lab.advance(Duration::from_millis(10));
    let client = lab.connect();
    client.send(&get("/lines"));
    lab.advance(3 * SECOND);
    assert_eq!(replies(&client.received())[0].text(), all_lines(20_000));
    assert_at_rest(&lab);
}

#[test]
fn drain_cuts_a_stream_that_does_not_end() {
    let mut lab = Lab::new(app_with_trouble());
    let client = lab.connect();
    client.send(&get("/waits"));
    lab.advance(Duration::from_millis(10));
    lab.drain();
    lab.advance(30 * SECOND);
    assert_eq!(lab.worker().report().cut, 1);
    assert!(text(&client.received()).ends_with("5\r\nbegun\r\n"));
    assert_at_rest(&lab);
}
