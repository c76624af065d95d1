//! In-place transforms of the bytes of a request and its reply, and the plan that makes room for
//! them.
//!
//! A [`Stage`] changes the payload of a [`Window`] without moving it elsewhere. A [`Chain`] is an
//! ordered list of stages: inbound the first runs first, outbound the last runs first, so that a
//! reply leaves in the form in which its request came. Each stage says beforehand how much the
//! payload can grow ([`Growth`]); a [`Plan`] adds that up once, at start-up, and tells how long the
//! run of segments must be.
//!
//! ```text
//!  inbound   headroom | request head | body as received            | tailroom
//!                                      └ stage 1, stage 2 … shrink and change it here
//!  handler                             └ reads and changes it here
//!  outbound  headroom | reply head   | … stage 2, stage 1 change and grow it here
//! ```
//!
//! Some transforms cannot work where the bytes lie, compression above all. Such a stage is a
//! [`Flow`] from one run into another, which the chain reserves with the room that the next stages
//! need. The same flow takes a body piece by piece when it is longer than a run should be
//! ([`Chain::stream`]).
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "base64")] {
//! use waterwheel_ring::{Config, Ring};
//! use waterwheel_stages::{Chain, base64::Base64};
//!
//! let ring = Ring::new(&Config::default())?;
//! let mut lease = ring.reserve(1)?;
//! lease.append(b"d2F0ZXI=")?;
//!
//! let chain = Chain::new().then(Base64::STANDARD);
//! chain.inbound(&mut lease)?;
//! assert_eq!(lease.payload(), b"water");
//!
//! lease.payload_mut()[0] = b'W';
//! chain.outbound(&mut lease)?;
//! assert_eq!(lease.payload(), b"V2F0ZXI=");
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | Feature | Gives | Default |
//! | --- | --- | --- |
//! | `base64` | [`base64`]: strict Base64, decoded and encoded in place | yes |
//! | `gzip` | [`gzip`]: gzip and deflate, streamed or from run to run, limited | no |
//! | `hex` | [`hex`]: hexadecimal digits, decoded and encoded in place | no |
//! | `json` | [`json`]: values read from a payload and written into a lease | no |
//! | `percent` | [`percent`]: percent-encoding, decoded and encoded in place | no |
//! | `typed` | [`typed`]: a payload seen as Rust values, without copying | yes |
//! | `testing` | [`testing`]: the conformance kit that every stage passes | no |
//! | `utf8` | [`utf8`]: bodies that are text, or are refused | no |
//! | `zstd` | [`zstd`]: Zstandard from run to run, or over itself, limited | no |

mod breath;
mod carry;
mod chain;
mod contexts;
mod error;
mod flow;
#[cfg(any(feature = "base64", feature = "hex"))]
mod grouped;
mod growth;
mod identity;
mod lengthen;
mod plan;
mod progress;
mod reach;
mod stage;
mod stream;
mod window;

#[cfg(feature = "base64")]
pub mod base64;
#[cfg(feature = "gzip")]
pub mod gzip;
#[cfg(feature = "hex")]
pub mod hex;
#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "percent")]
pub mod percent;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "typed")]
pub mod typed;
#[cfg(feature = "utf8")]
pub mod utf8;
#[cfg(feature = "zstd")]
pub mod zstd;

pub use waterwheel_ring::NoRoom;

pub use crate::{
    breath::breathing_by,
    chain::Chain,
    contexts::Contexts,
    error::StageError,
    flow::{Flow, Transform},
    growth::{Bound, Growth, Measure},
    identity::Identity,
    plan::{Plan, PlanError, PlanLimits, Room},
    progress::{Next, Progress},
    stage::{Direction, Placement, Stage},
    stream::Stream,
    window::Window,
};

/// Compiles and runs the examples of the README.
#[cfg(all(doctest, feature = "base64", feature = "testing"))]
#[doc = include_str!("../README.md")]
#[derive(Debug)]
pub struct Readme;
