//! Pinned workers: one thread, one reactor and one ring per core.
//!
//! ```text
//!             ┌────────────── worker (one per core) ───────────────┐
//!  listener ─▶│ poll → accept → connections → deadlines → holds ↺  │
//!             │        driver      ring      protocol              │
//!             └────────────────────────────────────────────────────┘
//! ```
//!
//! A [`Worker`] takes bytes from its [`Driver`](waterwheel_reactor::Driver) into runs of its
//! [`Ring`](waterwheel_ring::Ring), lets a [`Protocol`] work on them in place, and sends what the
//! protocol queued with one vectored write. What has begun on a worker ends there; between two
//! requests a connection may go to another worker, if its protocol can [pack](Protocol::pack) it.
//! A connection on which nothing happens owns no segment.
//!
//! [`Runtime`] runs one worker per core over real sockets. Tests run a single worker over
//! [`waterwheel_reactor::sim`]; it is the same code.
//!
//! # Features
//! - `tls`: `Secured`, any protocol over TLS.
//!
//! # Example
//! An echo server, stopped before it begins:
//!
//! ```
//! use std::time::Duration;
//! use waterwheel_runtime::{Config, Endpoint, Instant, Io, Next, PeerAddress, Protocol, Runtime};
//!
//! struct Echo;
//!
//! impl Protocol for Echo {
//!     type Connection = ();
//!     type Parcel = ();
//!
//!     fn open(&mut self, _: usize, _: PeerAddress, _: Instant) {}
//!
//!     fn advance(&mut self, _: &mut (), io: &mut Io<'_>) -> Next {
//!         if io.draining || io.ended {
//!             return Next::Finish;
//!         }
//!         if !io.inbound.is_empty()
//!             && let Ok(run) = io.inbound.claim(io.ring, 0)
//!         {
//!             io.outbound.push(run);
//!         }
//!         Next::Read { room: 0, deadline: io.now + Duration::from_secs(60) }
//!     }
//!
//!     fn unpack(&mut self, _: ()) {}
//!
//!     fn timed_out(&mut self, _: &mut (), _: &mut Io<'_>) -> Next {
//!         Next::Finish
//!     }
//! }
//!
//! let runtime = Runtime::bind(Config::default(), &[Endpoint::Tcp("127.0.0.1:0".parse()?)])?;
//! runtime.control().drain();
//! let report = runtime.run(|_worker| Echo)?;
//! assert_eq!(report.cut, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(unsafe_code)]

mod address_cap;
mod budget;
mod config;
mod connection;
mod control;
mod endpoint;
mod error;
pub mod fs;
mod handover;
mod lifecycle;
mod listeners;
mod metrics;
pub mod net;
mod network;
mod notify;
#[expect(unsafe_code, reason = "gives a thread files of its own; see `Config::unshare_fds`")]
mod own_files;
mod passing;
mod placement;
mod pressure;
mod protocol;
mod proxy_header;
mod restart;
mod runtime;
#[cfg(feature = "tls")]
mod secured;
mod start;
pub mod task;
mod watchdog;
mod worker;

pub use address_cap::AddressCap;
pub use budget::{Budget, BudgetError};
pub use config::{Config, Pinning, SPARE_FILES, WorkerConfig};
pub use control::Control;
pub use endpoint::Endpoint;
pub use error::RunError;
pub use handover::Handover;
pub use metrics::{Meter, Metric, MetricKind, Metrics};
pub use network::{Network, NetworkError};
pub use pressure::{Lag, Pressure};
pub use protocol::{Io, Next, Protocol};
pub use runtime::Runtime;
#[cfg(feature = "tls")]
pub use secured::{Secured, SecuredConfig, SecuredConnection, SecuredParcel};
pub use task::Waking;
pub use watchdog::{SlowCall, Watchdog};
pub use waterwheel_reactor::{Instant, PeerAddress};
pub use worker::{Breath, Breathing, Report, SLICE, Turn, Worker, breathe};
