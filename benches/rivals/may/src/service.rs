//! The routes. Header lines are static strings here: may_minihttp takes no others.

use std::io::{self, BufRead};
use std::time::Duration;

use may_minihttp::{HttpService, HttpServiceFactory, Request, Response};
use payload::{Buffer, Collect, Echo64, Exchange, Refused, Zecho64};

const TEXT: &str = "content-type: text/plain";
const BINARY: &str = "content-type: application/octet-stream";
const JSON: &str = "content-type: application/json";
const ZSTD: &str = "content-encoding: zstd";
const CLOSE: &str = "connection: close";

/// The content types that `/echo` can keep.
const KEPT: [(&str, &str); 3] =
    [("text/plain", TEXT), ("application/json", JSON), ("application/octet-stream", BINARY)];

pub(crate) struct Factory {
    pub(crate) limit: usize,
}

impl HttpServiceFactory for Factory {
    type Service = Service;

    fn new_service(&self, _: usize) -> Service {
        Service { limit: self.limit }
    }
}

pub(crate) struct Service {
    limit: usize,
}

impl HttpService for Service {
    fn call(&mut self, request: Request<'_, '_, '_>, answer: &mut Response<'_>) -> io::Result<()> {
        match (request.method(), request.path()) {
            ("GET", "/plaintext") => text(answer, payload::PLAINTEXT),
            ("GET", "/json") => {
                answer.header(JSON);
                let mut body = Buffer::take();
                payload::json_into(&mut body);
                answer.body_mut().extend_from_slice(&body);
            }
            ("GET", "/light") => text(answer, payload::OK),
            ("GET", "/mix") => {
                payload::mix();
                text(answer, payload::OK);
            }
            ("GET", "/burn") => {
                payload::burn();
                text(answer, payload::OK);
            }
            ("GET", "/async") => {
                may::coroutine::sleep(Duration::from_millis(1));
                text(answer, payload::OK);
            }
            ("POST", "/echo64") => self.exchange::<Echo64>(request, answer, TEXT)?,
            ("POST", "/zecho64") => self.exchange::<Zecho64>(request, answer, TEXT)?,
            (_, "/echo") => {
                let content_type = kept_type(&request);
                self.exchange::<Collect>(request, answer, content_type)?;
            }
            ("GET", "/") => text(answer, payload::INDEX),
            _ => {
                answer.status_code(404, "Not Found");
            }
        }
        Ok(())
    }
}

impl Service {
    /// Answers with what `E` makes of the body.
    fn exchange<E: Exchange>(
        &self,
        request: Request<'_, '_, '_>,
        answer: &mut Response<'_>,
        content_type: &'static str,
    ) -> io::Result<()> {
        match self.receive::<E>(request)? {
            Ok(body) => {
                answer.header(content_type);
                if E::CONTENT_ENCODING.is_some() {
                    answer.header(ZSTD);
                }
                answer.body_mut().extend_from_slice(&body);
            }
            Err(Refused::Malformed) => {
                answer.status_code(400, "Bad Request");
            }
            Err(Refused::TooLong) => {
                answer.status_code(413, "Content Too Large").header(CLOSE);
            }
        }
        Ok(())
    }

    fn receive<E: Exchange>(
        &self,
        request: Request<'_, '_, '_>,
    ) -> io::Result<Result<Buffer, Refused>> {
        let expected_len = content_len(&request);
        if expected_len > self.limit {
            return Ok(Err(Refused::TooLong));
        }
        let mut exchange = E::begin(self.limit, expected_len);
        let mut body = request.body();
        loop {
            let chunk = body.fill_buf()?;
            if chunk.is_empty() {
                return Ok(exchange.finish());
            }
            if let Err(refused) = exchange.push(chunk) {
                return Ok(Err(refused));
            }
            let len = chunk.len();
            body.consume(len);
        }
    }
}

fn text(answer: &mut Response<'_>, body: &'static str) {
    answer.header(TEXT);
    answer.body(body);
}

fn header<'a>(request: &'a Request<'_, '_, '_>, name: &str) -> Option<&'a str> {
    let found = request.headers().iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    str::from_utf8(found.value).ok()
}

fn content_len(request: &Request<'_, '_, '_>) -> usize {
    header(request, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0)
}

fn kept_type(request: &Request<'_, '_, '_>) -> &'static str {
    let value = header(request, "content-type").unwrap_or_default();
    KEPT.iter().find(|(known, _)| *known == value).map_or(BINARY, |(_, line)| *line)
}
