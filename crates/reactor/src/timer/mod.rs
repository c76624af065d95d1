//! Timers for very many connections, most of which never expire.

mod wheel;

pub use wheel::Wheel;
