//! One worker: a thread's driver, ring, protocol and connections, and the turn that works on them.

mod accept;
mod bench;
mod deadlines;
mod drain;
mod held;
mod introduce;
mod send;
mod turn;

pub use drain::Report;
pub use turn::{Turn, Worker};
