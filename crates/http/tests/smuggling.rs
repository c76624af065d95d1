//! Requests that two parsers could read in two ways are refused: one raw file per case.
//!
//! A file is called `<row>-<status>-<claim>.http`: the threat it belongs to, the status of the
//! refusal (200: taken), and what it shows.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails the test")]

use std::fs;
use std::path::Path;

use waterwheel_http::Limits;
use waterwheel_http::body::{Chunked, ChunkedProgress, DiscardProgress, Framing};
use waterwheel_http::parse::{HeadScan, HeaderSlots, parse_head};

struct Case {
    name: String,
    status: u16,
    bytes: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut cases: Vec<Case> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "http"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let status = name.split('-').nth(1).unwrap().parse().unwrap();
            Case { name, status, bytes: fs::read(&path).unwrap() }
        })
        .collect();
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    cases
}

/// What became of the head: its end and its framing, the status of its refusal, or neither yet.
type HeadVerdict = Result<Option<(usize, Framing)>, u16>;

fn whole_head(bytes: &[u8]) -> HeadVerdict {
    let mut slots = HeaderSlots::new();
    parse_head(bytes, &mut slots, &Limits::default())
        .map(|head| head.map(|head| (head.head_len, head.framing)))
        .map_err(|error| error.status())
}

fn status_of_body(framing: Framing, body: &mut [u8]) -> u16 {
    let received = body.len();
    match framing {
        Framing::None => 200,
        Framing::ContentLength(len) => {
            assert_eq!(len, received as u64);
            200
        }
        Framing::Chunked => {
            match Chunked::new(Limits::default().body_len_max).decode(body, received) {
                Ok(ChunkedProgress::Done { raw_len, .. }) => {
                    assert_eq!(raw_len, received);
                    200
                }
                Ok(_) => 100,
                Err(error) => error.status(),
            }
        }
        _ => 0,
    }
}

#[test]
fn every_fixture_gets_its_status() {
    let cases = cases();
    assert!(cases.len() > 150, "fixtures are missing");
    for mut case in cases {
        let status = match whole_head(&case.bytes) {
            Ok(Some((head_len, framing))) => status_of_body(framing, &mut case.bytes[head_len..]),
            Ok(None) => 100,
            Err(status) => status,
        };
        assert_eq!(status, case.status, "{}", case.name);
    }
}

#[test]
fn every_split_of_a_head_gives_the_same_verdict() {
    for case in cases() {
        let whole = whole_head(&case.bytes);
        let head_len = match whole {
            Ok(Some((head_len, _))) => head_len,
            _ => case.bytes.len(),
        };
        let step = head_len / 600 + 1;
        for at in (0..head_len).step_by(step) {
            let mut scan = HeadScan::new();
            let limits = Limits::default();
            let mut verdict: HeadVerdict = Ok(None);
            for end in [at, case.bytes.len()] {
                let mut slots = HeaderSlots::new();
                verdict = scan
                    .parse(&case.bytes[..end], &mut slots, &limits)
                    .map(|head| head.map(|head| (head.head_len, head.framing)))
                    .map_err(|error| error.status());
                if verdict != Ok(None) {
                    break;
                }
            }
            assert_eq!(verdict, whole, "{} split at {at}", case.name);
        }
    }
}

#[test]
fn every_split_of_a_chunked_body_gives_the_same_verdict() {
    for case in cases() {
        let Ok(Some((head_len, Framing::Chunked))) = whole_head(&case.bytes) else { continue };
        let body = &case.bytes[head_len..];
        let limit = Limits::default().body_len_max;
        let whole = Chunked::new(limit).decode(&mut body.to_vec(), body.len());
        let skipped = Chunked::new(limit).discard(body);
        let step = body.len() / 400 + 1;
        for at in (0..=body.len()).step_by(step) {
            let mut bytes = body.to_vec();
            let mut chunked = Chunked::new(limit);
            let mut verdict = chunked.decode(&mut bytes, at);
            if verdict == Ok(ChunkedProgress::NeedMore) {
                verdict = chunked.decode(&mut bytes, body.len());
            }
            assert_eq!(verdict, whole, "{} split at {at}", case.name);

            let mut chunked = Chunked::new(limit);
            let mut verdict = chunked.discard(&body[..at]);
            if verdict == Ok(DiscardProgress::NeedMore) {
                verdict = chunked.discard(&body[at..]);
                if let (Ok(DiscardProgress::Done { window_len }), true) = (verdict, at > 0) {
                    verdict = chunked.discard(b"GET / HTTP/1.1");
                    assert_eq!(verdict, Ok(DiscardProgress::Done { window_len: 0 }));
                    assert_eq!(at + window_len, body.len());
                    continue;
                }
            }
            assert_eq!(verdict, skipped, "{} split at {at}", case.name);
        }
    }
}
