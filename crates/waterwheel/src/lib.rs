//! A web server that handles requests in place, in one ring buffer per core.
//!
//! One worker per core, pinned; what has begun on a core ends there. A request is received into
//! page-size segments of its worker's ring, decoded, viewed as Rust types, handled, encoded and
//! sent from those same bytes.
//!
//! ```no_run
//! use waterwheel::stages::base64::Base64;
//! use waterwheel::zerocopy::little_endian::{U32, U64};
//! use waterwheel::zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};
//! use waterwheel::{App, Handler, InPlace};
//!
//! #[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
//! #[zerocopy(crate = "waterwheel::zerocopy")]
//! #[repr(C)]
//! struct Order {
//!     id: U64,
//!     quantity: U32,
//!     price: U32,
//! }
//!
//! fn clamp(mut orders: InPlace<[Order]>) -> InPlace<[Order]> {
//!     for order in orders.iter_mut() {
//!         order.quantity.set(order.quantity.get().min(100));
//!     }
//!     orders
//! }
//!
//! fn main() -> Result<(), waterwheel::StartError> {
//!     App::new()
//!         .get("/", || "turning\n")
//!         .post("/orders", clamp.through(Base64::STANDARD))
//!         .listen("127.0.0.1:8080")
//!         .run()?;
//!     Ok(())
//! }
//! ```
//!
//! # Where things are
//!
//! | To … | see |
//! | --- | --- |
//! | route requests to functions | [`App`], [`Handler`] |
//! | take what a request brings | [`Extract`]; [`InPlace`], [`Json`], [`Form`], [`BodyReader`] |
//! | keep state, one for each core | [`App::per_core`], [`Local`] |
//! | reply | [`IntoReply`], [`Reply`], [`Rejection`]; [`Reply::stream`], [`Reply::events`] |
//! | code and decode bodies | [`Handler::through`], [`stages`]; [`Handler::decoded`] |
//! | wait in a handler, and ask others | [`task`], [`net`], [`fs`], [`client`] |
//! | compute for long in one | [`breathe`], [`task::offload`] |
//! | serve a folder | [`Files`] |
//! | listen, limit, restart, drain | [`Server`], [`Limits`], [`Tls`] |
//! | test without sockets | [`lab`] |
//!
//! # Features
//!
//! | Feature | Gives | Default |
//! | --- | --- | --- |
//! | `cli` | the binary `waterwheel` | yes |
//! | `gzip` | [`stages::gzip`], and the codings gzip and deflate by header | yes |
//! | `lab` | [`lab`]: the whole server over a simulated world, for tests | yes |
//! | `self-signed` | `Tls::self_signed`: a certificate for a first try | yes |
//! | `tls` | [`Tls`], [`Server::listen_tls`], [`tls`]: HTTPS | yes |
//! | `zstd` | [`stages::zstd`], and the coding zstd by header | yes |
#![deny(unsafe_code)]

mod app;
mod bound;
mod error;
mod exposition;
mod files;
mod health;
#[cfg(feature = "lab")]
pub mod lab;
mod listen;
#[cfg(feature = "tls")]
mod secure;
mod server;

pub use waterwheel_client as client;
pub use waterwheel_http as http;
pub use waterwheel_reactor as reactor;
pub use waterwheel_ring as ring;
pub use waterwheel_runtime as runtime;
pub use waterwheel_runtime::fs;
pub use waterwheel_runtime::{SlowCall, Watchdog, breathe, net, task};
pub use waterwheel_stages as stages;
#[cfg(feature = "tls")]
pub use waterwheel_tls as tls;
pub use zerocopy;

pub use app::App;
pub use bound::Bound;
pub use error::StartError;
pub use files::Files;
pub use listen::ToEndpoints;
#[cfg(feature = "tls")]
pub use secure::{ClientIdentity, Tls, TlsInfo};
pub use server::Server;
pub use waterwheel_http::{
    Answer, BodyError, BodyReader, BodyWriter, Call, Cut, Event, EventWriter, Extract, Form,
    Gauges, Handler, InPlace, Inner, IntoReply, IntoRoute, Json, LastEventId, Limits, Local, Path,
    Peer, Query, Rejection, Reply, Request, Route, Traffic, WhenGone, WriteError,
};

/// The code in the project's README, in this crate's and in the client's, which needs it.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../../client/README.md")]
#[derive(Debug)]
pub struct ReadmeDoctests;
