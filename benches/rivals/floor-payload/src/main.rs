//! The floor under bodies: parses just enough to find where a body begins and ends, does the
//! payload work on it where it was read, and writes the answer, with one buffer per connection.

mod answers;
mod connection;
mod request;

use clap::Parser;
use connection::InPlace;

fn main() -> anyhow::Result<()> {
    epoll::run::<InPlace>(&entry::Arguments::parse())
}
