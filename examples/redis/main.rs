//! Handlers that ask Redis, all requests of a core over one pipelined connection:
//! `cargo run --release --example redis -- --redis 127.0.0.1:6379`, or the path of its socket.
//!
//! ```sh
//! curl -X PUT -d 'of water' 127.0.0.1:8080/value/wheel
//! curl 127.0.0.1:8080/value/wheel
//! curl 127.0.0.1:8080/visits
//! ```

mod app;
mod connection;
mod resp;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use waterwheel::net::Remote;

#[derive(Parser)]
struct Flags {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Address of Redis, or the path of its Unix socket.
    #[arg(long, default_value = "127.0.0.1:6379")]
    redis: String,
}

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let remote = match flags.redis.parse::<SocketAddr>() {
        Ok(address) => Remote::Tcp(address),
        Err(_) if flags.redis.contains('/') => Remote::Unix(PathBuf::from(flags.redis)),
        Err(error) => return Err(error).context("--redis is an address or a path"),
    };
    app::app(remote).listen(flags.listen).run()?;
    Ok(())
}
