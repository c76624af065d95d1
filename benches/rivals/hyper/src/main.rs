//! The arena's entry on hyper: its HTTP/1 server, without a framework on top.

mod answer;

use std::convert::Infallible;
use std::time::Duration;

use accept::Arguments;
use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use payload::{Buffer, Collect, Echo64, Exchange, Refused, Zecho64};

type Answer = Response<Full<Bytes>>;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let limit = arguments.entry.max_body;
    accept::run(&arguments, service_fn(move |request| route(request, limit)))
}

async fn route(request: Request<Incoming>, limit: usize) -> Result<Answer, Infallible> {
    let answer = match (request.method(), request.uri().path()) {
        (&Method::GET, "/plaintext") => answer::text(payload::PLAINTEXT),
        (&Method::GET, "/json") => json(),
        (&Method::GET, "/light") => answer::text(payload::OK),
        (&Method::GET, "/mix") => {
            payload::mix();
            answer::text(payload::OK)
        }
        (&Method::GET, "/burn") => {
            payload::burn();
            answer::text(payload::OK)
        }
        (&Method::GET, "/burn-blocking") => {
            match tokio::task::spawn_blocking(payload::burn).await {
                Ok(()) => answer::text(payload::OK),
                Err(_) => answer::status(StatusCode::INTERNAL_SERVER_ERROR),
            }
        }
        (&Method::GET, "/async") => {
            tokio::time::sleep(Duration::from_millis(1)).await;
            answer::text(payload::OK)
        }
        (&Method::GET, "/async-long") => {
            tokio::time::sleep(Duration::from_secs(3)).await;
            answer::text(payload::OK)
        }
        (&Method::POST, "/echo64") => exchange::<Echo64>(request, limit).await,
        (&Method::POST, "/zecho64") => exchange::<Zecho64>(request, limit).await,
        (_, "/echo") => echo(request, limit).await,
        (&Method::GET, "/") => answer::text(payload::INDEX),
        _ => answer::status(StatusCode::NOT_FOUND),
    };
    Ok(answer)
}

fn json() -> Answer {
    let mut body = Buffer::take();
    payload::json_into(&mut body);
    answer::content(HeaderValue::from_static("application/json"), body)
}

async fn exchange<E: Exchange>(request: Request<Incoming>, limit: usize) -> Answer {
    match receive::<E>(request.into_body(), limit).await {
        Ok(body) => answer::exchanged::<E>(body),
        Err(refused) => answer::refused(refused),
    }
}

async fn echo(request: Request<Incoming>, limit: usize) -> Answer {
    let (mut head, body) = request.into_parts();
    match receive::<Collect>(body, limit).await {
        Ok(body) => {
            let kept = head.headers.remove(CONTENT_TYPE);
            answer::content(kept.unwrap_or(HeaderValue::from_static(Collect::CONTENT_TYPE)), body)
        }
        Err(refused) => answer::refused(refused),
    }
}

async fn receive<E: Exchange>(mut body: Incoming, limit: usize) -> Result<Buffer, Refused> {
    let expected_len = usize::try_from(body.size_hint().lower()).map_err(|_| Refused::TooLong)?;
    if expected_len > limit {
        return Err(Refused::TooLong);
    }
    let mut exchange = E::begin(limit, expected_len);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refused::Malformed)?;
        if let Some(chunk) = frame.data_ref() {
            exchange.push(chunk)?;
        }
    }
    exchange.finish()
}
