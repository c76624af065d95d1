//! Files for futures: what is in memory is had at once, and nothing else keeps the worker waiting.
//!
//! A read goes straight into the run that it is given. The run belongs to the read until it
//! completes, also when its future is dropped before that.
//!
//! Everything here panics on a thread that runs no worker, but for [`Folder::open`], which waits
//! for the disk and is meant for start-up.
//!
//! ```no_run
//! use waterwheel_ring::{Lease, Ring};
//! use waterwheel_runtime::fs::{self, Access, Folder};
//!
//! /// The second half of a file, in a run of the ring.
//! async fn second_half(folder: Folder, ring: Ring) -> std::io::Result<Lease> {
//!     let file = fs::open(&folder, "numbers.bin", Access::Read).await?;
//!     let half = usize::try_from(file.metadata()?.len / 2).unwrap_or(usize::MAX).min(64 << 10);
//!     let lease = ring.reserve_bytes(half).map_err(std::io::Error::other)?;
//!     file.read_at(half as u64, half, lease).await
//! }
//! ```

#[expect(unsafe_code, reason = "promises that a run stays in place; see docs/ring-protocol.md")]
mod buffer;
mod bytes;
mod file;
mod operation;
mod part;
mod whole;

pub use waterwheel_reactor::disk::{Access, Entry, Folder, Identity, Kind, Metadata};

pub use bytes::Bytes;
pub use file::{File, open};
pub use part::Part;
pub use whole::{append, metadata, read, read_file, write};

pub(crate) use operation::Operations;
