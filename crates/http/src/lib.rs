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
mod pending;
mod receiving;
mod refusal;
mod rejection;
mod request;
mod serve;
mod service;
mod streaming;
mod twin;
mod waiting;

pub use http::{HeaderName, HeaderValue, StatusCode, header};

pub mod body;
pub mod extract;
mod overload;
mod parcel;
pub mod parse;
pub mod reply;
pub mod representation;
pub mod router;

pub use connection::Connection;
pub use core::Http;
pub use encode::DateCache;
pub use exchange::{Exchange, Instant, Lag, Need, Part, PeerAddress, Pressure};
pub use extract::{Extract, InPlace, Local, Path, Peer, QUERY_PAIRS_MAX, Query};
pub use gauges::Gauges;
pub use handler::{
    Awaited, Borrowed, BorrowedAwaited, Built, Extracted, Handler, IntoRoute, Route, WhenGone,
};
pub use limits::{Limits, LimitsError};
pub use parcel::Parcel;
pub use pending::{Answer, Pending};
pub use rejection::Rejection;
pub use reply::{IntoReply, Json, Reply};
pub use request::{Call, Locals, Request};
pub use service::{Registration, Service, ServiceError};
pub use streaming::{
    BodyError, BodyReader, BodyWriter, Cut, Event, EventWriter, LastEventId, WriteError,
};
