//! One worker: a thread's driver, ring, protocol and connections, and the turn that works on them.

mod accept;
mod address;
mod bench;
mod deadlines;
mod drain;
mod held;
mod introduce;
mod pressure;
mod send;
mod turn;

pub use drain::Report;
pub use turn::{Turn, Worker};
