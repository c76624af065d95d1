//! The arena's entry on ntex, on its own runtime (neon over epoll).

mod bodies;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;
use entry::Arguments;
use ntex::http::header::{CONTENT_TYPE, HeaderValue, SERVER};
use ntex::http::{HttpServiceConfig, KeepAlive};
use ntex::io::IoConfig;
use ntex::time::{Millis, Seconds, sleep};
use ntex::util::Bytes;
use ntex::web::middleware::DefaultHeaders;
use ntex::web::{self, App, HttpResponse, HttpServer, ServiceConfig};
use ntex::{SharedCfg, rt};
use ntex_files::Files;
use payload::{Buffer, Echo64, Zecho64};

/// Time that open connections get at the end.
const SHUTDOWN_TIMEOUT: Seconds = Seconds(1);

/// As long as ours. Its own 5 s end connections that wait for thousands of others to be made.
const HEAD_TIMEOUT: Seconds = Seconds(10);

/// More than the kernel lets a process have.
const CONNECTION_COUNT_MAX: usize = 1 << 20;

/// Bytes read and written at once at most, the room below which a buffer is renewed, and how many
/// buffers a worker keeps. Twice the default of 16 KiB, with which bodies of 64 KiB cost 6 % more;
/// 64 and 128 KiB measured the same as 32 within the spread, 256 KiB as 16.
const BUFFER_LEN_MAX: usize = 32 << 10;
const BUFFER_ROOM_MIN: usize = 1 << 10;
const BUFFER_COUNT_MAX: usize = 128;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    arguments.pin_process()?;
    let listener = arguments.listener()?;
    let address = listener.local_addr()?;
    let tls = arguments.tls()?;
    let started = Arc::new(AtomicUsize::new(0));
    rt::System::new("arena", rt::DefaultRuntime).block_on(async move {
        let own = arguments.clone();
        let server = HttpServer::new(async move || {
            // Called once by each worker, on its thread.
            // ORDERING: Relaxed: a counter that nothing else depends on.
            let index = started.fetch_add(1, Ordering::Relaxed);
            own.pin_worker(index).expect("the cores were there when the process was pinned");
            App::new().state(bodies::Limit(own.max_body)).configure(|config| routes(config, &own))
        })
        .workers(arguments.worker_count())
        .maxconn(CONNECTION_COUNT_MAX)
        .shutdown_timeout(SHUTDOWN_TIMEOUT)
        .config(configuration());
        let server = match tls {
            Some(config) => server.listen_rustls(listener, config)?,
            None => server.listen(listener)?,
        };
        arguments.announce(address);
        Ok(server.run().await?)
    })
}

fn configuration() -> SharedCfg {
    let io = IoConfig::new()
        .set_read_buf(BUFFER_LEN_MAX, BUFFER_ROOM_MIN, BUFFER_COUNT_MAX)
        .set_write_buf(BUFFER_LEN_MAX, BUFFER_ROOM_MIN, BUFFER_COUNT_MAX);
    let http =
        HttpServiceConfig::new().set_keepalive(KeepAlive::Os).set_client_timeout(HEAD_TIMEOUT);
    SharedCfg::new("arena").add(io).add(http).into()
}

fn routes(config: &mut ServiceConfig, arguments: &Arguments) {
    config
        .route("/plaintext", web::get().to(async || text(payload::PLAINTEXT)))
        .route("/json", web::get().to(async || json()))
        .route("/light", web::get().to(async || text(payload::OK)))
        .route("/mix", web::get().to(mix))
        .route("/burn", web::get().to(burn))
        .route("/burn-blocking", web::get().to(burn_blocking))
        .route("/async", web::get().to(pause))
        .route("/echo64", web::post().to(bodies::exchange::<Echo64>))
        .route("/zecho64", web::post().to(bodies::exchange::<Zecho64>))
        .route("/echo", web::to(bodies::echo))
        .route("/", web::get().to(async || text(payload::INDEX)));
    if let Some(folder) = &arguments.files {
        let name = DefaultHeaders::new().header(SERVER, "ntex");
        config.service(web::scope("/file").middleware(name).service(Files::new("/", folder)));
    }
}

/// Puts the name of the server on an answer.
fn named(mut answer: HttpResponse) -> HttpResponse {
    answer.headers_mut().insert(SERVER, HeaderValue::from_static("ntex"));
    answer
}

/// An answer with this content.
fn content(content_type: HeaderValue, body: Bytes) -> HttpResponse {
    let mut answer = named(HttpResponse::with_body(ntex::http::StatusCode::OK, body.into()));
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}

fn text(body: &'static str) -> HttpResponse {
    content(HeaderValue::from_static("text/plain"), Bytes::from_static(body.as_bytes()))
}

fn json() -> HttpResponse {
    let mut body = Buffer::take();
    payload::json_into(&mut body);
    content(HeaderValue::from_static("application/json"), Bytes::copy_from_slice(&body))
}

async fn mix() -> HttpResponse {
    payload::mix();
    text(payload::OK)
}

async fn burn() -> HttpResponse {
    payload::burn();
    text(payload::OK)
}

async fn burn_blocking() -> HttpResponse {
    let burnt = web::block(|| {
        payload::burn();
        Ok::<_, Infallible>(())
    });
    match burnt.await {
        Ok(()) => text(payload::OK),
        Err(_) => named(HttpResponse::InternalServerError().finish()),
    }
}

async fn pause() -> HttpResponse {
    sleep(Millis(1)).await;
    text(payload::OK)
}
