//! Sends every request of the arena to a server and verifies the answers, so that what is measured
//! afterwards is known to be the same work.

mod cases;
mod connection;
mod frames;
mod server;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use cases::Scope;
use clap::Parser;
use server::Server;

/// Verifies servers of the arena and prints a table.
#[derive(Debug, Parser)]
struct Arguments {
    /// Start this server on a port of the kernel's choice, check it, and end it. It may be
    /// followed by arguments: --spawn "target/release/hyper --current-thread".
    #[arg(long, value_name = "COMMAND")]
    spawn: Vec<String>,
    /// As --spawn, for a server that answers everything alike: only /plaintext has to be right.
    #[arg(long, value_name = "COMMAND")]
    floor: Vec<String>,
    /// Check a server that is already there.
    #[arg(long, value_name = "NAME=ADDRESS")]
    connect: Vec<String>,
    /// Speak TLS; also passed on to servers that are started.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate, passed on to servers that are started.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A folder whose files the servers serve under /file/; passed on to servers that are started.
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let certificate = arguments.tls_cert.as_deref().zip(arguments.tls_key.as_deref());
    let folder = arguments.files.as_deref();
    let mut columns = Vec::new();
    let commands = arguments.floor.iter().map(|command| (command, Scope::Plaintext));
    let commands = commands.chain(arguments.spawn.iter().map(|command| (command, Scope::All)));
    for (command, scope) in commands {
        let server = Server::spawn(command, certificate, folder)?;
        let mut column = cases::run(&server, scope, folder);
        column.outcomes.push(server.end());
        columns.push(column);
    }
    for target in &arguments.connect {
        let server = Server::connect(target, certificate.map(|(chain, _)| chain))?;
        columns.push(cases::run(&server, Scope::All, folder));
    }
    table::print(&columns);
    let has_failed = columns.iter().any(cases::Column::has_failed);
    Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
