//! One seed of the simulation, from its setting to its verdict.
//!
//! ```text
//!  seed ─▶ setting ─▶ application ─▶ Lab ◀──turns── run ──▶ oracles: spin, stall, conservation
//!      └─▶ script ──▶ exchange ──▶ visitor ◀─acts──┘ └──▶ verdict: replies against the model
//!                       └─ model: what the reply must be
//! ```
//!
//! Nothing here shares code with the server beyond its public API: the model knows what HTTP and
//! the application ask for, not how the server does it.

mod application;
mod clock;
mod disk;
mod exchange;
mod line;
mod malformed;
mod model;
mod oracles;
mod replies;
mod run;
mod script;
mod secured;
mod setting;
mod story;
mod verdict;
mod visitor;
mod waiting;

pub(crate) use application::silence_planned_panics;
pub(crate) use disk::Ground;
pub(crate) use run::{Summary, run};
