//! Settings of a client: what it keeps, and how long it waits.

use std::time::Duration;

/// Settings of a [`Client`](crate::Client); each core's client has its own share.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Time to look the host up, to get a connection within the limits below and to connect; 5 s.
    pub connect_timeout: Duration,
    /// Time from the end of the request to the end of the reply's head; 30 s.
    pub head_timeout: Duration,
    /// Longest silence inside a reply's content, and longest time in which a backend takes nothing
    /// of a request; 30 s.
    pub stall_timeout: Duration,
    /// How long a connection is kept for the next request; 15 s. Below what most servers keep, so
    /// that requests seldom meet a connection that is just being closed.
    pub idle_timeout: Duration,
    /// Most connections to one origin, in use or kept; 128. A request beyond waits.
    pub connections_max: usize,
    /// Most connections to one origin that are kept for the next request; 32.
    pub idle_max: usize,
    /// Longest head of a reply in bytes; 16 KiB.
    pub head_len_max: usize,
    /// Most fields of a reply; 100, and at most 128.
    pub field_count_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            head_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(15),
            connections_max: 128,
            idle_max: 32,
            head_len_max: 16 << 10,
            field_count_max: 100,
        }
    }
}
