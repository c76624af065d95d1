//! The arena's entry on actix-web: one single-threaded runtime per worker, and one accept thread.

mod bodies;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_files::Files;
use actix_web::http::KeepAlive;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, SERVER};
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, Error, HttpResponse, HttpServer, rt};
use clap::Parser;
use entry::Arguments;
use payload::{Buffer, Echo64, Zecho64};

/// Seconds that open connections get at the end.
const SHUTDOWN_TIMEOUT: u64 = 1;

/// As long as ours. Its own 5 s end connections that wait for thousands of others to be made.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// More than the kernel lets a process have.
const CONNECTION_COUNT_MAX: usize = 1 << 20;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    arguments.pin_process()?;
    let listener = arguments.listener()?;
    let address = listener.local_addr()?;
    let tls = arguments.tls()?;
    let started = Arc::new(AtomicUsize::new(0));
    rt::System::new().block_on(async move {
        let own = arguments.clone();
        let server = HttpServer::new(move || {
            // Called once by each worker, on its thread.
            // ORDERING: Relaxed: a counter that nothing else depends on.
            let index = started.fetch_add(1, Ordering::Relaxed);
            own.pin_worker(index).expect("the cores were there when the process was pinned");
            App::new().configure(|config| routes(config, &own))
        })
        .workers(arguments.worker_count())
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(HEAD_TIMEOUT)
        .tcp_nodelay(true)
        .max_connections(CONNECTION_COUNT_MAX)
        .shutdown_timeout(SHUTDOWN_TIMEOUT);
        let server = match tls {
            Some(config) => server.listen_rustls_0_23(listener, config)?,
            None => server.listen(listener)?,
        };
        arguments.announce(address);
        Ok(server.run().await?)
    })
}

fn routes(config: &mut ServiceConfig, arguments: &Arguments) {
    config
        .app_data(Data::new(bodies::Limit(arguments.max_body)))
        .route("/plaintext", web::get().to(|| text(payload::PLAINTEXT)))
        .route("/json", web::get().to(json))
        .route("/light", web::get().to(|| text(payload::OK)))
        .route("/mix", web::get().to(mix))
        .route("/burn", web::get().to(burn))
        .route("/burn-blocking", web::get().to(burn_blocking))
        .route("/async", web::get().to(pause))
        .route("/echo64", web::post().to(bodies::exchange::<Echo64>))
        .route("/zecho64", web::post().to(bodies::exchange::<Zecho64>))
        .route("/echo", web::route().to(bodies::echo))
        .route("/", web::get().to(|| text(payload::INDEX)))
        .default_service(web::to(async || named(HttpResponse::NotFound().finish())));
    if let Some(folder) = &arguments.files {
        let name = DefaultHeaders::new().add((SERVER, HeaderValue::from_static("actix")));
        config.service(web::scope("/file").wrap(name).service(Files::new("", folder)));
    }
}

/// Puts the name of the server on an answer.
fn named(mut answer: HttpResponse) -> HttpResponse {
    answer.headers_mut().insert(SERVER, HeaderValue::from_static("actix"));
    answer
}

async fn text(body: &'static str) -> HttpResponse {
    let content_type = HeaderValue::from_static("text/plain");
    named(HttpResponse::Ok().insert_header((CONTENT_TYPE, content_type)).body(body))
}

async fn json() -> HttpResponse {
    let mut body = Buffer::take();
    payload::json_into(&mut body);
    let content_type = HeaderValue::from_static("application/json");
    named(HttpResponse::Ok().insert_header((CONTENT_TYPE, content_type)).body(body.into_bytes()))
}

async fn mix() -> HttpResponse {
    payload::mix();
    text(payload::OK).await
}

async fn burn() -> HttpResponse {
    payload::burn();
    text(payload::OK).await
}

async fn burn_blocking() -> Result<HttpResponse, Error> {
    web::block(payload::burn).await?;
    Ok(text(payload::OK).await)
}

async fn pause() -> HttpResponse {
    rt::time::sleep(Duration::from_millis(1)).await;
    text(payload::OK).await
}
