//! The arena's entry on axum, its router served by hyper as axum's low-level examples do: that way
//! pipelined requests get their answers in one write.

mod bodies;

use std::time::Duration;

use accept::Arguments;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue, SERVER};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use clap::Parser;
use hyper_util::service::TowerToHyperService;
use payload::{Echo64, Zecho64};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let limit = arguments.entry.max_body;
    let mut router = Router::new()
        .route("/", get(|| text(payload::INDEX)))
        .route("/plaintext", get(|| text(payload::PLAINTEXT)))
        .route("/json", get(async || Json(payload::json())))
        .route("/light", get(|| text(payload::OK)))
        .route("/mix", get(mix))
        .route("/burn", get(burn))
        .route("/burn-blocking", get(burn_blocking))
        .route("/async", get(pause))
        .route("/echo64", post(move |body| bodies::exchange::<Echo64>(body, limit)))
        .route("/zecho64", post(move |body| bodies::exchange::<Zecho64>(body, limit)))
        .route("/echo", any(move |request| bodies::echo(request, limit)));
    if let Some(folder) = &arguments.entry.files {
        router = router.nest_service("/file", ServeDir::new(folder));
    }
    let name = HeaderValue::from_static("axum");
    let router = router.layer(SetResponseHeaderLayer::overriding(SERVER, name));
    accept::run(&arguments, TowerToHyperService::new(router))
}

async fn text(body: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))], body)
}

async fn mix() -> impl IntoResponse {
    payload::mix();
    text(payload::OK).await
}

async fn burn() -> impl IntoResponse {
    payload::burn();
    text(payload::OK).await
}

async fn burn_blocking() -> Result<impl IntoResponse, StatusCode> {
    let burnt = tokio::task::spawn_blocking(payload::burn).await;
    burnt.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(text(payload::OK).await)
}

async fn pause() -> impl IntoResponse {
    tokio::time::sleep(Duration::from_millis(1)).await;
    text(payload::OK).await
}
