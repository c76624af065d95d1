//! One worker: a thread's driver, ring, protocol and connections, and the turn that works on them.

mod accept;
mod address;
mod behind;
mod bench;
mod breathe;
mod conclude;
mod deadlines;
mod drain;
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
