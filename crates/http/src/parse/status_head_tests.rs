//! Heads of replies: every framing, what is refused, and limits.

use super::*;

/// Status, framing, whether the connection goes on, and the head's length.
type Found = (u16, Option<Framing>, bool, usize);

/// Parses `text`, whole and as every shorter start of it.
fn parse(text: &str, is_for_head: bool) -> Result<Option<Found>, StatusHeadError> {
    let limits = Limits::default();
    let mut slots = HeaderSlots::new();
    let whole = parse_status_head(text.as_bytes(), &mut slots, &limits, is_for_head).map(|head| {
        head.map(|head| (head.status.as_u16(), head.framing, head.keep_alive, head.head_len))
    });
    if let Ok(Some((.., head_len))) = whole {
        for len in 0..head_len {
            let mut slots = HeaderSlots::new();
            let part = parse_status_head(&text.as_bytes()[..len], &mut slots, &limits, is_for_head);
            assert!(matches!(part, Ok(None)), "{len} bytes of {text:?}");
        }
    }
    whole
}

#[test]
fn framing_follows_status_method_and_fields() {
    let length = Some(Framing::ContentLength(5));
    for (text, is_for_head, framing, keep_alive) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", false, length, true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", true, Some(Framing::None), true),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            false,
            Some(Framing::Chunked),
            true,
        ),
        ("HTTP/1.1 200 OK\r\n\r\n", false, None, false),
        ("HTTP/1.1 204 No Content\r\n\r\n", false, Some(Framing::None), true),
        (
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n",
            false,
            Some(Framing::None),
            true,
        ),
        ("HTTP/1.1 100 Continue\r\n\r\n", false, Some(Framing::None), true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\n", false, length, false),
        ("HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\n", false, length, false),
        (
            "HTTP/1.0 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\n",
            false,
            length,
            true,
        ),
    ] {
        let (_, found, persists, head_len) = parse(text, is_for_head).unwrap().unwrap();
        assert_eq!((found, persists, head_len), (framing, keep_alive, text.len()), "{text:?}");
    }
}

#[test]
fn reason_may_be_anything_or_nothing() {
    for line in ["HTTP/1.1 200 ", "HTTP/1.1 200", "HTTP/1.1 200 O K\t\u{e9}"] {
        let (status, ..) =
            parse(&format!("{line}\r\ncontent-length: 0\r\n\r\n"), false).unwrap().unwrap();
        assert_eq!(status, 200);
    }
}

#[test]
fn malformed_heads_are_refused() {
    for line in [
        "HTTP/2.0 200 OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000",
        "HTTP/1.1 099 OK",
        "http/1.1 200 OK",
        "ICY 200 OK",
        "HTTP/1.1 200 O\u{0}K",
        "HTTP/1.1 200 OK\rx",
        "",
    ] {
        assert_eq!(
            parse(&format!("{line}\r\n\r\n"), false),
            Err(StatusHeadError::Line),
            "{line:?}"
        );
    }
    assert_eq!(parse("HTTP/1.1 200 OK\n\n", false), Err(StatusHeadError::Line));
    for field in ["a : b", ": b", " a: b", "a\u{0}: b", "a: b\nc: d"] {
        let text = format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n");
        assert_eq!(parse(&text, false), Err(StatusHeadError::Fields), "{field:?}");
    }
}

#[test]
fn ambiguous_framing_is_refused() {
    for fields in [
        "content-length: 5\r\ncontent-length: 5",
        "content-length: 5\r\ntransfer-encoding: chunked",
        "content-length: +5",
        "content-length: 5, 5",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: identity",
    ] {
        let found = parse(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n"), false);
        assert!(matches!(found, Err(StatusHeadError::Framing(_))), "{fields:?}: {found:?}");
    }
}

#[test]
fn limits_hold_while_the_head_is_incomplete() {
    let limits = Limits { head_len_max: 100, field_count_max: 2, ..Limits::default() };
    let mut slots = HeaderSlots::new();
    let mut parse = |text: &str| {
        parse_status_head(text.as_bytes(), &mut slots, &limits, false).map(|head| head.is_some())
    };
    assert_eq!(parse(&format!("HTTP/1.1 200 {}", "x".repeat(100))), Err(StatusHeadError::TooLong));
    assert_eq!(
        parse(&format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(90))),
        Err(StatusHeadError::TooLong)
    );
    assert_eq!(parse("HTTP/1.1 200 OK\r\na: b\r\nc: d\r\n"), Ok(false));
    assert_eq!(parse("HTTP/1.1 200 OK\r\na: b\r\nc: d\r\ne: f\r\n"), Err(StatusHeadError::Fields));
}
