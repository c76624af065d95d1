//! The floor under bodies: parses just enough to find where a body begins and ends, does the
//! payload work on it where it was read, in the connection's buffer, and writes the answer from a
//! buffer of the worker. That buffer stays in the cache from one request to the next, which makes it
//! faster than a second one per connection: a floor should be hard to beat.

mod answers;
mod connection;
mod request;

use clap::Parser;
use connection::InPlace;

fn main() -> anyhow::Result<()> {
    epoll::run::<InPlace>(&entry::Arguments::parse())
}
