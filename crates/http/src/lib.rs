//! HTTP/1.1 and 1.0 for waterwheel: parsed, handled and answered where the bytes are.
//!
//! ```text
//! inbound bytes ─▶ parse ─▶ router ─▶ chain in ─▶ extract ─▶ handler
//!                                                               │
//! outbound runs ◀─ head in the headroom ◀─ chain out ◀──────── reply
//! ```
//!
//! The core does no I/O and reads no clock: a [`Connection`] takes received bytes and an instant
//! from an [`Exchange`], queues bytes to send, and says with [`Need`] what it waits for. Only the
//! implementation of the runtime's `Protocol` for [`Http`] ties it to a worker.
//!
//! Anything ambiguous about the framing of a request is refused and the connection closed
//! (RFC 9112 §6.3, §11.2). All [`Limits`] are on by default.
//!
//! # Features
//!
//! | Feature | Gives | Default |
//! | --- | --- | --- |
//! | `gzip` | the codings gzip and deflate, of routes that ask for them | yes |
//! | `zstd` | the coding zstd, of routes that ask for it; builds the C library | yes |
//!
//! # Example
//!
//! One request answered, with no server around:
//!
//! ```
//! use std::sync::Arc;
//! use std::task::Waker;
//! use std::time::SystemTime;
//!
//! use waterwheel_http::{
//!     Connection, Exchange, Http, Instant, IntoRoute, Limits, Locals, Need, PeerAddress, Pressure,
//!     Registration, Service,
//! };
//! use waterwheel_ring::{Config, Inbound, Ring, Runs};
//!
//! let route = (|| "turning\n").into_route();
//! let hello = Registration { method: Some("GET"), path: "/".to_owned(), route };
//! let ring = Ring::new(&Config::default())?;
//! let (len, count) = (ring.segment_len(), ring.segment_count());
//! let service = Service::build(vec![hello], Limits::default(), len, count);
//! let service = Arc::new(service.expect("the route is good, and a request fits the ring"));
//!
//! // What each worker has, and what each connection has.
//! let mut http = Http::new(Arc::clone(&service), Locals::default(), 0);
//! http.set_wall(SystemTime::now());
//! let peer = PeerAddress::from("192.0.2.7:4711".parse::<std::net::SocketAddr>()?);
//! let mut connection = Connection::new(peer, Instant::ZERO, service.limits());
//! let (mut inbound, mut outbound) = (Inbound::default(), Runs::new());
//!
//! let request = b"GET / HTTP/1.1\r\nHost: example\r\n\r\n";
//! let (received, _) = inbound.receive(&ring, 0, 4096, |room| {
//!     room[..request.len()].copy_from_slice(request);
//!     Ok::<usize, std::io::Error>(request.len())
//! })?;
//! assert_eq!(received?, request.len());
//!
//! let need = connection.advance(
//!     &mut http,
//!     &mut Exchange {
//!         ring: &ring,
//!         inbound: &mut inbound,
//!         outbound: &mut outbound,
//!         file: None,
//!         ended: false,
//!         closed: false,
//!         draining: false,
//!         pressure: Pressure::NONE,
//!         now: Instant::ZERO,
//!         connections: 1,
//!         layer: None,
//!         waker: &|| Waker::noop().clone(),
//!     },
//! );
//! // The reply is queued, and the next request has some time to come.
//! let reply = outbound.front().expect("the reply is queued");
//! assert!(reply.starts_with(b"HTTP/1.1 200 OK\r\n") && reply.ends_with(b"\r\n\r\nturning\n"));
//! assert!(matches!(need, Need::Bytes { room: 0, .. }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod coding;
mod connection;
mod core;
mod cost;
mod encode;
mod exchange;
mod expensive;
mod gauges;
mod handler;
mod limits;
mod overload;
mod parcel;
mod pending;
mod receiving;
mod refusal;
mod rejection;
mod request;
mod route;
mod serve;
mod service;
mod streaming;
mod tally;
mod traffic;
mod twin;
mod waiting;

pub use http::{HeaderName, HeaderValue, StatusCode, header};

pub mod body;
pub mod extract;
pub mod parse;
pub mod reply;
pub mod representation;
pub mod router;

pub use connection::Connection;
pub use core::Http;
pub use encode::DateCache;
pub use exchange::{Exchange, Instant, Lag, Need, Part, PeerAddress, Pressure};
pub use extract::{Extract, Form, InPlace, Local, Path, Peer, QUERY_PAIRS_MAX, Query};
pub use gauges::Gauges;
pub use handler::{Awaited, Borrowed, BorrowedAwaited, Extracted, Handler};
pub use limits::{Limits, LimitsError};
pub use parcel::Parcel;
pub use pending::{Answer, Pending};
pub use rejection::Rejection;
pub use reply::{IntoReply, Json, Reply};
pub use request::{Call, Locals, Request};
pub use route::{Built, Inner, IntoRoute, Route, WhenGone};
pub use service::{Registration, Service, ServiceError};
pub use streaming::{
    BodyError, BodyReader, BodyWriter, Cut, Event, EventWriter, LastEventId, WriteError,
};
pub use traffic::Traffic;
