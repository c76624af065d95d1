//! Where one request ends and the next begins, through the whole server: bodies that nobody reads,
//! expectations, limits, and when a connection goes on.
//!
//! Rows of the threat table: A2 unread bodies, A13 body length, A16 `Expect`, A18 framing of
//! replies, A19 pipelining.

mod wire;

use std::cell::Cell;

use waterwheel::http::{HeaderName, HeaderValue, StatusCode};
use waterwheel::lab::{Lab, LabReply};
use waterwheel::reactor::sim::{Client, End};
use waterwheel::stages::base64::Base64;
use waterwheel::zerocopy::little_endian::U32;
use waterwheel::{App, Form, Handler, InPlace, Json, Local, Rejection, Reply};
use wire::{get, post, post_chunked, replies, statuses, text};

fn app() -> App {
    App::new()
        .per_core(|_| Cell::new(0_u32))
        .get("/", || "home")
        .any("/echo", |body: InPlace<[u8]>| body)
        .any("/deaf", || "deaf")
        .post("/small", (|| "small").body_len_max(10))
        .post("/numbers", (|numbers: InPlace<[U32]>| numbers).through(Base64::STANDARD))
        .any("/smuggled", |count: Local<Cell<u32>>| {
            count.set(count.get() + 1);
            "smuggled"
        })
        .get("/count", |count: Local<Cell<u32>>| count.get().to_string())
}

fn smuggled_count(lab: &mut Lab) -> String {
    lab.get("/count").send().text().to_owned()
}

/// Lets the server see what `client` sends next, and returns what came back.
fn tell(lab: &mut Lab, client: &Client, bytes: &[u8]) -> Vec<u8> {
    client.send(bytes);
    lab.settle();
    client.received()
}

#[test]
fn a2_request_inside_an_unread_body_is_never_executed() {
    let inner = get("/smuggled");
    let bodies = [inner.clone(), [inner.repeat(3), b"x".to_vec()].concat(), inner[..20].to_vec()];
    // A handler that ignores it, a path that is not there, a method that is not allowed, a limit.
    for target in ["/deaf", "/nowhere", "/", "/small", "/echo", "/numbers"] {
        for body in &bodies {
            for request in [post(target, body), post_chunked(target, body, 7)] {
                let mut lab = Lab::new(app());
                let (received, closed) = lab.raw(&[request, get("/echo")].concat());
                let count = replies(&received).len();
                assert_eq!(count, if closed { 1 } else { 2 }, "{target}: {}", text(&received));
                assert_eq!(smuggled_count(&mut lab), "0", "{target}");
            }
        }
    }
}

#[test]
fn a2_unread_body_is_skipped_and_the_next_request_answered() {
    let mut lab = Lab::new(app());
    for (target, status) in [("/nowhere", 404), ("/", 405), ("/small", 413), ("/deaf", 200)] {
        let bytes = [post(target, &[b'x'; 1000]), get("/")].concat();
        let (received, closed) = lab.raw(&bytes);
        assert_eq!((statuses(&received), closed), (vec![status, 200], false), "{target}");
        assert_eq!(replies(&received)[1].text(), "home");
    }
}

#[test]
fn a2_unread_body_that_comes_late_is_skipped_too() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    let request = post("/nowhere", &get("/smuggled"));
    let (first, rest) = request.split_at(request.len() - 20);
    assert_eq!(statuses(&tell(&mut lab, &client, first)), [404]);
    assert_eq!(tell(&mut lab, &client, rest), b"");
    assert_eq!(statuses(&tell(&mut lab, &client, &get("/"))), [200]);
    assert_eq!(smuggled_count(&mut lab), "0");
}

#[test]
fn a2_long_unread_body_ends_the_connection_and_the_reply_arrives() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    let body = vec![b'x'; 300 << 10];
    let received = tell(&mut lab, &client, &post("/nowhere", &body));
    assert_eq!(statuses(&received), [404]);
    assert_eq!(replies(&received)[0].header("connection"), Some("close"));
    assert!(client.end().is_some());
}

#[test]
fn a13_body_one_byte_too_long_is_refused_before_any_of_it_is_kept() {
    let mut lab = Lab::new(app());
    let body = vec![b'x'; (1 << 20) + 1];
    let (received, closed) = lab.raw(&post("/echo", &body));
    assert_eq!((statuses(&received), closed), (vec![413], true));
    let (received, closed) = lab.raw(&post_chunked("/echo", &body, 100_000));
    assert_eq!((statuses(&received), closed), (vec![413], true));
    assert_eq!(lab.leased_segments(), 0);
}

#[test]
fn a13_longest_body_is_taken_and_echoed() {
    let mut lab = Lab::new(app());
    let body: Vec<u8> = (0..1 << 20).map(|index: u32| (index % 251) as u8).collect();
    for request in [post("/echo", &body), post_chunked("/echo", &body, 10_000)] {
        let (received, closed) = lab.raw(&request);
        assert!(!closed);
        assert!(replies(&received)[0].body() == body, "the body comes back as it was");
    }
}

#[test]
fn a13_route_limit_overrides_the_default() {
    let mut lab = Lab::new(app());
    assert_eq!(statuses(&lab.raw(&post("/small", &[b'x'; 10])).0), [200]);
    assert_eq!(statuses(&lab.raw(&post("/small", &[b'x'; 11])).0), [413]);
    assert_eq!(statuses(&lab.raw(&post_chunked("/small", &[b'x'; 10], 3)).0), [200]);
    assert_eq!(statuses(&lab.raw(&post_chunked("/small", &[b'x'; 11], 3)).0), [413]);
}

/// The head of a POST that waits for `100 Continue`.
fn expecting(version: &str, target: &str, len: usize) -> Vec<u8> {
    format!(
        "POST {target} HTTP/{version}\r\nhost: a\r\nexpect: 100-continue\r\n\
         content-length: {len}\r\n\r\n"
    )
    .into_bytes()
}

#[test]
fn a16_continue_is_sent_once_and_the_body_answered() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    let received = tell(&mut lab, &client, &expecting("1.1", "/echo", 5));
    assert_eq!(text(&received), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(tell(&mut lab, &client, b"he"), b"");
    let received = tell(&mut lab, &client, b"llo");
    assert_eq!(replies(&received)[0].text(), "hello");
    assert_eq!(statuses(&tell(&mut lab, &client, &get("/"))), [200], "the connection goes on");
}

#[test]
fn a16_continue_is_left_out_when_the_body_is_already_there() {
    let mut lab = Lab::new(app());
    let bytes = [expecting("1.1", "/echo", 5), b"hello".to_vec()].concat();
    let (received, closed) = lab.raw(&bytes);
    assert!(text(&received).starts_with("HTTP/1.1 200"), "{}", text(&received));
    assert!(!closed);
}

#[test]
fn a16_final_reply_instead_of_continue_ends_the_connection() {
    let mut lab = Lab::new(app());
    for (target, len, status) in
        [("/echo", (1 << 20) + 1, 413), ("/small", 11, 413), ("/nowhere", 5, 404), ("/", 5, 405)]
    {
        let client = lab.connect();
        let received = tell(&mut lab, &client, &expecting("1.1", target, len));
        assert_eq!(statuses(&received), [status], "{target}");
        assert_eq!(replies(&received)[0].header("connection"), Some("close"), "{target}");
        // A client that sends its body all the same must not have it read as a request.
        tell(&mut lab, &client, &get("/smuggled"));
        assert_eq!(client.end(), Some(End::Closed), "{target}");
        assert_eq!(smuggled_count(&mut lab), "0", "{target}");
    }
}

#[test]
fn a16_expectation_of_version_1_0_is_ignored() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    assert_eq!(tell(&mut lab, &client, &expecting("1.0", "/echo", 5)), b"");
    assert_eq!(statuses(&tell(&mut lab, &client, b"hello")), [200]);
}

#[test]
fn a18_status_without_content_is_sent_without_content() {
    let with = |status| move || (status, "content");
    let app = App::new()
        .get("/204", with(StatusCode::NO_CONTENT))
        .get("/205", with(StatusCode::RESET_CONTENT))
        .get("/304", with(StatusCode::NOT_MODIFIED))
        .get("/", || "home");
    let mut lab = Lab::new(app);
    for (target, status, len) in
        [("/204", 204, None), ("/205", 205, Some("0")), ("/304", 304, Some("7"))]
    {
        let (received, _) = lab.raw(&[get(target), get("/")].concat());
        let reply = LabReply::parse(&received, false, false).unwrap();
        assert_eq!((reply.status(), reply.header("content-length")), (status, len));
        assert!(!text(&received).contains("content\r\n\r\ncontent"));
        assert_eq!(statuses(&received[reply.wire_len()..]), [200], "{}", text(&received));
    }
}

#[test]
fn a18_interim_status_of_a_handler_is_no_final_reply() {
    let app = App::new()
        .get("/100", || StatusCode::CONTINUE)
        .get("/101", || StatusCode::SWITCHING_PROTOCOLS)
        .get("/", || "home");
    let mut lab = Lab::new(app);
    for target in ["/100", "/101"] {
        let (received, _) = lab.raw(&[get(target), get("/")].concat());
        assert!(text(&received).starts_with("HTTP/1.1 500"), "{}", text(&received));
    }
}

#[test]
fn a17_handler_cannot_set_the_fields_that_frame_its_reply() {
    let lying = || {
        let mut reply = Reply::text("four");
        for name in ["content-length", "transfer-encoding", "connection", "trailer", "date"] {
            reply = reply.with_header(HeaderName::from_static(name), HeaderValue::from_static("1"));
        }
        reply.with_header(HeaderName::from_static("x-own"), HeaderValue::from_static("kept"))
    };
    let reply = Lab::new(App::new().get("/", lying)).get("/").send();
    assert_eq!(reply.text(), "four");
    assert_eq!(reply.header("x-own"), Some("kept"));
    assert_eq!(reply.header("transfer-encoding").or(reply.header("connection")), None);
    assert_ne!(reply.header("date"), Some("1"));
    assert!(HeaderValue::from_str("a\r\nset-cookie: b").is_err(), "no value can split a reply");
}

#[test]
fn a19_flood_of_pipelined_requests_is_answered_in_flat_memory() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.set_auto_read(false);
    client.send(&get("/").repeat(100_000));
    lab.settle();
    assert!(lab.ring_stats().leased_max < 300, "{:?}", lab.ring_stats());
    assert!(lab.metrics().received_len < 1 << 20, "a peer that does not read is not read from");
    let mut received = Vec::new();
    client.set_auto_read(true);
    while lab.metrics().received_len < 100_000 * get("/").len() as u64 {
        lab.settle();
        client.receive_into(&mut received);
    }
    lab.settle();
    client.receive_into(&mut received);
    assert_eq!(replies(&received).len(), 100_000);
}

#[test]
fn connection_goes_on_after_a_body_that_cannot_be_decoded() {
    let mut lab = Lab::new(app());
    let good = post("/numbers", b"AQAAAAIAAAA=");
    for (body, status) in [(&b"not*base64"[..], 400), (b"AQAA", 400), (b"AQAAAAIAAAA", 400)] {
        let (received, closed) = lab.raw(&[post("/numbers", body), good.clone()].concat());
        assert_eq!((statuses(&received), closed), (vec![status, 200], false), "{}", text(body));
        assert_eq!(replies(&received)[1].text(), "AQAAAAIAAAA=");
        assert!(replies(&received)[0].text().contains("400"), "the cause is named");
    }
}

#[test]
fn missing_path_and_method_are_told_apart() {
    let mut lab = Lab::new(app());
    assert_eq!(lab.get("/nowhere").send().status(), 404);
    let reply = lab.request("DELETE", "/").send();
    assert_eq!((reply.status(), reply.header("allow")), (405, Some("GET, HEAD")));
    let reply = lab.get("/numbers").send();
    assert_eq!((reply.status(), reply.header("allow")), (405, Some("POST")));
}

#[test]
fn head_is_answered_like_get_without_its_content() {
    let mut lab = Lab::new(app());
    for target in ["/", "/deaf", "/nowhere", "/numbers"] {
        let got = lab.get(target).send();
        let reply = lab.request("HEAD", target).send();
        assert_eq!(reply.status(), got.status(), "{target}");
        assert_eq!(reply.header("content-length"), got.header("content-length"), "{target}");
        let bytes = format!("HEAD {target} HTTP/1.1\r\nhost: a\r\n\r\n");
        let (received, closed) = lab.raw(bytes.as_bytes());
        assert!(received.ends_with(b"\r\n\r\n") && !closed, "{}", text(&received));
    }
}

#[test]
fn version_1_0_goes_on_only_when_asked_to() {
    let mut lab = Lab::new(app());
    let request = |fields| format!("GET / HTTP/1.0\r\n{fields}\r\n").into_bytes();
    let (received, closed) = lab.raw(&request("").repeat(2));
    assert_eq!((statuses(&received), closed), (vec![200], true));
    let (received, closed) = lab.raw(&request("Connection: keep-alive\r\n").repeat(2));
    assert_eq!((statuses(&received), closed), (vec![200, 200], false));
    assert_eq!(replies(&received)[0].header("connection"), Some("keep-alive"));
}

#[test]
fn close_asked_for_is_done_and_told() {
    let mut lab = Lab::new(app());
    for fields in ["Connection: close", "Connection: x, CLOSE", "Connection: keep-alive, close"] {
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n").repeat(2);
        let (received, closed) = lab.raw(request.as_bytes());
        assert_eq!((statuses(&received), closed), (vec![200], true), "{fields}");
        assert_eq!(replies(&received)[0].header("connection"), Some("close"), "{fields}");
    }
}

#[test]
fn upgrade_nobody_asked_for_is_ignored() {
    let mut lab = Lab::new(app());
    let upgrade = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let (received, closed) = lab.raw(&[&upgrade[..], &get("/")].concat());
    assert_eq!((statuses(&received), closed), (vec![200, 200], false));
    let connect = b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n";
    assert_eq!(statuses(&lab.raw(connect).0), [404], "A15: no tunnel");
}

#[test]
fn forms_are_read_up_to_a_number_of_pairs() {
    let sort = |Form(mut pairs): Form<Vec<(String, u32)>>| {
        pairs.sort();
        pairs.iter().map(|(name, value)| format!("{name}={value};")).collect::<String>()
    };
    let mut lab = Lab::new(App::new().post("/", sort));
    let mut send = |form: &str| {
        let reply = lab.post("/").body(form).send();
        (reply.status(), reply.text().to_owned())
    };
    assert_eq!(send("b=2&a+%C3%A9=1"), (200, "a \u{e9}=1;b=2;".to_owned()));
    assert_eq!(send(""), (200, String::new()));
    assert_eq!(send(&"a=1&".repeat(255)).0, 200);
    assert!(send(&"a=1&".repeat(256)).1.contains("the form has more than 256 pairs"));
    assert_eq!(send("a=x").0, 400);
    assert_eq!(send("a=1\0&\u{fffd}=%ff").0, 400);
}

#[test]
fn refusals_can_be_answered_in_words_of_ones_own() {
    let sum = |numbers: Result<Json<Vec<u32>>, Rejection>| match numbers {
        Ok(Json(numbers)) => (StatusCode::OK, numbers.iter().sum::<u32>().to_string()),
        Err(refusal) => (StatusCode::IM_A_TEAPOT, refusal.status().to_string()),
    };
    let mut lab = Lab::new(App::new().post("/", sum));
    let reply = lab.post("/").body("[1, 2]").send();
    assert_eq!((reply.status(), reply.text()), (200, "3"));
    let reply = lab.post("/").body("one").send();
    assert_eq!((reply.status(), reply.text()), (418, "400 Bad Request"));
}
