//! What a head says about framing, persistence and target: the table of RFC 9112, case by case.

use proptest::prelude::*;
use waterwheel_http::Limits;
use waterwheel_http::body::Framing;
use waterwheel_http::parse::{HeadError, HeadScan, HeaderSlots, Method, Version, parse_head};

/// The error of a head that is refused.
fn refusal(bytes: &[u8]) -> HeadError {
    let mut slots = HeaderSlots::new();
    match parse_head(bytes, &mut slots, &Limits::default()) {
        Err(error) => error,
        other => panic!("{other:?} for {}", bytes.escape_ascii()),
    }
}

/// Framing, persistence, and whether `100 Continue` is expected.
fn verdict(bytes: &[u8]) -> (Framing, bool, bool) {
    let mut slots = HeaderSlots::new();
    match parse_head(bytes, &mut slots, &Limits::default()) {
        Ok(Some(head)) => {
            assert_eq!(head.head_len, bytes.len());
            (head.framing, head.keep_alive, head.expect_continue)
        }
        other => panic!("{other:?} for {}", bytes.escape_ascii()),
    }
}

fn request(version: &str, fields: &[&str]) -> Vec<u8> {
    let mut text = format!("POST /a HTTP/{version}\r\nHost: a\r\n");
    for field in fields {
        text.push_str(field);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.into_bytes()
}

#[test]
fn a1_a3_a4_framing_follows_the_fields() {
    let framing = |fields: &[&str]| verdict(&request("1.1", fields)).0;
    assert_eq!(framing(&[]), Framing::None);
    assert_eq!(framing(&["Content-Length: 0"]), Framing::ContentLength(0));
    assert_eq!(
        framing(&["content-length: 9223372036854775807"]),
        Framing::ContentLength(i64::MAX as u64)
    );
    assert_eq!(framing(&["Transfer-Encoding: chunked"]), Framing::Chunked);
    assert_eq!(framing(&["X-Content-Length: 5", "Content_Length: 5"]), Framing::None);
}

#[test]
fn a1_to_a4_refusals_name_their_cause() {
    let length = "Content-Length: 5";
    let chunked = "Transfer-Encoding: chunked";
    for (fields, error) in [
        (&[length, chunked][..], HeadError::LengthAndEncoding),
        (&[length, length], HeadError::ContentLengthRepeated),
        (&["Content-Length: 5x"], HeadError::ContentLengthInvalid),
        (&[chunked, chunked], HeadError::TransferEncodingRepeated),
        (&["Transfer-Encoding: chunked, chunked"], HeadError::TransferEncodingInvalid),
        (&["Transfer-Encoding: gzip, chunked"], HeadError::TransferEncodingUnknown),
    ] {
        assert_eq!(refusal(&request("1.1", fields)), error, "{fields:?}");
    }
    assert_eq!(refusal(&request("1.0", &[chunked])), HeadError::TransferEncodingVersion);
}

#[test]
fn persistence_follows_version_and_connection() {
    let keeps = |version: &str, fields: &[&str]| verdict(&request(version, fields)).1;
    assert!(keeps("1.1", &[]));
    assert!(!keeps("1.1", &["Connection: close"]));
    assert!(!keeps("1.1", &["Connection: foo ,\tCLOSE , bar"]));
    assert!(!keeps("1.1", &["Connection: keep-alive", "Connection: close"]));
    assert!(!keeps("1.1", &["Connection: close", "Connection: keep-alive"]));
    assert!(keeps("1.1", &["Connection: closed", "Connection: \"close\""]));
    assert!(!keeps("1.0", &[]));
    assert!(keeps("1.0", &["Connection: Keep-Alive"]));
    assert!(!keeps("1.0", &["Connection: keep-alive, close"]));
}

#[test]
fn a16_continue_is_expected_only_before_a_body() {
    let expects = |version: &str, fields: &[&str]| verdict(&request(version, fields)).2;
    assert!(expects("1.1", &["Expect: 100-Continue", "Content-Length: 1"]));
    assert!(expects("1.1", &["Expect: 100-continue", "Transfer-Encoding: chunked"]));
    assert!(!expects("1.1", &["Expect: 100-continue", "Content-Length: 0"]));
    assert!(!expects("1.1", &["Expect: 100-continue"]));
    assert!(!expects("1.0", &["Expect: 100-continue", "Content-Length: 1"]));
}

#[test]
fn a14_target_states_path_query_and_authority() {
    let parts = |line: &str| {
        let text = format!("{line} HTTP/1.1\r\nHost: field\r\n\r\n");
        let mut slots = HeaderSlots::new();
        let head = parse_head(text.as_bytes(), &mut slots, &Limits::default()).unwrap().unwrap();
        let authority = head.authority().map(str::to_owned);
        (head.target.path().to_owned(), head.target.query().map(str::to_owned), authority)
    };
    let expected = |path: &str, query: Option<&str>, authority: &str| {
        (path.to_owned(), query.map(str::to_owned), Some(authority.to_owned()))
    };
    assert_eq!(parts("GET /"), expected("/", None, "field"));
    assert_eq!(parts("GET /a%20b?c=d?e"), expected("/a%20b", Some("c=d?e"), "field"));
    assert_eq!(parts("GET /a?"), expected("/a", Some(""), "field"));
    assert_eq!(parts("GET //b/c"), expected("//b/c", None, "field"));
    assert_eq!(parts("GET http://b"), expected("/", None, "b"));
    assert_eq!(parts("GET HTTPS://b:1?x"), expected("/", Some("x"), "b:1"));
    assert_eq!(parts("GET http://[::1]/a?b"), expected("/a", Some("b"), "[::1]"));
    assert_eq!(parts("OPTIONS *"), expected("*", None, "field"));
    assert_eq!(parts("CONNECT b:443"), expected("", None, "b:443"));
}

#[test]
fn a14_absent_authority_is_none() {
    for text in ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n"] {
        let mut slots = HeaderSlots::new();
        let head = parse_head(text.as_bytes(), &mut slots, &Limits::default()).unwrap().unwrap();
        assert_eq!(head.authority(), None, "{text:?}");
    }
}

#[test]
fn fields_are_found_in_any_case_and_in_order() {
    let text = b"PATCH / HTTP/1.0\r\nA: 1\r\nb:\t2 \r\na: \xff\r\n\r\nrest";
    let mut slots = HeaderSlots::new();
    let head = parse_head(text, &mut slots, &Limits::default()).unwrap().unwrap();
    assert_eq!((head.method, head.version), (Method::Patch, Version::Http10));
    assert_eq!(head.head_len, text.len() - 4);
    assert_eq!(head.headers.len(), 3);
    assert_eq!(head.headers.get("B"), Some(&b"2"[..]));
    assert_eq!(head.headers.get("c"), None);
    assert_eq!(head.headers.get_all("A").collect::<Vec<_>>(), [&b"1"[..], b"\xff"]);
    let all: Vec<_> = head.headers.iter().collect();
    assert_eq!(all, [("A", &b"1"[..]), ("b", b"2"), ("a", b"\xff")]);
}

/// What the grammar says about one byte at one place, written down apart from the parser's tables.
#[derive(Clone, Copy, Debug)]
enum Place {
    Method,
    Target,
    Name,
    Value,
}

fn is_allowed(place: Place, byte: u8) -> bool {
    let is_token = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match place {
        Place::Method => is_token || byte == b' ',
        Place::Target => byte.is_ascii_graphic() && byte != b'#',
        Place::Name => is_token || byte == b':',
        Place::Value => byte == b'\t' || byte == b' ' || byte.is_ascii_graphic() || byte >= 0x80,
    }
}

#[test]
fn a8_every_byte_at_every_place_follows_the_grammar() {
    // One byte is put between the parts; a separator there moves the rest into the next part.
    for (place, before, after) in [
        (Place::Method, "GE", "T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (Place::Target, "GET /a", "b HTTP/1.1\r\nHost: a\r\n\r\n"),
        (Place::Target, "GET /a?c", "b HTTP/1.1\r\nHost: a\r\n\r\n"),
        (Place::Target, "GET /abcdefghijk", "lmnopqrstuvwxyz HTTP/1.1\r\nHost: a\r\n\r\n"),
        (Place::Name, "GET / HTTP/1.1\r\nHost: a\r\nB", "C: d\r\n\r\n"),
        (Place::Name, "GET / HTTP/1.1\r\nHost: a\r\nBcdefghijkl", "Cdefghijkl: d\r\n\r\n"),
        (Place::Value, "GET / HTTP/1.1\r\nHost: a\r\nB: c", "d\r\n\r\n"),
        (Place::Value, "GET / HTTP/1.1\r\nHost: a\r\nB:", "d\r\n\r\n"),
        (Place::Value, "GET / HTTP/1.1\r\nHost: a\r\nB: cdefghijk", "lmnopqrst\r\n\r\n"),
        (Place::Value, "GET / HTTP/1.1\r\nHost: a\r\nB: c", "\r\n\r\n"),
    ] {
        for byte in 0..=u8::MAX {
            let mut bytes = before.as_bytes().to_vec();
            bytes.push(byte);
            bytes.extend_from_slice(after.as_bytes());
            let mut slots = HeaderSlots::new();
            let taken = parse_head(&bytes, &mut slots, &Limits::default());
            // `GE T / …` has a target that does not start with a slash.
            let expected =
                is_allowed(place, byte) && !matches!((place, byte), (Place::Method, b' '));
            assert_eq!(matches!(taken, Ok(Some(_))), expected, "{place:?} {byte:#04x}");
            assert!(!matches!(taken, Ok(None)), "{place:?} {byte:#04x} waits");
        }
    }
}

#[test]
fn a8_only_the_right_byte_fits_each_line_end() {
    let text = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for at in (0..text.len()).filter(|&at| matches!(text[at], b'\r' | b'\n')) {
        for byte in (0..=u8::MAX).filter(|&byte| byte != text[at]) {
            let mut bytes = text.to_vec();
            bytes[at] = byte;
            // So that the head does end, whatever was put into it.
            bytes.extend_from_slice(b"\r\n\r\n");
            let mut slots = HeaderSlots::new();
            let taken = parse_head(&bytes, &mut slots, &Limits::default());
            // Text in place of the CR of a field line makes its value longer up to a bare LF; in
            // place of the CR of the last line it starts a name.
            assert!(taken.is_err(), "{byte:#04x} at {at}: {taken:?}");
        }
    }
}

#[test]
fn a10_limits_apply_while_the_head_is_incomplete() {
    let drip = |start: &str, byte: u8| {
        let mut bytes = start.as_bytes().to_vec();
        let mut scan = HeadScan::new();
        loop {
            let mut slots = HeaderSlots::new();
            match scan.parse(&bytes, &mut slots, &Limits::default()) {
                Ok(None) => bytes.push(byte),
                Ok(Some(_)) => panic!("taken"),
                Err(error) => return (error, bytes.len()),
            }
        }
    };
    let (error, len) = drip("GET /", b'a');
    assert_eq!(error, HeadError::TargetTooLong);
    assert!(len <= 8 * 1024 + 64, "{len}");
    assert_eq!(drip("GET / HTTP/1.1\r\nA: ", b'b'), (HeadError::HeadTooLong, 16 * 1024));
    assert_eq!(drip("GET / HTTP/1.1\r\nA", b'b'), (HeadError::HeadTooLong, 16 * 1024));
    assert_eq!(drip("", b'A').0, HeadError::MethodTooLong);
}

fn permutations(fields: &[&'static str]) -> Vec<Vec<&'static str>> {
    if fields.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for index in 0..fields.len() {
        let mut others = fields.to_vec();
        let first = others.remove(index);
        all.extend(permutations(&others).into_iter().map(|mut rest| {
            rest.insert(0, first);
            rest
        }));
    }
    all
}

#[test]
fn a1_order_of_fields_does_not_change_the_verdict() {
    let sets: [&[&'static str]; 4] = [
        &["Content-Length: 5", "Transfer-Encoding: chunked", "Connection: close", "Expect: x"],
        &["Content-Length: 5", "Content-Length: 6", "Transfer-Encoding: chunked", "A: b"],
        &["Content-Length: x", "Content-Length: 5", "Expect: x", "Host: b"],
        &["Transfer-Encoding: gzip", "Transfer-Encoding: chunked", "Connection: close", "A: b"],
    ];
    for set in sets {
        let expected = refusal(&request("1.1", set));
        for fields in permutations(set) {
            assert_eq!(refusal(&request("1.1", &fields)), expected, "{fields:?}");
        }
    }
}

proptest! {
    /// A head that we take is taken by another parser, with the same parts.
    #[test]
    fn taken_heads_are_read_alike_by_another_parser(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 0..4),
        seed in 0..3usize,
    ) {
        let seeds: [&[u8]; 3] = [
            b"GET /plaintext?a=b HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nAccept: */*\r\nX-Y:\t z \r\n\r\nhello",
            b"\r\nOPTIONS * HTTP/1.0\r\nTransfer-Encoding: chunked\r\nA:b\r\nC:\r\n\r\n",
        ];
        let mut bytes = seeds[seed].to_vec();
        for (index, byte, kind) in edits {
            let at = index.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        let mut slots = HeaderSlots::new();
        let ours = parse_head(&bytes, &mut slots, &Limits::default());
        let mut fields = [httparse::EMPTY_HEADER; 128];
        let mut theirs = httparse::Request::new(&mut fields);
        if let Ok(Some(head)) = ours {
            let parsed = theirs.parse(&bytes);
            prop_assert_eq!(parsed, Ok(httparse::Status::Complete(head.head_len)));
            prop_assert_eq!(theirs.method, Some(head.method.as_str()));
            prop_assert_eq!(theirs.path, Some(head.target.raw()));
            let own: Vec<_> = head.headers.iter().collect();
            let other: Vec<_> = theirs.headers.iter().map(|field| (field.name, field.value)).collect();
            prop_assert_eq!(own, other);
        } else if let Ok(None) = ours {
            // What we wait for, it does not take either, unless for a line end that we do not know
            // yet.
            prop_assert!(!matches!(theirs.parse(&bytes), Ok(httparse::Status::Complete(_))));
        }
    }

    /// No bytes make the parser panic, and a refusal does not depend on how they were split.
    #[test]
    fn any_bytes_split_anywhere_are_judged_alike(
        bytes in proptest::collection::vec(
            prop_oneof![
                Just(b'\r'), Just(b'\n'), Just(b' '), Just(b':'), Just(b'/'), Just(b'a'), any::<u8>()
            ],
            0..80,
        ),
        start in prop_oneof![Just(""), Just("GET / HTTP/1.1\r\n"), Just("GET / HTTP/1.1\r\nHost: a\r\n")],
        split in any::<prop::sample::Index>(),
    ) {
        let bytes = [start.as_bytes(), &bytes, b"\r\n\r\n"].concat();
        let at = split.index(bytes.len() + 1);
        let limits = Limits::default();
        let mut slots = HeaderSlots::new();
        let whole = parse_head(&bytes, &mut slots, &limits).map(|head| head.map(|head| head.head_len));
        let mut scan = HeadScan::new();
        let mut slots = HeaderSlots::new();
        let mut verdict = scan.parse(&bytes[..at], &mut slots, &limits).map(|head| head.map(|head| head.head_len));
        if verdict == Ok(None) {
            let mut slots = HeaderSlots::new();
            verdict = scan.parse(&bytes, &mut slots, &limits).map(|head| head.map(|head| head.head_len));
        }
        prop_assert_eq!(verdict, whole);
    }
}
