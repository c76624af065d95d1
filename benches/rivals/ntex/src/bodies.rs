//! The routes with a body. Chunks are worked on as they arrive instead of joined by an extractor;
//! answers are copied once, into the framework's own byte type, which takes no foreign buffer.

use ntex::http::StatusCode;
use ntex::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use ntex::util::Bytes;
use ntex::web::types::{Payload, State};
use ntex::web::{HttpRequest, HttpResponse};
use payload::{Buffer, Collect, Exchange, Refused};

use crate::{content, named};

/// The longest body in bytes.
pub(crate) struct Limit(pub(crate) usize);

pub(crate) async fn exchange<E: Exchange>(
    request: HttpRequest,
    body: Payload,
    limit: State<Limit>,
) -> HttpResponse {
    match receive::<E>(&request, body, limit.0).await {
        Ok(body) => {
            let body = Bytes::copy_from_slice(&body);
            let mut answer = content(HeaderValue::from_static(E::CONTENT_TYPE), body);
            if let Some(encoding) = E::CONTENT_ENCODING {
                answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
            answer
        }
        Err(refused) => refuse(refused),
    }
}

pub(crate) async fn echo(request: HttpRequest, body: Payload, limit: State<Limit>) -> HttpResponse {
    match receive::<Collect>(&request, body, limit.0).await {
        Ok(body) => {
            let kept = request.headers().get(CONTENT_TYPE).cloned();
            let kept = kept.unwrap_or(HeaderValue::from_static(Collect::CONTENT_TYPE));
            content(kept, Bytes::copy_from_slice(&body))
        }
        Err(refused) => refuse(refused),
    }
}

async fn receive<E: Exchange>(
    request: &HttpRequest,
    mut body: Payload,
    limit: usize,
) -> Result<Buffer, Refused> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let expected_len = announced.and_then(|value| value.parse().ok()).unwrap_or(0);
    if expected_len > limit {
        return Err(Refused::TooLong);
    }
    let mut exchange = E::begin(limit, expected_len);
    while let Some(chunk) = body.recv().await {
        exchange.push(&chunk.map_err(|_| Refused::Malformed)?)?;
    }
    exchange.finish()
}

fn refuse(refused: Refused) -> HttpResponse {
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
    named(HttpResponse::build(status).finish())
}
