//! Content codings: bodies are decoded by what their fields name, replies compressed by what the
//! peer accepts, and neither makes room for a bomb.

#![expect(clippy::unwrap_used, reason = "clippy takes the helpers of tests for shipped code")]

mod wire;

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use waterwheel::http::{HeaderValue, StatusCode, header};
use waterwheel::lab::{Delivery, Lab, LabReply};
use waterwheel::stages::base64::Base64;
use waterwheel::stages::zstd::Zstd;
use waterwheel::zerocopy::little_endian::U32;
use waterwheel::{App, Handler, InPlace, Reply};

const LIMIT: usize = 1 << 20;
const PAGE: &str = include_str!("codings.rs");

fn app() -> App {
    App::new()
        .post("/decoded", (|body: InPlace<[u8]>| body).decoded(LIMIT))
        .post("/decoded64", (|body: InPlace<[u8]>| body).decoded(LIMIT).through(Base64::STANDARD))
        .post("/raw", |body: InPlace<[u8]>| body)
        .post("/echo64", add_one.through(Base64::STANDARD))
        .post("/zecho64", add_one.through(Zstd::new(LIMIT)).through(Base64::STANDARD))
        .get("/zempty", (|| "").through(Zstd::new(LIMIT)))
        .get("/znone", (|| StatusCode::NO_CONTENT).through(Zstd::new(LIMIT)))
        .get("/page", (|| PAGE).compressed())
        .get("/async-page", (async || PAGE).compressed())
        .get("/owned", (|| PAGE.to_owned()).compressed())
        .get("/short", (|| "short").compressed())
        .get("/plain", || PAGE)
        .get("/image", (|| Reply::text(PAGE).with_content_type("image/png")).compressed())
        .get("/events", (|| Reply::text(PAGE).with_content_type("text/event-stream")).compressed())
        .get("/part", (|| (StatusCode::PARTIAL_CONTENT, PAGE)).compressed())
        .get("/packed", {
            let packed = || {
                let coding = HeaderValue::from_static("br");
                Reply::text(PAGE).with_header(header::CONTENT_ENCODING, coding)
            };
            packed.compressed()
        })
}

fn add_one(mut numbers: InPlace<[U32]>) -> InPlace<[U32]> {
    numbers.iter_mut().for_each(|number| number.set(number.get().wrapping_add(1)));
    numbers
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(zstd_safe::compress_bound(bytes.len()));
    zstd_safe::compress(&mut frame, bytes, 1).unwrap();
    frame
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn post(lab: &mut Lab, path: &str, coding: &str, body: Vec<u8>) -> LabReply {
    lab.post(path).header("content-encoding", coding).body(body).send()
}

fn accepting(lab: &mut Lab, path: &str, accepted: &str) -> LabReply {
    lab.get(path).header("accept-encoding", accepted).send()
}

fn unpacked(reply: &LabReply) -> Vec<u8> {
    match reply.header("content-encoding") {
        Some("zstd") => {
            let mut content = Vec::with_capacity(LIMIT);
            zstd_safe::decompress(&mut content, reply.body()).unwrap();
            content
        }
        Some("gzip") => {
            let mut decoder = flate2::write::GzDecoder::new(Vec::new());
            decoder.write_all(reply.body()).unwrap();
            decoder.finish().unwrap()
        }
        _ => reply.body().to_vec(),
    }
}

#[test]
fn empty_content_of_an_encoded_route_is_a_frame_of_nothing() {
    let mut lab = Lab::new(app());
    let echoed = lab.post("/zecho64").body(zstd(b"")).send();
    let replies = [("/zecho64", echoed), ("/zempty", lab.get("/zempty").body(zstd(b"")).send())];
    for (path, reply) in replies {
        assert_eq!((reply.status(), reply.body().is_empty()), (200, false), "{path}");
        let mut content = Vec::with_capacity(1);
        zstd_safe::decompress(&mut content, reply.body()).unwrap();
        assert_eq!(content, b"", "{path}");
    }
    let none = lab.get("/znone").body(zstd(b"")).send();
    assert_eq!((none.status(), none.body()), (204, &b""[..]));
}

#[test]
fn each_coding_is_decoded_for_every_length() {
    let mut lab = Lab::new(app());
    for len in (0..5000).step_by(97).chain([65_536, LIMIT]) {
        let content = bytes(len);
        for (coding, body) in [
            ("zstd", zstd(&content)),
            ("GZIP", gzip(&content)),
            ("x-gzip", gzip(&content)),
            ("deflate", deflate(&content)),
            ("identity", content.clone()),
        ] {
            if body.len() <= LIMIT {
                let reply = post(&mut lab, "/decoded", coding, body);
                assert_eq!(reply.status(), 200, "{coding} {len}: {:?}", reply.text());
                assert!(reply.body() == content, "{coding} {len}");
            }
        }
    }
    assert_eq!(lab.leased_segments(), 0);
}

#[test]
fn two_codings_are_undone_last_first_and_then_the_chain_runs() {
    let mut lab = Lab::new(app());
    let text = b"YWJj".as_slice();
    assert_eq!(post(&mut lab, "/decoded64", "gzip, zstd", zstd(&gzip(text))).body(), text);
    let three = zstd(&zstd(&zstd(text)));
    assert_eq!(post(&mut lab, "/decoded64", "zstd, zstd, zstd", three).status(), 415);
}

#[test]
fn unknown_coding_is_refused_with_those_that_are_known() {
    let mut lab = Lab::new(app());
    let reply = post(&mut lab, "/decoded", "br", b"abc".to_vec());
    assert_eq!(reply.status(), 415);
    assert_eq!(reply.header("accept-encoding"), Some("zstd, gzip, deflate"));
}

#[test]
fn route_that_does_not_decode_sees_what_came() {
    let mut lab = Lab::new(app());
    assert_eq!(post(&mut lab, "/raw", "zstd", b"not zstd".to_vec()).body(), b"not zstd");
}

#[test]
fn malformed_content_is_refused_and_the_connection_goes_on() {
    let mut lab = Lab::new(app());
    for coding in ["zstd", "gzip", "deflate"] {
        assert_eq!(post(&mut lab, "/decoded", coding, b"garbage".to_vec()).status(), 400);
    }
    assert_eq!(lab.metrics().accepted, 1);
}

#[test]
fn bombs_are_stopped_at_the_limit() {
    let mut lab = Lab::new(app());
    let zeros = vec![0; 64 << 20];
    for (coding, bomb) in
        [("zstd", zstd(&zeros)), ("gzip", gzip(&zeros)), ("gzip, zstd", zstd(&gzip(&zeros)))]
    {
        assert!(bomb.len() < LIMIT / 2);
        assert_eq!(post(&mut lab, "/decoded", coding, bomb).status(), 413, "{coding}");
    }
    assert!(lab.ring_stats().leased_max * 4096 <= 5 * LIMIT, "{:?}", lab.ring_stats());
    assert_eq!(lab.leased_segments(), 0);
}

#[test]
fn reply_is_compressed_by_what_the_peer_likes_best() {
    let mut lab = Lab::new(app());
    for path in ["/page", "/owned", "/async-page"] {
        for (accepted, expected) in [
            ("zstd, gzip", Some("zstd")),
            ("gzip", Some("gzip")),
            ("zstd;q=0.1, gzip;q=0.2", Some("gzip")),
            ("deflate", None),
            ("br", None),
            ("zstd;q=0", None),
        ] {
            let reply = accepting(&mut lab, path, accepted);
            assert_eq!(reply.header("content-encoding"), expected, "{path} {accepted}");
            assert_eq!(reply.header("vary"), Some("accept-encoding"));
            assert!(unpacked(&reply) == PAGE.as_bytes(), "{path} {accepted}");
            assert_eq!(reply.body().len() < PAGE.len() / 2, expected.is_some());
        }
    }
    assert_eq!(lab.leased_segments(), 0);
}

#[test]
fn reply_stays_as_it_is_where_packing_is_not_worth_it() {
    let mut lab = Lab::new(app());
    for path in ["/short", "/plain", "/image", "/events", "/part"] {
        let reply = accepting(&mut lab, path, "zstd, gzip");
        assert_eq!(reply.header("content-encoding"), None, "{path}");
    }
    assert_eq!(accepting(&mut lab, "/packed", "zstd").header("content-encoding"), Some("br"));
}

#[test]
fn head_tells_what_get_would_send() {
    let mut lab = Lab::new(app());
    let get = accepting(&mut lab, "/page", "zstd");
    let head = lab.request("HEAD", "/page").header("accept-encoding", "zstd").send();
    for name in ["content-length", "content-encoding", "vary"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    assert!(head.body().is_empty());
}

#[test]
fn decoded_body_is_not_copied_on_its_way_out() {
    let mut lab = Lab::new(app());
    let body = zstd(&[7; 50_000]);
    let reply = post(&mut lab, "/decoded", "zstd", body);
    assert_eq!((reply.copies(), reply.copied_len()), (0, 0));
}

fn bytes(len: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().step_by(31).take(len).collect()
}

/// The content of `len` bytes, and the content that is right in reply: `None` when it is refused.
fn numbers(len: usize) -> (Vec<u8>, Option<Vec<u8>>) {
    let content = bytes(len);
    let added = len.is_multiple_of(4).then(|| {
        let numbers = content.chunks_exact(4).map(|bytes| bytes.try_into().unwrap());
        numbers.flat_map(|bytes| u32::from_le_bytes(bytes).wrapping_add(1).to_le_bytes()).collect()
    });
    (content, added)
}

/// Posts to `path` and compares the reply with what is right, encoded by `encode`.
fn check(lab: &mut Lab, path: &str, len: usize, decode: fn(&[u8]) -> Vec<u8>, body: Vec<u8>) {
    let (_, right) = numbers(len);
    let reply = lab.post(path).body(body).send();
    match right {
        Some(right) => assert!(decode(reply.body()) == right, "{path}, {len} bytes"),
        None => assert_eq!(reply.status(), 400, "{path}, {len} bytes"),
    }
}

fn text(bytes: &[u8]) -> Vec<u8> {
    base64_simd::STANDARD.encode_to_string(bytes).into_bytes()
}

fn content(text: &[u8]) -> Vec<u8> {
    base64_simd::STANDARD.decode_to_vec(text).unwrap()
}

fn unpacked_content(frame: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(2 * LIMIT);
    zstd_safe::decompress(&mut text, frame).unwrap();
    content(&text)
}

#[test]
fn echoes_are_right_for_every_length_and_however_they_are_cut() {
    let lengths = (0..=5000).chain([48 << 10, 64 << 10, 768 << 10]);
    let mut random = fastrand::Rng::with_seed(5);
    let mut lab = Lab::new(app());
    for len in lengths {
        let (sent, _) = numbers(len);
        let frame = zstd(&text(&sent));
        lab.deliver(match len % 3 {
            0 => Delivery::Whole,
            1 => Delivery::SplitAt(random.usize(..200 + frame.len())),
            _ => Delivery::SplitAt(random.usize(..200)),
        });
        check(&mut lab, "/echo64", len, content, text(&sent));
        check(&mut lab, "/zecho64", len, unpacked_content, frame);
    }
    assert_eq!(lab.leased_segments(), 0);
}
