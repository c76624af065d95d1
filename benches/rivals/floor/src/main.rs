//! The arena's floor: what the kernel alone costs. Reads, counts how many requests end in what it
//! read, and writes a constant answer for each.

mod connection;

use clap::Parser;
use connection::Constant;

fn main() -> anyhow::Result<()> {
    epoll::run::<Constant>(&entry::Arguments::parse())
}
