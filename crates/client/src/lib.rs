//! HTTP/1.1 to other servers, on the loop of the worker that asks.
//!
//! ```text
//!  handler ─▶ Client::send ─▶ pool of this core ─▶ head and content ─▶ backend
//!          ◀─ Response ◀───── content, piece by piece, in segments ◀──┘
//! ```
//!
//! A [`Client`] belongs to one core: each has its own connections and shares nothing. Replies are
//! received into segments of the worker's ring, and content is passed on from there. A [`Proxy`]
//! puts a backend behind a route.
//!
//! ```no_run
//! use waterwheel_client::{Client, ClientError, Request};
//! use waterwheel_http::Local;
//!
//! async fn weather(client: Local<Client>) -> Result<Vec<u8>, ClientError> {
//!     let request = Request::get("http://127.0.0.1:9000/today")?;
//!     client.send(request).await?.into_bytes(64 << 10).await
//! }
//! ```
//!
//! # What it does not do
//! TLS, HTTP/2, redirects, cookies, codings of content, trailers, upgrades.
#![forbid(unsafe_code)]

mod body;
mod client;
mod config;
mod content;
mod error;
mod exchange;
mod hop;
mod origin;
mod pool;
mod proxy;
mod request;
mod response;

pub use body::Body;
pub use client::Client;
pub use config::Config;
pub use content::Upload;
pub use error::{ClientError, RequestError};
pub use origin::Origin;
pub use proxy::{PassedOn, Proxy};
pub use request::Request;
pub use response::Response;
