//! What the reply to a request must be: written down from the RFCs and the application, without a
//! look at the server.

use waterwheel::Limits;

use super::application::{BIG, JSON_WORDS, ORDER_LEN, PLAIN, SMALL_LEN_MAX};
use super::disk::{STORED_LEN, pattern};
use super::exchange::{Ask, Framing, Place};

/// The reply that is due.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) content: Content,
    pub(crate) is_head: bool,
    /// It has no length that is known beforehand.
    pub(crate) is_chunked: bool,
    pub(crate) allow: Option<&'static str>,
    pub(crate) persistence: Persistence,
    /// Whether the handler is called for it.
    pub(crate) handled: bool,
    /// Whether a ring without room may show as 503.
    pub(crate) may_lack_room: bool,
    /// Whether a disk that fails may show.
    pub(crate) may_lack_file: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Exact(Vec<u8>),
    /// A text for people, which begins with the status code.
    Told,
}

/// What the reply says about the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// Nothing: it goes on.
    Implied,
    /// It goes on, said to an HTTP/1.0 client.
    KeepAlive,
    Close,
}

impl Expected {
    pub(crate) fn is_last(&self) -> bool {
        self.persistence == Persistence::Close
    }
}

/// The reply to a request that cannot be read: the connection ends with it.
pub(crate) fn refusal(status: u16) -> Expected {
    Expected {
        status,
        content_type: TEXT,
        content: Content::Told,
        is_head: false,
        is_chunked: false,
        allow: None,
        persistence: Persistence::Close,
        handled: false,
        may_lack_room: false,
        may_lack_file: false,
    }
}

/// The reply to `ask`.
pub(crate) fn answer(ask: &Ask, limits: &Limits) -> Expected {
    let goes_on = match (ask.is_http10, ask.connection) {
        (_, Some("close")) | (true, None) => Persistence::Close,
        (true, _) => Persistence::KeepAlive,
        (false, _) => Persistence::Implied,
    };
    let mut expected = refusal(0);
    expected.persistence = goes_on;
    expected.is_head = ask.method == "HEAD";
    let has_body = ask.framing == Framing::Chunked || !ask.content.is_empty();
    let is_too_long = ask.content.len() > body_len_max(ask.place, limits);
    let allow = allow(ask.place);
    if !allow.split(", ").any(|method| method == ask.method) {
        (expected.status, expected.allow) = match ask.place {
            Place::Nowhere => (404, None),
            _ => (405, Some(allow)),
        };
        end_if_unskippable(&mut expected, has_body, ask, limits);
        return expected;
    }
    if is_too_long {
        expected.status = 413;
        end_if_unskippable(&mut expected, has_body, ask, limits);
        return expected;
    }
    handle(ask, has_body, &mut expected);
    expected
}

/// A body that is not wanted is skipped only if its end is known, near, and certain to come.
fn end_if_unskippable(expected: &mut Expected, has_body: bool, ask: &Ask, limits: &Limits) {
    let can_be_skipped = ask.framing == Framing::Length
        && ask.content.len() <= limits.linger_len_max
        && (!ask.expects_continue || ask.is_http10);
    if has_body && !can_be_skipped {
        expected.persistence = Persistence::Close;
    }
}

/// What the application answers.
fn handle(ask: &Ask, has_body: bool, expected: &mut Expected) {
    expected.status = 200;
    expected.handled = true;
    let text = |text: String| (TEXT, text.into_bytes());
    let (content_type, content) = match ask.place {
        Place::Plain | Place::Ignore => text(PLAIN.to_owned()),
        Place::Big => (BYTES, BIG.to_vec()),
        Place::Heap(len) => (BYTES, ask.tag.bytes().cycle().take(len).collect()),
        Place::Mirror | Place::Waited | Place::Asked => {
            text(format!("{} {} {}\n", ask.word, query(ask), ask.tag))
        }
        Place::Json => {
            let words = vec![format!("\"{}\"", ask.word); JSON_WORDS];
            ("application/json", format!("[{}]", words.join(",")).into_bytes())
        }
        Place::Echo | Place::Same | Place::Held | Place::Small => {
            expected.may_lack_room = !has_body;
            (BYTES, ask.content.clone())
        }
        Place::Orders | Place::Sum => {
            expected.may_lack_room = true;
            match decode_base64(&ask.content) {
                Some(raw) if raw.len().is_multiple_of(ORDER_LEN) => of_orders(ask.place, raw),
                _ => {
                    (expected.status, expected.handled) = (400, false);
                    return;
                }
            }
        }
        Place::Pour(len) | Place::Later(len) => {
            (BYTES, ask.tag.bytes().cycle().take(len).collect())
        }
        Place::Relay | Place::Kept => (BYTES, ask.content.clone()),
        Place::Served(len) => {
            expected.may_lack_file = true;
            (BYTES, pattern(0, len))
        }
        Place::Stored(len) => (BYTES, pattern(STORED_LEN - len, len)),
        Place::Count => {
            let sum: u64 = ask.content.iter().map(|byte| u64::from(*byte)).sum();
            text(format!("{} bytes, {sum}\n", ask.content.len()))
        }
        Place::Panic => {
            (expected.status, expected.persistence) = (500, Persistence::Close);
            return;
        }
        Place::Nowhere => unreachable!("nothing is served there"),
    };
    expected.is_chunked = ask.place.is_streamed();
    expected.content_type = content_type;
    expected.content = Content::Exact(content);
}

fn of_orders(place: Place, mut raw: Vec<u8>) -> (&'static str, Vec<u8>) {
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |sum, b| sum << 8 | u64::from(*b));
    if place == Place::Sum {
        let count = raw.len() / ORDER_LEN;
        let ids = raw.chunks(ORDER_LEN).fold(0, |ids, order| ids ^ number(&order[..8]));
        let quantity: u64 = raw.chunks(ORDER_LEN).map(|order| number(&order[8..12])).sum();
        let text = format!("{count} orders, {quantity} pieces, {ids:016x}\n");
        return (TEXT, encode_base64(text.as_bytes()));
    }
    for order in raw.chunks_mut(ORDER_LEN) {
        if number(&order[8..12]) > 100 {
            order[8..12].copy_from_slice(&[100, 0, 0, 0]);
        }
        for byte in &mut order[12..16] {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
    }
    (BYTES, encode_base64(&raw))
}

/// The path and query of a request.
pub(crate) fn target(ask: &Ask) -> String {
    match ask.place {
        Place::Plain => "/plain".to_owned(),
        Place::Big => "/big?".to_owned(),
        Place::Heap(len) => format!("/heap/{len}"),
        Place::Mirror => format!("/mirror/{}?{}", ask.word, query(ask)),
        Place::Json => format!("/json/{}", ask.word),
        Place::Waited => format!("/waited/{}?{}", ask.word, query(ask)),
        Place::Asked => format!("/asked/{}?{}", ask.word, query(ask)),
        Place::Held => "/held".to_owned(),
        Place::Panic => "/panic".to_owned(),
        Place::Orders => "/orders".to_owned(),
        Place::Sum => "/sum".to_owned(),
        Place::Echo => "/echo".to_owned(),
        Place::Same => "/same".to_owned(),
        Place::Small => "/small".to_owned(),
        Place::Ignore => "/ignore".to_owned(),
        Place::Pour(len) => format!("/pour/{len}"),
        Place::Later(len) => format!("/later/{len}"),
        Place::Relay => "/relay".to_owned(),
        Place::Count => "/count".to_owned(),
        Place::Served(len) => format!("/site/{len}.bin"),
        Place::Stored(len) => format!("/stored/{len}"),
        Place::Kept => "/kept".to_owned(),
        Place::Nowhere => format!("/nowhere/{}", ask.word),
    }
}

fn query(ask: &Ask) -> String {
    format!("q={}", ask.tag)
}

fn allow(place: Place) -> &'static str {
    match place {
        Place::Plain | Place::Big | Place::Heap(_) | Place::Mirror | Place::Json => "GET, HEAD",
        Place::Pour(_) | Place::Later(_) => "GET, HEAD",
        Place::Waited | Place::Asked | Place::Served(_) | Place::Stored(_) => "GET, HEAD",
        Place::Panic => "GET, HEAD, POST",
        Place::Nowhere => "",
        _ => "POST",
    }
}

/// The longest body that a place takes.
pub(crate) fn body_len_max(place: Place, limits: &Limits) -> usize {
    match place {
        Place::Small => SMALL_LEN_MAX,
        Place::Relay | Place::Count => STREAMED_LEN_MAX,
        _ => usize::try_from(limits.body_len_max).expect("a limit of a few bytes"),
    }
}

/// RFC 4648 §4, a group at a time.
pub(crate) fn encode_base64(raw: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(raw.len().div_ceil(3) * 4);
    for group in raw.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(*group.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let symbol = SYMBOLS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= group.len() { symbol } else { b'=' });
        }
    }
    text
}

/// `None` for anything but the one text that encodes some bytes.
fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let padding_len = text.iter().rev().take(2).take_while(|symbol| **symbol == b'=').count();
    let mut raw = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.chunks(4) {
        let mut bits = 0_u64;
        for symbol in group {
            let value = match symbol {
                b'=' => 0,
                _ => SYMBOLS.iter().position(|known| known == symbol)?,
            };
            bits = bits << 6 | value as u64;
        }
        raw.extend_from_slice(&bits.to_be_bytes()[5..]);
    }
    raw.truncate(raw.len().saturating_sub(padding_len));
    (encode_base64(&raw) == text).then_some(raw)
}

/// Their handlers take any length; longer ones would only take longer.
const STREAMED_LEN_MAX: usize = 20_000;
const SYMBOLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";
