//! A reverse proxy: `cargo run --release --example proxy -- --to http://127.0.0.1:9000`.
//!
//! Everything is passed on to the backend but `/own`, which this server answers itself. Bodies go
//! through in both directions while they come, however long they are.

use std::net::SocketAddr;
use std::num::NonZeroUsize;

use clap::Parser;
use waterwheel::client::{Client, Proxy};
use waterwheel::{App, Server};

#[derive(Parser)]
struct Flags {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The backend, as `http://host:port`.
    #[arg(long, default_value = "http://127.0.0.1:9000")]
    to: String,
    /// How many workers; one per core without it.
    #[arg(long)]
    workers: Option<NonZeroUsize>,
}

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let backend = Proxy::to(&flags.to)?;
    let app = App::new()
        .per_core(|_| Client::default())
        .get("/own", || "not passed on\n")
        .any("/", backend.clone())
        .any("/{*rest}", backend);
    let mut server = Server::new(app).listen(flags.listen);
    if let Some(workers) = flags.workers {
        server = server.workers(workers);
    }
    server.run()?;
    Ok(())
}
