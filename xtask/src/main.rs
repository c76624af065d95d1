//! The workspace's commands, run as `cargo xtask <command>`. This file holds the flags; each
//! command has a file of its own. Nothing here is part of the server.

#![forbid(unsafe_code)]

mod bench;
mod check;
mod doc;
mod explain;
mod instructions;
mod lint;
mod loom;
mod metadata;
mod process;
mod sim;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

/// Commands of the waterwheel workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What a pull request must pass: formatting, lint, tidy, test, doc.
    Check,
    /// Clippy over every target and feature; a warning is an error.
    Lint,
    /// The project's own rules: layering, file length, unsafe list, orderings, names, docs.
    Tidy,
    /// Unit, integration and documentation tests with every feature on.
    Test,
    /// The documentation of every crate; a warning is an error.
    Doc,
    /// The ring's concurrency models.
    Loom,
    /// The whole server in a simulated world, one run per seed.
    Sim(SimFlags),
    /// The plan of a route: segments, headroom, tailroom, stages, copies expected.
    Explain {
        /// The route, as it was registered; every route without it.
        route: Option<String>,
    },
    /// The criterion benchmarks.
    Bench {
        /// One benchmark, by the name of its file; every benchmark without it.
        name: Option<String>,
        /// Fewer samples: minutes become seconds, and the figures rougher.
        #[arg(long)]
        quick: bool,
    },
    /// User-space instructions that the arena server spends per request, counted by callgrind.
    Instructions(InstructionsFlags),
}

#[derive(Debug, Args)]
struct SimFlags {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Build with optimisation; this is the default.
    #[arg(long, conflicts_with = "dev")]
    release: bool,
    /// Build the dev profile instead: slower, with debug assertions.
    #[arg(long)]
    dev: bool,
}

#[derive(Debug, Args)]
struct InstructionsFlags {
    /// The path to request.
    #[arg(long, default_value = "/plaintext")]
    path: String,
    /// How many keep-alive connections take turns.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    connections: u16,
    /// Send requests 16 at a time.
    #[arg(long)]
    pipelined: bool,
    /// Fail when a request costs more instructions than this.
    #[arg(long)]
    max: Option<u64>,
}

fn main() -> ExitCode {
    match run(Flags::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Check => check::run(),
        Command::Lint => lint::run(),
        Command::Tidy => tidy::run(),
        Command::Test => test::run(),
        Command::Doc => doc::run(),
        Command::Loom => loom::run(),
        Command::Sim(flags) => sim::run(flags.first, flags.seeds, flags.dev),
        Command::Explain { route } => explain::run(route.as_deref()),
        Command::Bench { name, quick } => bench::run(name.as_deref(), quick),
        Command::Instructions(flags) => instructions::run(&instructions::Load {
            path: flags.path,
            connections: flags.connections.into(),
            depth: if flags.pipelined { 16 } else { 1 },
            instructions_max: flags.max,
        }),
    }
}
