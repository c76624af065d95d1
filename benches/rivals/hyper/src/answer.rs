//! Answers with the headers that every one of them carries; hyper adds date and content length.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, SERVER};
use hyper::{Response, StatusCode};
use payload::{Buffer, Exchange, Refused};

use crate::Answer;

const NAME: HeaderValue = HeaderValue::from_static("hyper");

pub(crate) fn text(body: &'static str) -> Answer {
    with_type(HeaderValue::from_static("text/plain"), Bytes::from_static(body.as_bytes()))
}

pub(crate) fn content(content_type: HeaderValue, body: Buffer) -> Answer {
    with_type(content_type, body.into_bytes())
}

pub(crate) fn exchanged<E: Exchange>(body: Buffer) -> Answer {
    let mut answer = content(HeaderValue::from_static(E::CONTENT_TYPE), body);
    if let Some(encoding) = E::CONTENT_ENCODING {
        answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    answer
}

pub(crate) fn refused(refused: Refused) -> Answer {
    status(StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST))
}

pub(crate) fn status(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer.headers_mut().insert(SERVER, NAME);
    answer
}

fn with_type(content_type: HeaderValue, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    let headers = answer.headers_mut();
    headers.insert(SERVER, NAME);
    headers.insert(CONTENT_TYPE, content_type);
    answer
}
