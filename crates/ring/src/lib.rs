//! Segments for one worker, leased without copying.
//!
//! A [`Ring`] is one anonymous mapping cut into segments of equal length. [`Ring::reserve`] hands
//! out a [`Lease`]: the exclusive, owned right to a run of contiguous segments, until it is
//! dropped. It takes the lowest free run and skips what is still leased, so that a slow holder
//! never blocks the ring, and what is in flight stays together in the caches.
//!
//! ```text
//!             hand: no segment below it is free
//!              ▼
//! ┌────┬────┬────┬────┬────┬────┬────┬────┐      one lease:
//! │####│####│    │    │####│    │    │    │      ┌──────────┬─────────┬──────────┐
//! └────┴────┴────┴────┴────┴────┴────┴────┘      │ headroom │ payload │ tailroom │
//!   leased     free    leased     free           └──────────┴─────────┴──────────┘
//! ```
//!
//! - Receive into a run: [`Lease::append_with`] lends the tailroom to a system call.
//! - Put something in front: [`Lease::set_headroom`], later [`Lease::prepend`]. Nothing moves.
//! - Make a run longer in place: [`Lease::extend`], [`Lease::extend_front`]; and shorter:
//!   [`Lease::trim`], [`Lease::trim_front`].
//! - Part or join what is in it: [`Lease::split_off`], [`Lease::split_front`], [`Lease::join`].
//! - Go on where no run is long enough: [`Ring::reserve_scattered`], several leases in a [`Runs`].
//! - Fill or send several leases at once: [`Runs::append_with`] for one `readv`,
//!   [`Runs::io_slices`] for one `writev`.
//! - Let another thread work on it: [`Lease::into_remote`], [`Ring::receive`].
//! - Know when to stop reading: [`Ring::level`], against [`Config::watermarks`].
//!
//! [`Full`] is an answer, never a wait. A ring allocates when it is built and not again; the queue
//! of a [`Runs`] has memory of its own, which it keeps.
//!
//! What a lease may read is what it has written itself: bytes of an earlier lease are out of reach
//! of the safe interface, with [`Wipe::Never`] too. The one door is the spare room that
//! [`Lease::append_with`] lends to a system call. By default what was written is wiped on release.
//!
//! A lease stays on the worker's thread, which keeps reserve and release free of atomic
//! read-modify-write operations. To travel it becomes a [`RemoteLease`], and comes home by
//! [`Ring::receive`] or by being dropped. Invariants and orderings are in `docs/ring-protocol.md`.
//!
//! # Example
//!
//! ```
//! use waterwheel_ring::{Config, Ring};
//!
//! let ring = Ring::new(&Config::default())?;
//! let mut lease = ring.reserve(16)?;
//! lease.set_headroom(64);
//! lease.append(b"body")?;
//! lease.prepend(b"head ")?;
//! assert_eq!(lease.payload(), b"head body");
//!
//! let body = lease.split_off(5);
//! assert_eq!((lease.payload(), body.payload()), (&b"head "[..], &b"body"[..]));
//! drop(lease);
//! assert_eq!(ring.leased(), 16, "the segment at the split lives until both parts are gone");
//! drop(body);
//! assert_eq!(ring.leased(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(all(waterwheel_heap_segments, any(waterwheel_loom, waterwheel_poison)))]
compile_error!("runs on the heap have neither witnesses nor free bytes");

mod config;
mod error;
mod hand;
mod inbound;
#[expect(unsafe_code, reason = "turns taken segments into a run; see docs/ring-protocol.md")]
mod lease;
mod occupancy;
mod piece;
#[cfg(waterwheel_poison)]
mod poison;
mod pop;
#[expect(unsafe_code, reason = "instructions of a processor, which only give it a hint")]
mod prefetch;
mod quarantine;
#[expect(unsafe_code, reason = "owns the mapping behind a raw address; see docs/ring-protocol.md")]
#[cfg_attr(waterwheel_heap_segments, path = "region_heap.rs")]
mod region;
mod remote;
mod reshape;
mod returns;
mod ring;
#[expect(unsafe_code, reason = "turns a leased run into slices; see docs/ring-protocol.md")]
mod run;
mod runs;
mod scatter;
mod seeded;
mod spare;
#[cfg(doctest)]
mod stale_handles;
mod stats;
mod sync;
mod wipe;

pub use config::{CAPACITY_MAX, Config};
pub use error::{BuildError, Full, NoRoom};
pub use inbound::Inbound;
pub use lease::Lease;
pub use prefetch::prefetch_value;
pub use remote::RemoteLease;
pub use ring::Ring;
pub use runs::Runs;
pub use stats::Stats;
pub use wipe::Wipe;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[derive(Debug)]
pub struct Readme;
