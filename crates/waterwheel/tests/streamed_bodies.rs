//! Bodies that their handler reads while they come: whole whatever their length and however they
//! are cut, no faster than they are read, and never taken for whole when they are not.

mod wire;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use waterwheel::lab::{Delivery, Lab, LabConfig};
use waterwheel::stages::base64::Base64;
use waterwheel::task::{sleep, spawn_local, timeout};
use waterwheel::{App, BodyError, BodyReader, Handler, Limits, Local, Reply};
use wire::{get, post, post_chunked, replies, statuses, text};

const SECOND: Duration = Duration::from_secs(1);

/// What readers of a test did, on its one core.
#[derive(Default)]
struct Log {
    begun: Cell<usize>,
    read_len: Rc<Cell<usize>>,
    last: Cell<Option<&'static str>>,
}

/// A sum in which the place of every byte counts.
fn checksum(bytes: &[u8], so_far: u64) -> u64 {
    bytes.iter().fold(so_far, |sum, &byte| {
        sum.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(byte) + 1)
    })
}

fn summary(bytes: &[u8]) -> String {
    format!("{} {:x}", bytes.len(), checksum(bytes, 0))
}

async fn sum(mut body: BodyReader, log: Local<Log>) -> Result<String, BodyError> {
    log.begun.set(log.begun.get() + 1);
    let (mut len, mut sum) = (0, 0);
    while let Some(window) = body.next().await {
        let window = window.inspect_err(|error| {
            log.last.set(Some(match error {
                BodyError::Truncated => "truncated",
                BodyError::TooSlow => "too slow",
                _ => "other",
            }));
        })?;
        len += window.len();
        sum = checksum(window.payload(), sum);
        log.read_len.set(len);
    }
    assert!(body.next().await.is_none(), "the end stays the end");
    Ok(format!("{len} {sum:x}"))
}

/// Sends back what comes, while it comes.
fn echo(mut body: BodyReader) -> Reply {
    Reply::stream(|mut out| async move {
        while let Some(window) = body.next().await {
            out.write_lease(window?).await?;
        }
        Ok(())
    })
}

async fn slow(mut body: BodyReader) -> Result<String, BodyError> {
    let mut len = 0;
    sleep(SECOND).await;
    while let Some(window) = body.next().await {
        len += window?.len();
        sleep(SECOND).await;
    }
    Ok(len.to_string())
}

async fn first_window(mut body: BodyReader) -> Result<String, BodyError> {
    match body.next().await {
        Some(window) => Ok(window?.len().to_string()),
        None => Ok("none".to_owned()),
    }
}

fn app() -> App {
    App::new()
        .per_core(|_| Log::default())
        .post("/sum", sum)
        .post("/sum/limited", sum.body_len_max(1000))
        .post("/sum/decoded", sum.decoded(1 << 20))
        .post("/sum64", sum.through(Base64::STANDARD))
        .post("/sum64/decoded", sum.through(Base64::STANDARD).decoded(1 << 20))
        .post("/echo", echo)
        .post("/echo64", echo.through(Base64::STANDARD))
        .post("/slow", slow)
        .post("/first", first_window)
        .post("/unread", |_: BodyReader| "unread")
        .post("/unread/streamed", |_: BodyReader| {
            Reply::stream(async |mut out| Ok(out.write("unread").await?))
        })
        .post("/hasty", async |mut body: BodyReader| {
            let mut late = 0;
            loop {
                match timeout(SECOND, body.next()).await {
                    Err(_) => late += 1,
                    Ok(Some(_)) => {}
                    Ok(None) => return late.to_string(),
                }
            }
        })
        .post("/elsewhere", async |mut body: BodyReader| {
            let task = spawn_local(async move {
                let mut len = 0;
                while let Some(Ok(window)) = body.next().await {
                    len += window.len();
                }
                len.to_string()
            });
            task.await
        })
        .post("/trailer", async |mut body: BodyReader| {
            while body.next().await.is_some() {}
            format!("{:?} {:?}", body.trailer("X-Sum").as_deref().map(text), body.trailer("y"))
        })
        .get("/log", |log: Local<Log>| {
            format!("{} {} {:?}", log.begun.get(), log.read_len.get(), log.last.get())
        })
        .get("/sync", || "sync")
}

fn assert_at_rest(lab: &Lab) {
    let worker = lab.worker();
    assert_eq!((worker.sleep_count(), worker.task_count(), lab.leased_segments()), (0, 0, 0));
}

/// Bytes without a pattern that a mistake could follow.
fn content(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..len).map(|_| random.u8(..)).collect()
}

/// A ring of 256 KiB, shorter than what is sent through it.
fn small_lab() -> Lab {
    let mut config = LabConfig::default();
    config.ring.segment_count = 64;
    let mut limits = Limits::default();
    limits.body_len_max = 100_000;
    Lab::with(app().limits(limits), config)
}

/// A frame of zeros that claims no length: blocks of 128 KiB, four bytes each.
fn zstd_zeros(content_len: u64) -> Vec<u8> {
    let blocks = u32::try_from(content_len >> 17).expect("less than half a petabyte");
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3];
    for block in 1..=blocks {
        let header = 1u32 << 20 | 1 << 1 | u32::from(block == blocks);
        frame.extend(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

fn zstd(content: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; zstd_safe::compress_bound(content.len())];
    let len = zstd_safe::compress(&mut frame[..], content, 3).expect("the room is enough");
    frame.truncate(len);
    frame
}

fn with_field(request: &[u8], field: &str) -> Vec<u8> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    [&request[..end], b"\r\n", field.as_bytes(), &request[end..]].concat()
}

#[test]
fn body_is_read_whole_however_it_is_cut() {
    let mut lab = Lab::new(app());
    for delivery in [Delivery::Whole, Delivery::SplitAt(70), Delivery::ByteByByte] {
        lab.deliver(delivery);
        for len in [0, 1, 2, 4095, 5000] {
            let body = content(len);
            let expected = summary(&body);
            assert_eq!(lab.post("/sum").body(body.clone()).send().text(), expected, "{delivery:?}");
            for chunk_len in [1, 15, 4096] {
                let mut request = post_chunked("/sum", &body, chunk_len);
                request.extend_from_slice(&get("/sync"));
                let (received, _) = lab.raw(&request);
                let replies = replies(&received);
                assert_eq!(replies[0].text(), expected, "{delivery:?} {chunk_len}");
                assert_eq!(replies[1].text(), "sync");
            }
        }
    }
    assert_at_rest(&lab);
}

#[test]
fn body_longer_than_the_ring_passes_in_a_few_segments() {
    let mut lab = small_lab();
    let body = content(5 << 20);
    for request in [post("/sum", &body), post_chunked("/sum", &body, 300_000)] {
        let (received, _) = lab.raw(&request);
        assert_eq!(replies(&received)[0].text(), summary(&body));
    }
    assert!(lab.ring_stats().leased_max <= 60, "{:?}", lab.ring_stats());
    assert_eq!(lab.ring_stats().copied_bytes, 0, "windows are handed over where they came");
    assert_at_rest(&lab);
}

#[test]
fn echo_goes_out_while_it_comes_in() {
    let mut lab = small_lab();
    let body = content(3 << 20);
    for request in [post("/echo", &body), post_chunked("/echo", &body, 5000)] {
        let (received, _) = lab.raw(&request);
        assert!(replies(&received)[0].body() == body);
    }
    let client = lab.connect();
    client.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nfirst");
    lab.advance(SECOND);
    assert!(text(&client.received()).ends_with("5\r\nfirst\r\n"));
    client.send(b"later");
    lab.advance(SECOND);
    assert!(text(&client.received()).ends_with("5\r\nlater\r\n0\r\n\r\n"));
    assert_at_rest(&lab);
}

#[test]
fn echo_waits_for_a_client_that_does_not_read() {
    let mut lab = small_lab();
    let client = lab.connect();
    client.set_auto_read(false);
    client.set_receive_window(10_000);
    let body = content(2 << 20);
    client.send(&post("/echo", &body));
    lab.advance(SECOND);
    let before = lab.metrics().received_len;
    assert!(before < 512 << 10, "{before} bytes were read");
    let mut received = Vec::new();
    while received.len() < body.len() {
        let piece = client.read(usize::MAX);
        assert!(!piece.is_empty(), "it goes on when there is room");
        received.extend_from_slice(&piece);
        lab.advance(Duration::from_millis(30));
    }
    received.extend_from_slice(&client.read(usize::MAX));
    assert!(replies(&received)[0].body() == body);
    drop(client);
    lab.advance(SECOND);
    assert_at_rest(&lab);
}

#[test]
fn nothing_is_received_that_the_handler_does_not_read() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(&post("/slow", &content(1 << 20)));
    lab.advance(Duration::from_millis(900));
    let first = lab.metrics().received_len;
    assert!(first <= 64 << 10, "{first} bytes");
    lab.advance(5 * SECOND);
    let later = lab.metrics().received_len;
    assert!(later <= 7 * (64 << 10), "{later} bytes");
    // Its own slowness is not the client's: no timeout of a body's counts it.
    lab.advance(100 * SECOND);
    assert_eq!(replies(&client.received())[0].text(), (1 << 20).to_string());
    assert_at_rest(&lab);
}

#[test]
fn stages_and_codings_work_window_by_window() {
    let mut lab = small_lab();
    let body = content(700_000);
    let base64 = base64_simd::STANDARD.encode_to_string(&body).into_bytes();
    let (packed, packed64) = (zstd(&body), zstd(&base64[..900_000]));
    for (path, sent, coding, expected) in [
        ("/sum64", &base64, "identity", summary(&body)),
        ("/sum/decoded", &packed, "zstd", summary(&body)),
        ("/sum/decoded", &zstd(&packed), "zstd, zstd", summary(&body)),
        ("/sum64/decoded", &packed64, "zstd", summary(&body[..675_000])),
        ("/sum", &packed, "zstd", summary(&packed)),
    ] {
        for request in [post(path, sent), post_chunked(path, sent, 7000)] {
            let field = format!("content-encoding: {coding}");
            let (received, _) = lab.raw(&with_field(&request, &field));
            let reply = replies(&received)[0].text().to_owned();
            // What comes through stages goes back through them.
            let is_encoded = path.starts_with("/sum64");
            let expected = match is_encoded {
                true => base64_simd::STANDARD.encode_to_string(&expected),
                false => expected.clone(),
            };
            assert_eq!(reply, expected, "{path} {coding}");
        }
    }
    let (received, _) = lab.raw(&post("/echo64", &base64));
    assert!(replies(&received)[0].body() == base64);
    assert_at_rest(&lab);
}

#[test]
fn bomb_is_stopped_at_the_limit_in_flat_memory() {
    let mut lab = small_lab();
    let bomb = zstd_zeros(10 << 30);
    let request = with_field(&post("/sum/decoded", &bomb), "content-encoding: zstd");
    let (received, is_closed) = lab.raw(&request);
    assert!(is_closed && text(&received).starts_with("HTTP/1.1 413"), "{}", text(&received));
    assert!(lab.ring_stats().leased_max <= 60, "{:?}", lab.ring_stats());
    assert_at_rest(&lab);
}

#[test]
fn body_that_cannot_be_decoded_is_refused() {
    let mut lab = Lab::new(app());
    let (received, _) = lab.raw(&post("/sum64", b"!!!!"));
    assert_eq!(statuses(&received), [400]);
    let request = with_field(&post("/sum/decoded", b"abc"), "content-encoding: br");
    let (received, is_closed) = lab.raw(&[request, get("/sync")].concat());
    assert_eq!((statuses(&received), is_closed), (vec![415, 200], false));
    assert_eq!(lab.get("/log").send().text(), "1 0 Some(\"other\")");
    assert_at_rest(&lab);
}

#[test]
fn limit_of_the_route_holds() {
    let mut lab = Lab::new(app());
    let (received, _) = lab.raw(&post("/sum/limited", &content(1001)));
    assert_eq!(statuses(&received), [413]);
    assert_eq!(lab.get("/log").send().text(), "0 0 None", "by its length alone");
    let (received, is_closed) = lab.raw(&post_chunked("/sum/limited", &content(1001), 600));
    assert_eq!((statuses(&received), is_closed), (vec![413], true));
    let (received, _) = lab.raw(&post_chunked("/sum/limited", &content(1000), 600));
    assert_eq!(statuses(&received), [200]);
    assert_at_rest(&lab);
}

#[test]
fn continue_is_sent_when_the_body_is_asked_for() {
    let mut lab = Lab::new(app());
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n"
        )
    };
    let client = lab.connect();
    client.send(head("/slow").as_bytes());
    lab.advance(Duration::from_millis(900));
    assert_eq!(client.received_len(), 0, "the handler has not asked yet");
    lab.advance(Duration::from_millis(200));
    assert_eq!(text(&client.received()), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(b"abc");
    lab.advance(2 * SECOND);
    assert_eq!(replies(&client.received())[0].text(), "3");
    for path in ["/unread", "/unread/streamed"] {
        let (received, is_closed) = lab.raw(head(path).as_bytes());
        assert_eq!(replies(&received)[0].text(), "unread");
        assert!(is_closed && !text(&received).contains("100 Continue"), "{path}");
    }
    let (received, is_closed) = lab.raw((head("/sum") + "abc").as_bytes());
    assert!(text(&received).starts_with("HTTP/1.1 200") && !is_closed, "the body came unasked");
    assert_at_rest(&lab);
}

#[test]
fn body_that_ends_early_is_an_error() {
    let mut lab = Lab::new(app());
    for sent in [
        &b"POST /sum HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc"[..],
        b"POST /sum HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"POST /sum HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    ] {
        let client = lab.connect();
        client.send(sent);
        lab.advance(Duration::from_millis(10));
        client.shutdown_write();
        lab.advance(SECOND);
        assert_eq!(statuses(&client.received()), [400]);
        assert!(client.end().is_some());
        assert!(lab.get("/log").send().text().ends_with("3 Some(\"truncated\")"));
    }
    let client = lab.connect();
    client.send(b"POST /sum HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc");
    lab.advance(Duration::from_millis(10));
    client.reset();
    lab.advance(Duration::from_millis(10));
    assert_at_rest(&lab);
}

#[test]
fn malformed_chunk_is_an_error_and_ends_the_connection() {
    let mut lab = Lab::new(app());
    let head = "POST /sum HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    for chunks in ["3\r\nabcd\r\n0\r\n\r\n", "x\r\n", "3\nabc", "0\r\nbad\r\n\r\n"] {
        let (received, is_closed) = lab.raw(format!("{head}{chunks}GET /sync").as_bytes());
        assert_eq!((statuses(&received), is_closed), (vec![400], true), "{chunks}");
    }
    assert_at_rest(&lab);
}

#[test]
fn body_that_stalls_or_trickles_times_out() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(b"POST /sum HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n");
    client.send(&[b'a'; 20_000]);
    lab.advance(29 * SECOND);
    assert_eq!(client.received_len(), 0);
    lab.advance(2 * SECOND);
    assert_eq!(statuses(&client.received()), [408]);
    assert!(lab.get("/log").send().text().ends_with("20000 Some(\"too slow\")"));

    let client = lab.connect();
    client.send(b"POST /sum HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n");
    let mut seconds = 0;
    while client.end().is_none() && seconds < 100 {
        client.send(&[b'a'; 100]);
        lab.advance(SECOND);
        seconds += 1;
    }
    // 5 s of grace, and then what comes buys too little: 100 bytes a second at 240 asked for.
    assert!((5..=13).contains(&seconds), "{seconds} s");
    assert_eq!(statuses(&client.received()), [408]);
    lab.advance(3 * SECOND);
    assert_at_rest(&lab);
}

#[test]
fn slow_but_steady_body_is_served() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(b"POST /sum HTTP/1.1\r\nhost: a\r\ncontent-length: 60000\r\n\r\n");
    for _ in 0..200 {
        client.send(&[b'a'; 300]);
        lab.advance(SECOND);
    }
    assert_eq!(replies(&client.received())[0].text(), summary(&[b'a'; 60_000]));
    assert_at_rest(&lab);
}

#[test]
fn rest_of_a_body_that_is_not_read_is_skipped_or_the_connection_ends() {
    let mut limits = Limits::default();
    limits.linger_len_max = 100_000;
    let mut lab = Lab::new(app().limits(limits));
    for path in ["/unread", "/first", "/unread/streamed"] {
        for (len, goes_on) in [(10, true), (90_000, true), (400_000, false)] {
            let (received, is_closed) =
                lab.raw(&[post(path, &content(len)), get("/sync")].concat());
            let replies = replies(&received);
            assert_eq!((replies.len(), is_closed), if goes_on { (2, false) } else { (1, true) });
            assert_eq!(replies.last().map(|reply| reply.text() == "sync"), Some(goes_on), "{path}");
        }
        let chunked = |len| [post_chunked(path, &content(len), 100), get("/sync")].concat();
        let (received, is_closed) = lab.raw(&chunked(500));
        assert_eq!((replies(&received).len(), is_closed), (2, false), "all of it is here: {path}");
        let (received, is_closed) = lab.raw(&chunked(400_000));
        assert_eq!((replies(&received).len(), is_closed), (1, true), "{path}");
    }
    assert_at_rest(&lab);
}

#[test]
fn handler_is_woken_by_its_timer_while_it_waits_for_bytes() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(b"POST /hasty HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n");
    lab.advance(Duration::from_millis(2500));
    client.send(b"a");
    lab.advance(Duration::from_millis(1500));
    client.send(b"b");
    lab.advance(SECOND);
    assert_eq!(replies(&client.received())[0].text(), "3");
    assert_at_rest(&lab);
}

#[test]
fn reader_may_move_to_another_task() {
    let mut lab = Lab::new(app());
    let body = content(500_000);
    let (received, _) = lab.raw(&post("/elsewhere", &body));
    assert_eq!(replies(&received)[0].text(), "500000");
    assert_at_rest(&lab);
}

#[test]
fn trailers_are_read_behind_the_body() {
    let mut lab = Lab::new(app());
    let head = "POST /trailer HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    for delivery in [Delivery::Whole, Delivery::ByteByByte] {
        lab.deliver(delivery);
        let (received, _) =
            lab.raw(format!("{head}3\r\nabc\r\n0\r\nx-sum:  7 \r\nY:\r\n\r\n").as_bytes());
        assert_eq!(replies(&received)[0].text(), "Some(\"7\") Some([])");
        let (received, _) = lab.raw(format!("{head}0\r\n\r\n").as_bytes());
        assert_eq!(replies(&received)[0].text(), "None None");
    }
}

#[test]
fn stage_that_cannot_stream_is_found_at_the_start() {
    let mut chained = sum.through(Base64::STANDARD);
    for _ in 0..4 {
        chained = chained.through(Base64::STANDARD);
    }
    let app = App::new().post("/", chained);
    let error = app.listen("127.0.0.1:0").bind().expect_err("five stages are too many");
    assert!(error.to_string().contains("reads its body while it comes"), "{error}");
}
