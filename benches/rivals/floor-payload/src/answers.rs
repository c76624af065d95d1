//! The answers of one read, one behind the other, so that one write sends them all.

use payload::{Buffer, Refused, add_one_in_place, encode_into, encoded_len, recode};

use crate::request::Route;

const START: &str = "HTTP/1.1 200 OK\r\n\
    server: floor\r\n\
    date: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
const TEXT: &str = "content-type: text/plain\r\n";
const JSON: &str = "content-type: application/json\r\n";
const ZSTD: &str = "content-type: text/plain\r\ncontent-encoding: zstd\r\n";

pub(crate) struct Answers {
    bytes: Vec<u8>,
    frame: Buffer,
    limit: usize,
}

impl Answers {
    /// Answers to requests whose bodies have at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), frame: Buffer::take(), limit }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Appends the answer to one request; its body is worked on where it lies.
    pub(crate) fn push(&mut self, route: Route, body: &mut [u8]) {
        match route {
            Route::Plaintext => self.text(payload::PLAINTEXT),
            Route::Json => {
                self.frame.clear();
                payload::json_into(&mut self.frame);
                self.start(self.frame.len(), JSON);
                self.bytes.extend_from_slice(&self.frame);
            }
            Route::Light => self.text(payload::OK),
            Route::Burn => {
                payload::burn();
                self.text(payload::OK);
            }
            Route::Echo64 => match add_one_in_place(body) {
                Ok(numbers) => {
                    self.start(encoded_len(numbers), TEXT);
                    encode_into(numbers, &mut self.bytes);
                }
                Err(refused) => self.refuse(refused),
            },
            Route::Zecho64 => match recode(body, self.limit, &mut self.frame) {
                Ok(()) => {
                    self.start(self.frame.len(), ZSTD);
                    self.bytes.extend_from_slice(&self.frame);
                }
                Err(refused) => self.refuse(refused),
            },
            Route::Unknown => self.end("404 Not Found"),
        }
    }

    pub(crate) fn refuse(&mut self, refused: Refused) {
        self.end(match refused {
            Refused::Malformed => "400 Bad Request",
            Refused::TooLong => "413 Content Too Large",
        });
    }

    fn text(&mut self, text: &str) {
        self.start(text.len(), TEXT);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn start(&mut self, body_len: usize, headers: &str) {
        self.bytes.extend_from_slice(START.as_bytes());
        self.bytes.extend_from_slice(headers.as_bytes());
        self.bytes.extend_from_slice(b"content-length: ");
        self.bytes.extend_from_slice(itoa::Buffer::new().format(body_len).as_bytes());
        self.bytes.extend_from_slice(b"\r\n\r\n");
    }

    fn end(&mut self, status: &str) {
        self.bytes.extend_from_slice(b"HTTP/1.1 ");
        self.bytes.extend_from_slice(status.as_bytes());
        let fields = START.split_once('\n').map_or("", |(_, fields)| fields);
        self.bytes.extend_from_slice(b"\r\n");
        self.bytes.extend_from_slice(fields.as_bytes());
        self.bytes.extend_from_slice(b"content-length: 0\r\n\r\n");
    }
}
