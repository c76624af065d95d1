//! One worker: a thread's driver, ring, protocol and connections, and the turn that works on them.
//!
//! Read `turn` first: the pass over everything that is due. What it does with one connection is in
//! `engine`, and from there in `send`, `conclude`, `behind`, `introduce` and `linger`. `accept`,
//! `deadlines`, `lag`, `pressure`, `held` and `drain` are the other parts of a turn. What takes
//! long stands apart: `schedule` runs it between two turns, `job` lends it its connection,
//! `breathe` turns in the middle of it, and `handover` gives it to other workers.

mod accept;
mod address;
mod behind;
mod breathe;
mod conclude;
mod deadlines;
mod drain;
mod engine;
mod handover;
mod held;
mod introduce;
mod job;
mod lag;
mod linger;
mod pressure;
mod schedule;
mod send;
mod turn;

pub use breathe::{Breath, Breathing, SLICE, breathe};
pub use drain::Report;
pub use schedule::Worker;
pub use turn::Turn;
