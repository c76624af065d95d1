//! The arena's entry on xitca-web: one single-threaded runtime per worker, and one accept thread.

mod bodies;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Parser;
use payload::{Buffer, Echo64, Zecho64};
use xitca_web::body::ResponseBody;
use xitca_web::bytes::Bytes;
use xitca_web::error::Error;
use xitca_web::http::header::{CONTENT_TYPE, HeaderValue, SERVER};
use xitca_web::http::{StatusCode, WebResponse};
use xitca_web::route::{get, post};
use xitca_web::service::fn_service;
use xitca_web::{App, WebContext};

/// The default of 5 seconds would end connections that wait between two measurements.
const KEEP_ALIVE: Duration = Duration::from_secs(3600);

type Context<'a> = WebContext<'a, usize>;
type Answer = Result<WebResponse, Error>;

fn main() -> anyhow::Result<()> {
    let arguments = entry::Arguments::parse();
    arguments.forbid_tls()?;
    arguments.pin_process()?;
    let listener = arguments.listener()?;
    arguments.announce(listener.local_addr()?);
    let started = Arc::new(AtomicUsize::new(0));
    let own = arguments.clone();
    App::new()
        .with_state(arguments.max_body)
        .at("/", get(fn_service(async |context: Context<'_>| text(context, payload::INDEX))))
        .at("/plaintext", get(fn_service(plaintext)))
        .at("/json", get(fn_service(json)))
        .at("/light", get(fn_service(light)))
        .at("/mix", get(fn_service(mix)))
        .at("/burn", get(fn_service(burn)))
        .at("/burn-blocking", get(fn_service(burn_blocking)))
        .at("/async", get(fn_service(pause)))
        .at("/echo64", post(fn_service(bodies::exchange::<Echo64>)))
        .at("/zecho64", post(fn_service(bodies::exchange::<Zecho64>)))
        .at("/echo", fn_service(bodies::echo))
        .serve()
        .worker_threads(arguments.worker_count())
        .keep_alive_timeout(KEEP_ALIVE)
        .on_worker_start(move || {
            // ORDERING: Relaxed: a counter that nothing else depends on.
            let index = started.fetch_add(1, Ordering::Relaxed);
            own.pin_worker(index).expect("the cores were there when the process was pinned");
            async {}
        })
        .listen(listener)?
        .run()
        .wait()?;
    Ok(())
}

/// An answer with this content.
fn content(context: Context<'_>, content_type: HeaderValue, body: Bytes) -> WebResponse {
    let mut answer = context.into_response(ResponseBody::bytes(body));
    answer.headers_mut().insert(SERVER, HeaderValue::from_static("xitca"));
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}

/// An answer without content.
fn status(context: Context<'_>, status: StatusCode) -> WebResponse {
    let mut answer = context.into_response(Bytes::new());
    *answer.status_mut() = status;
    answer.headers_mut().insert(SERVER, HeaderValue::from_static("xitca"));
    answer
}

fn text(context: Context<'_>, body: &'static str) -> Answer {
    let content_type = HeaderValue::from_static("text/plain");
    Ok(content(context, content_type, Bytes::from_static(body.as_bytes())))
}

async fn plaintext(context: Context<'_>) -> Answer {
    text(context, payload::PLAINTEXT)
}

async fn light(context: Context<'_>) -> Answer {
    text(context, payload::OK)
}

async fn json(context: Context<'_>) -> Answer {
    let mut body = Buffer::take();
    payload::json_into(&mut body);
    Ok(content(context, HeaderValue::from_static("application/json"), body.into_bytes()))
}

async fn mix(context: Context<'_>) -> Answer {
    payload::mix();
    text(context, payload::OK)
}

async fn burn(context: Context<'_>) -> Answer {
    payload::burn();
    text(context, payload::OK)
}

async fn burn_blocking(context: Context<'_>) -> Answer {
    match tokio::task::spawn_blocking(payload::burn).await {
        Ok(()) => text(context, payload::OK),
        Err(_) => Ok(status(context, StatusCode::INTERNAL_SERVER_ERROR)),
    }
}

async fn pause(context: Context<'_>) -> Answer {
    tokio::time::sleep(Duration::from_millis(1)).await;
    text(context, payload::OK)
}
