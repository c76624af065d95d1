//! A request as a client writes it: what it asks for, its bytes on the wire, and the reply due.

use fastrand::Rng;
use waterwheel::Limits;

use super::application::ORDER_LEN;
use super::disk::{SERVED_LENS, STORED_LEN};
use super::model::{self, Expected};
use super::setting::pick;
use super::{malformed, model::encode_base64};

/// What a request asks for, before it becomes bytes.
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) place: Place,
    pub(crate) is_http10: bool,
    /// The value of `connection`, if it is sent.
    pub(crate) connection: Option<&'static str>,
    pub(crate) expects_continue: bool,
    pub(crate) framing: Framing,
    /// The body without its framing.
    pub(crate) content: Vec<u8>,
    pub(crate) word: String,
    pub(crate) tag: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Plain,
    Big,
    Heap(usize),
    Mirror,
    Json,
    Waited,
    Asked,
    Panic,
    Orders,
    Sum,
    Echo,
    Same,
    Held,
    Small,
    Ignore,
    Pour(usize),
    Later(usize),
    Relay,
    Count,
    /// A file of the site, of this length.
    Served(usize),
    /// The end of a file.
    Stored(usize),
    /// Written to a file and read again.
    Kept,
    Nowhere,
}

impl Place {
    /// Whether its reply is streamed, and has no length that is known beforehand.
    pub(crate) fn is_streamed(self) -> bool {
        matches!(self, Self::Pour(_) | Self::Relay)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    None,
    Length,
    Chunked,
}

/// One request on the wire and its reply.
pub(crate) struct Exchange {
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
    pub(crate) expected: Expected,
    pub(crate) expectation: Expectation,
}

/// What a client may wait for between the head and the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expectation {
    Nothing,
    /// `100 Continue`.
    Continue,
    /// The final reply: the head alone is refused.
    Refusal,
}

/// Draws the requests of one connection.
pub(crate) struct Author<'a> {
    pub(crate) rng: &'a mut Rng,
    pub(crate) limits: &'a Limits,
    pub(crate) connection: usize,
    /// Planted in everything this connection sends; no other may ever receive it.
    pub(crate) secret: &'a str,
}

impl Author<'_> {
    /// The request with this number on its connection.
    pub(crate) fn exchange(&mut self, number: usize) -> Exchange {
        if self.rng.u8(..25) == 0 {
            let (head, status) = malformed::draw(self.rng, self.limits, &self.id(number));
            let expected = model::refusal(status);
            return Exchange {
                head,
                body: Vec::new(),
                expected,
                expectation: Expectation::Nothing,
            };
        }
        let ask = self.ask();
        let expected = model::answer(&ask, self.limits);
        let (head, body) = self.wire(&ask, number);
        let is_refused_by_head = match expected.status {
            404 | 405 => true,
            413 => ask.framing == Framing::Length,
            _ => false,
        };
        let expectation = match ask.expects_continue && !ask.is_http10 {
            true if is_refused_by_head => Expectation::Refusal,
            true if !body.is_empty() => Expectation::Continue,
            _ => Expectation::Nothing,
        };
        Exchange { head, body, expected, expectation }
    }

    /// A GET whose reply is long, for clients that are slow to read.
    pub(crate) fn long_get(&mut self, number: usize) -> Exchange {
        let len = self.rng.usize(1000..4000);
        let ask = Ask { place: Place::Heap(len), ..self.plain_ask("GET") };
        let expected = model::answer(&ask, self.limits);
        let (head, body) = self.wire(&ask, number);
        Exchange { head, body, expected, expectation: Expectation::Nothing }
    }

    fn id(&self, number: usize) -> String {
        format!("x-id: {}.{number}\r\n", self.connection)
    }

    fn plain_ask(&mut self, method: &'static str) -> Ask {
        let word: String = (0..self.rng.usize(1..20)).map(|_| self.rng.lowercase()).collect();
        Ask {
            method,
            place: Place::Plain,
            is_http10: false,
            connection: None,
            expects_continue: false,
            framing: Framing::None,
            content: Vec::new(),
            word,
            tag: self.secret.to_owned(),
        }
    }

    fn ask(&mut self) -> Ask {
        let place = self.place();
        let gets = matches!(
            place,
            Place::Plain
                | Place::Big
                | Place::Heap(_)
                | Place::Mirror
                | Place::Json
                | Place::Pour(_)
                | Place::Later(_)
                | Place::Waited
                | Place::Asked
                | Place::Served(_)
                | Place::Stored(_)
        );
        let mut ask = self.plain_ask(if gets { "GET" } else { "POST" });
        ask.place = place;
        match self.rng.u8(..20) {
            0 | 1 if gets => ask.method = "HEAD",
            2 => ask.method = pick(self.rng, &["GET", "POST", "PUT", "DELETE", "OPTIONS"]),
            _ => {}
        }
        // In HTTP/1.0 the end of the connection ends such a reply, whole or not.
        ask.is_http10 = self.rng.u8(..15) == 0 && !place.is_streamed();
        ask.connection = match self.rng.u8(..30) {
            0 => Some("close"),
            1 => Some("keep-alive"),
            _ if ask.is_http10 && self.rng.u8(..4) > 0 => Some("keep-alive"),
            _ => None,
        };
        let carries = if gets { self.rng.u8(..12) == 0 } else { self.rng.u8(..20) > 0 };
        if carries && ask.method != "HEAD" {
            ask.content = self.content(place);
            let chunked = !ask.is_http10 && self.rng.u8(..5) < 2;
            ask.framing = if chunked { Framing::Chunked } else { Framing::Length };
            ask.expects_continue = self.rng.u8(..8) == 0;
        }
        ask
    }

    fn place(&mut self) -> Place {
        match self.rng.u8(..71) {
            0..8 => Place::Plain,
            8..10 => Place::Big,
            10..13 => Place::Heap(pick(self.rng, &[0, 1, 100, 1024, 1025, 6000])),
            13..17 => Place::Mirror,
            17 => Place::Json,
            18 => Place::Panic,
            19..26 => Place::Orders,
            26..28 => Place::Sum,
            28..32 => Place::Echo,
            32..36 => Place::Same,
            36 => Place::Small,
            37..40 => Place::Ignore,
            40..43 => Place::Pour(pick(self.rng, &[0, 1, 100, 5000, 40_000])),
            43..45 => Place::Later(pick(self.rng, &[0, 1, 100, 5000])),
            45..49 => Place::Relay,
            49..52 => Place::Count,
            52..55 => Place::Waited,
            55..58 => Place::Asked,
            58..60 => Place::Held,
            60..64 => Place::Served(pick(self.rng, &SERVED_LENS)),
            64..67 => Place::Stored(pick(self.rng, &[0, 1, 3000, 20_000, STORED_LEN])),
            67..70 => Place::Kept,
            _ => Place::Nowhere,
        }
    }

    fn content(&mut self, place: Place) -> Vec<u8> {
        let len_max = model::body_len_max(place, self.limits);
        match place {
            Place::Orders | Place::Sum => self.orders(len_max),
            // A body that reads like a request: if it is ever run, the journal tells.
            _ if self.rng.u8(..4) == 0 => {
                let smuggled = format!(
                    "GET /mirror/smuggled HTTP/1.1\r\nhost: x\r\nx-tag: {}\r\n{}\r\n",
                    self.secret,
                    self.id(SMUGGLED),
                );
                smuggled.into_bytes()
            }
            _ => {
                let len = match self.rng.u8(..12) {
                    // Too long is found out in the middle, and what then comes is not for here.
                    0 if matches!(place, Place::Relay | Place::Count) => len_max,
                    0 => len_max + self.rng.usize(1..200),
                    1 => len_max,
                    2 => 0,
                    _ => self.rng.usize(..len_max.min(3000)),
                };
                self.bytes(len)
            }
        }
    }

    /// Random bytes around the secret.
    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..len).map(|_| self.rng.u8(..)).collect();
        if len >= self.secret.len() {
            let at = self.rng.usize(..=len - self.secret.len());
            bytes[at..at + self.secret.len()].copy_from_slice(self.secret.as_bytes());
        }
        bytes
    }

    /// Encoded orders, sometimes ragged, sometimes not Base64 at all.
    fn orders(&mut self, len_max: usize) -> Vec<u8> {
        let count_max = len_max / 4 * 3 / ORDER_LEN;
        let count = match self.rng.u8(..6) {
            0 => count_max,
            _ => self.rng.usize(..=count_max.min(40)),
        };
        let mut len = count * ORDER_LEN;
        if self.rng.u8(..12) == 0 {
            len = len.saturating_sub(self.rng.usize(1..ORDER_LEN));
        }
        let raw = self.bytes(len);
        let mut text = encode_base64(&raw);
        match self.rng.u8(..15) {
            0 if !text.is_empty() => {
                let at = self.rng.usize(..text.len());
                text[at] = pick(self.rng, b"=-_. \n\0\xff");
            }
            1 => drop(text.pop()),
            _ => {}
        }
        text
    }

    fn wire(&mut self, ask: &Ask, number: usize) -> (Vec<u8>, Vec<u8>) {
        let version = if ask.is_http10 { "1.0" } else { "1.1" };
        let target = model::target(ask);
        let mut head = format!("{} {target} HTTP/{version}\r\n", ask.method);
        head.push_str(&self.id(number));
        if !ask.is_http10 || self.rng.bool() {
            head.push_str("host: sim\r\n");
        }
        head.push_str(&format!("x-tag: {}\r\n", ask.tag));
        if let Some(value) = ask.connection {
            head.push_str(&format!("Connection: {value}\r\n"));
        }
        if ask.expects_continue {
            head.push_str("Expect: 100-continue\r\n");
        }
        let body = match ask.framing {
            Framing::None => Vec::new(),
            Framing::Length => {
                head.push_str(&format!("Content-Length: {}\r\n", ask.content.len()));
                ask.content.clone()
            }
            Framing::Chunked => {
                head.push_str("Transfer-Encoding: chunked\r\n");
                self.chunked(&ask.content)
            }
        };
        let spare = self.limits.head_len_max.saturating_sub(head.len() + 20);
        if self.rng.u8(..6) == 0 && spare > 0 {
            let len = self.rng.usize(..spare);
            head.push_str(&format!("x-pad: {}\r\n", "p".repeat(len)));
        }
        head.push_str("\r\n");
        (head.into_bytes(), body)
    }

    /// The content in chunks of random lengths, with extensions and trailers now and then.
    fn chunked(&mut self, content: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        let chunk_max = match self.rng.u8(..4) {
            0 if content.len() < 400 => 2,
            1 => 100,
            _ => content.len().max(1),
        };
        let mut rest = content;
        while !rest.is_empty() {
            let len = self.rng.usize(1..=chunk_max.min(rest.len()));
            let (chunk, later) = rest.split_at(len);
            let extension = if self.rng.u8(..20) == 0 { ";a=\"b\"" } else { "" };
            body.extend_from_slice(format!("{len:x}{extension}\r\n").as_bytes());
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
            rest = later;
        }
        body.extend_from_slice(b"0\r\n");
        if self.rng.u8(..10) == 0 {
            body.extend_from_slice(b"x-sum: 1\r\ncontent-length: 7\r\n");
        }
        body.extend_from_slice(b"\r\n");
        body
    }
}

/// The number of a request that no client ever makes.
pub(crate) const SMUGGLED: usize = 999_999;
