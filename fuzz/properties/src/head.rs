//! A head is understood in one way however it is cut, and in the way in which httparse, another
//! parser, understands it.
//!
//! First byte: bit 0 asks for tight limits, the others for the length of the pieces.

use waterwheel_http::Limits;
use waterwheel_http::body::Framing;
use waterwheel_http::parse::{Head, HeadError, HeadScan, HeaderSlots, Version, parse_head};

use crate::{piece_ends, split_choice};

/// What a head says, so that two ways of reading it can be compared.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    method: String,
    target: String,
    version: Version,
    fields: Vec<(String, Vec<u8>)>,
    framing: Framing,
    keep_alive: bool,
    expect_continue: bool,
    head_len: usize,
}

/// See the module.
pub fn head(data: &[u8]) {
    let (choice, bytes) = split_choice(data);
    let limits = limits(choice & 1 == 1);
    let piece_len = 1 + usize::from(choice >> 1) % 24;
    let whole = read_whole(bytes, &limits);
    let pieces = read_pieces(bytes, piece_len, &limits);
    if pieces == Ok(None) && whole.is_err() {
        // Of a head in pieces, most faults are seen when its end is: the same ones then.
        let ended = [bytes, b"\r\n\r\n"].concat();
        assert_eq!(read_pieces(&ended, piece_len, &limits), whole, "pieces of {piece_len}, ended");
    } else {
        assert_eq!(pieces, whole, "pieces of {piece_len}");
    }
    match &whole {
        Ok(Some(reading)) => {
            let head_len = reading.head_len;
            assert!(head_len <= bytes.len() && head_len <= limits.head_len_max);
            assert_eq!(read_whole(&bytes[..head_len], &limits), whole, "what follows is ignored");
            for end in piece_ends(head_len, piece_len).filter(|end| *end < head_len) {
                assert_eq!(read_whole(&bytes[..end], &limits), Ok(None), "{end} of {head_len}");
            }
            agrees_with_httparse(bytes, reading);
            framing_follows_fields(reading);
        }
        Ok(None) => {
            assert!(bytes.len() < limits.head_len_max);
            assert!(!is_whole_for_httparse(bytes), "a whole head is waited for");
        }
        Err(error) => assert!(matches!(error.status(), 400 | 414 | 417 | 431 | 501 | 505)),
    }
}

fn limits(tight: bool) -> Limits {
    let mut limits = Limits::default();
    if tight {
        (limits.head_len_max, limits.target_len_max, limits.field_count_max) = (96, 24, 3);
    }
    limits
}

fn read_whole(bytes: &[u8], limits: &Limits) -> Result<Option<Reading>, HeadError> {
    Ok(parse_head(bytes, &mut HeaderSlots::new(), limits)?.map(|head| reading(&head)))
}

fn read_pieces(
    bytes: &[u8],
    piece_len: usize,
    limits: &Limits,
) -> Result<Option<Reading>, HeadError> {
    let mut slots = HeaderSlots::new();
    let mut scan = HeadScan::new();
    for end in piece_ends(bytes.len(), piece_len) {
        if let Some(head) = scan.parse(&bytes[..end], &mut slots, limits)? {
            return Ok(Some(reading(&head)));
        }
    }
    Ok(None)
}

fn reading(head: &Head<'_>) -> Reading {
    Reading {
        method: head.method.as_str().to_owned(),
        target: head.target.raw().to_owned(),
        version: head.version,
        fields: head.headers.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        framing: head.framing,
        keep_alive: head.keep_alive,
        expect_continue: head.expect_continue,
        head_len: head.head_len,
    }
}

/// Ours is the stricter parser: what it accepts the other one accepts too, with the same meaning.
fn agrees_with_httparse(bytes: &[u8], reading: &Reading) {
    let mut fields = [httparse::EMPTY_HEADER; HTTPARSE_FIELD_COUNT];
    let mut request = httparse::Request::new(&mut fields);
    let parsed = request.parse(bytes);
    assert_eq!(parsed, Ok(httparse::Status::Complete(reading.head_len)));
    assert_eq!(request.method, Some(reading.method.as_str()));
    assert_eq!(request.path, Some(reading.target.as_str()));
    assert_eq!(request.version, Some(u8::from(reading.version == Version::Http11)));
    let theirs = request.headers.iter().map(|field| (field.name, field.value));
    let ours = reading.fields.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    assert!(theirs.eq(ours), "fields differ: {:?}", reading.fields);
}

fn is_whole_for_httparse(bytes: &[u8]) -> bool {
    let mut fields = [httparse::EMPTY_HEADER; HTTPARSE_FIELD_COUNT];
    httparse::Request::new(&mut fields).parse(bytes).is_ok_and(|status| status.is_complete())
}

/// RFC 9112 §6.1 to §6.3, over the fields as another parser found them.
fn framing_follows_fields(reading: &Reading) {
    let values = |wanted: &str| -> Vec<&[u8]> {
        let fields = reading.fields.iter();
        let named = fields.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named.map(|(_, value)| value.as_slice()).collect()
    };
    let current = reading.version == Version::Http11;
    let (codings, lengths) = (values("transfer-encoding"), values("content-length"));
    match (codings.as_slice(), lengths.as_slice()) {
        ([], []) => assert_eq!(reading.framing, Framing::None),
        ([coding], []) => {
            assert!(current && coding.eq_ignore_ascii_case(b"chunked"));
            assert_eq!(reading.framing, Framing::Chunked);
        }
        ([], [length]) => {
            assert!(!length.is_empty() && length.iter().all(u8::is_ascii_digit));
            let length = std::str::from_utf8(length).ok().and_then(|text| text.parse().ok());
            assert_eq!(Some(reading.framing), length.map(Framing::ContentLength));
        }
        _ => panic!("framing is ambiguous: {codings:?}, {lengths:?}"),
    }
    let host_count = values("host").len();
    assert!(host_count == 1 || (host_count == 0 && !current), "{host_count} times Host");
}

/// More than our own limit of fields.
const HTTPARSE_FIELD_COUNT: usize = 128;
