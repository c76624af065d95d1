//! The routes with a body. Chunks are worked on as they arrive instead of joined by an extractor.

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use payload::{Buffer, Collect, Exchange, Refused};

pub(crate) async fn exchange<E: Exchange>(body: Body, limit: usize) -> Response {
    match receive::<E>(body, limit).await {
        Ok(body) => {
            let content_type = HeaderValue::from_static(E::CONTENT_TYPE);
            let mut answer = ([(CONTENT_TYPE, content_type)], body.into_bytes()).into_response();
            if let Some(encoding) = E::CONTENT_ENCODING {
                answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
            answer
        }
        Err(refused) => refuse(refused),
    }
}

pub(crate) async fn echo(request: Request, limit: usize) -> Response {
    let (mut head, body) = request.into_parts();
    match receive::<Collect>(body, limit).await {
        Ok(body) => {
            let kept = head.headers.remove(CONTENT_TYPE);
            let kept = kept.unwrap_or(HeaderValue::from_static(Collect::CONTENT_TYPE));
            ([(CONTENT_TYPE, kept)], body.into_bytes()).into_response()
        }
        Err(refused) => refuse(refused),
    }
}

async fn receive<E: Exchange>(body: Body, limit: usize) -> Result<Buffer, Refused> {
    let expected_len = usize::try_from(body.size_hint().lower()).map_err(|_| Refused::TooLong)?;
    if expected_len > limit {
        return Err(Refused::TooLong);
    }
    let mut exchange = E::begin(limit, expected_len);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        exchange.push(&chunk.map_err(|_| Refused::Malformed)?)?;
    }
    exchange.finish()
}

fn refuse(refused: Refused) -> Response {
    StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST).into_response()
}
