//! What lets a worker's futures wait: wakers, timers, sources and tasks of their own, all on its
//! thread.
//!
//! A future that handles a request belongs to its connection; its waker says which connection to
//! work on again. Futures never leave their worker, so they may hold leases and per-core values.
//!
//! A future that never has to wait, because bytes are in memory or a peer is quick, is made to wait
//! for the next turn after about 100 µs' worth of work, so that a loop over files delays nobody.
//!
//! ```no_run
//! use std::time::Duration;
//! use waterwheel_runtime::task::{Elapsed, interval, sleep, spawn_local, timeout};
//!
//! async fn work() -> Result<u32, Elapsed> {
//!     // Runs beside this future, and goes on when that is done.
//!     let slow = spawn_local(async {
//!         sleep(Duration::from_millis(20)).await;
//!         7
//!     });
//!     let mut ticks = interval(Duration::from_millis(5));
//!     ticks.tick().await;
//!     timeout(Duration::from_millis(100), slow).await
//! }
//! ```

mod local;
mod offload;
mod own;
mod poll_budget;
mod source;
mod spawn;
mod time;
mod timers;
mod wakes;

pub(crate) use local::Local;
pub use local::Waking;
pub use offload::{OffloadError, offload};
pub use own::{now, ring};
pub(crate) use source::Place;
pub use source::Watched;
pub use spawn::{JoinHandle, spawn_local};
pub use time::{
    Elapsed, Interval, Sleep, Timeout, interval, sleep, sleep_until, timeout, wall_clock,
};
