//! The routes with a body. Chunks are worked on as they arrive instead of joined by an extractor.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use payload::{Buffer, Collect, Exchange, Refused};

use crate::named;

/// The longest body in bytes.
pub(crate) struct Limit(pub(crate) usize);

pub(crate) async fn exchange<E: Exchange>(
    request: HttpRequest,
    body: Payload,
    limit: Data<Limit>,
) -> HttpResponse {
    match receive::<E>(&request, body, limit.0).await {
        Ok(body) => {
            let content_type = HeaderValue::from_static(E::CONTENT_TYPE);
            let mut answer = HttpResponse::Ok();
            answer.insert_header((CONTENT_TYPE, content_type));
            if let Some(encoding) = E::CONTENT_ENCODING {
                answer.insert_header((CONTENT_ENCODING, HeaderValue::from_static(encoding)));
            }
            named(answer.body(body.into_bytes()))
        }
        Err(refused) => refuse(refused),
    }
}

pub(crate) async fn echo(request: HttpRequest, body: Payload, limit: Data<Limit>) -> HttpResponse {
    match receive::<Collect>(&request, body, limit.0).await {
        Ok(body) => {
            let kept = request.headers().get(CONTENT_TYPE).cloned();
            let kept = kept.unwrap_or(HeaderValue::from_static(Collect::CONTENT_TYPE));
            named(HttpResponse::Ok().insert_header((CONTENT_TYPE, kept)).body(body.into_bytes()))
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
    while let Some(chunk) = body.next().await {
        exchange.push(&chunk.map_err(|_| Refused::Malformed)?)?;
    }
    exchange.finish()
}

fn refuse(refused: Refused) -> HttpResponse {
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
    named(HttpResponse::build(status).finish())
}
