//! The workspace's commands, run as `cargo xtask <command>`. This file holds the flags; each
//! command has a file of its own. Nothing here is part of the server.

#![forbid(unsafe_code)]

mod artifacts;
mod asan;
mod bench;
mod canary;
mod check;
mod cluster;
mod deploy;
mod doc;
mod explain;
mod fuzz;
mod hostile;
mod instructions;
mod lint;
mod load;
mod loom;
mod many;
mod metadata;
mod miri;
mod new_stage;
mod nightly;
mod poison;
mod process;
mod reply;
mod seeded_bugs;
mod server;
mod sim;
mod soak;
mod test;
mod tidy;
mod tls_peers;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

/// Commands of the waterwheel workspace.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    after_help = "Before a pull request: check. What a request costs: instructions, bench.
What each of the others proves, and what to do when it fails, is told in docs/testing.md."
)]
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
    Loom {
        /// Afterwards take each ordering away in turn and expect a model to fail.
        #[arg(long)]
        weaken: bool,
    },
    /// The ring's tests under Miri, on the nightly toolchain.
    Miri,
    /// The ring's tests under AddressSanitizer, on the nightly toolchain.
    Asan,
    /// The tests of the ring and all above it, with a pattern in every free byte.
    Poison,
    /// Bugs put into the ring on purpose: each must be noticed by at least two tests.
    SeededBugs,
    /// The whole server in a simulated world, one run per seed.
    Sim(SimFlags),
    /// The arena over TLS against curl, openssl, Python, Node, Chromium and hostile clients.
    TlsPeers,
    /// The files of docs/deploy by HAProxy, systemd and the schemas of Kubernetes.
    Deploy,
    /// The plan of a route: segments, headroom, tailroom, stages, copies expected.
    Explain {
        /// The route, as it was registered; every route without it.
        route: Option<String>,
    },
    /// A crate with a stage that builds, serves and passes the conformance kit at once.
    NewStage {
        /// Lower-case letters, digits and dashes: `lz4`, `run-length`.
        name: String,
        /// The folder to make, outside the workspace; `crates/stage-NAME` without it.
        #[arg(long, value_name = "DIR")]
        path: Option<PathBuf>,
    },
    /// One fuzz target, on the nightly compiler; needs cargo-fuzz.
    Fuzz(FuzzFlags),
    /// The criterion benchmarks, then the arena: ours and the rivals under the same load.
    Bench(BenchFlags),
    /// Our own load tool: closed loop, constant rate, idle connections. Prints JSON.
    #[command(subcommand)]
    Load(load::Flags),
    /// Replies over real sockets, each byte held against the one that is due.
    Canary(canary::Options),
    /// Mixed load for half an hour: memory stays, and every counter comes back.
    Soak(soak::Options),
    /// Servers behind HAProxy that are killed, drained and started again under load.
    Cluster(cluster::Options),
    /// More connections than one process may open files, each asking now and then.
    Many(many::Options),
    /// Attackers, overload and too few files, ours beside rivals.
    Hostile(hostile::Options),
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
    /// Build the dev profile: slower than the release profile, with debug assertions.
    #[arg(long)]
    dev: bool,
}

#[derive(Debug, Args)]
struct FuzzFlags {
    /// The target, as its file in fuzz/fuzz_targets is called.
    target: String,
    /// How long to run.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Replace the corpus by the fewest inputs that reach as much as it and what was found.
    #[arg(long)]
    keep: bool,
}

#[derive(Debug, Args)]
struct BenchFlags {
    /// Criterion benchmarks, by the names of their files; naming one leaves the arena out.
    names: Vec<String>,
    /// About two minutes: fewer rivals, shorter rounds, rougher figures.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// More and longer rounds, for figures that are kept.
    #[arg(long)]
    full: bool,
    /// Rows and curves of the arena, or `parts`; naming one leaves the others and criterion out.
    #[arg(long, value_name = "ROW", value_delimiter = ',')]
    only: Vec<String>,
    /// Rivals by name, or `all` or `none`; all is the default, but for --quick.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    rivals: Option<Vec<String>>,
    /// Rounds of the arena.
    #[arg(long)]
    rounds: Option<u32>,
    /// Keep the arena's results in docs/benchmarks under this name.
    #[arg(long, value_name = "ID")]
    save: Option<String>,
    /// Add the rounds to those kept under that name, measured on the same machine and commit.
    #[arg(long, requires = "save")]
    add: bool,
    /// Cost over connections, body length and workers, latency over load, and the cost of our own
    /// parts, instead of the rows; --full has both.
    #[arg(long)]
    scaling: bool,
    /// Compare the arena's results with those kept under this name.
    #[arg(long, value_name = "ID")]
    compare: Option<String>,
    /// Compare instructions per request of ten cases with the counts that the repository keeps,
    /// and do nothing else; --rounds counts several times.
    #[arg(long)]
    guard: bool,
    /// Keep the counts instead of comparing them.
    #[arg(long, requires = "guard")]
    accept: bool,
    /// Leave the criterion benchmarks out.
    #[arg(long)]
    no_criterion: bool,
    /// Leave the arena out.
    #[arg(long)]
    no_arena: bool,
    /// The load tool of the closed loop; without it the first one that is installed.
    #[arg(long, value_enum, value_name = "TOOL")]
    load: Option<bench::ToolName>,
    /// First install what is missing: load tools, nginx, h2o (Debian, as root or by sudo).
    #[arg(long)]
    install: bool,
    /// Where cargo builds the rivals, when not in its usual folder.
    #[arg(long, value_name = "DIR")]
    rivals_target_dir: Option<PathBuf>,
}

impl BenchFlags {
    fn into_options(self) -> bench::Options {
        let depth = match (self.quick, self.full) {
            (true, _) => bench::Depth::Quick,
            (_, true) => bench::Depth::Full,
            _ => bench::Depth::Usual,
        };
        bench::Options {
            criterion: !self.no_criterion && self.only.is_empty() && !self.scaling,
            arena: !self.no_arena && self.names.is_empty(),
            names: self.names,
            depth,
            only: self.only,
            rivals: self.rivals,
            rounds: self.rounds,
            save: self.save,
            add: self.add,
            scaling: self.scaling,
            compare: self.compare,
            load: self.load,
            install: self.install,
            rivals_target_dir: self.rivals_target_dir,
        }
    }
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
        Command::Loom { weaken } => loom::run(weaken),
        Command::Miri => miri::run(),
        Command::Asan => asan::run(),
        Command::Poison => poison::run(),
        Command::SeededBugs => seeded_bugs::run(),
        Command::Sim(flags) => sim::run(flags.first, flags.seeds, flags.dev),
        Command::TlsPeers => tls_peers::run(),
        Command::Deploy => deploy::run_all(),
        Command::Explain { route } => explain::run(route.as_deref()),
        Command::NewStage { name, path } => new_stage::run(&name, path.as_deref()),
        Command::Fuzz(flags) => fuzz::run(&flags.target, flags.seconds, flags.keep),
        Command::Bench(flags) if flags.guard => {
            bench::guard::run(flags.rounds.unwrap_or(1), flags.accept)
        }
        Command::Bench(flags) => bench::run(&flags.into_options()),
        Command::Load(flags) => match artifacts::run_released() {
            Some(outcome) => outcome,
            None => load::run(&flags.into_options()?),
        },
        Command::Canary(flags) => canary::run(&flags),
        Command::Soak(flags) => soak::run(&flags),
        Command::Cluster(flags) => cluster::run(&flags),
        Command::Many(flags) => many::run(&flags),
        Command::Hostile(flags) => hostile::run(&flags),
        Command::Instructions(flags) => instructions::run(
            &flags.path,
            &instructions::Load {
                connections: flags.connections.into(),
                depth: if flags.pipelined { 16 } else { 1 },
                ..instructions::Load::get(&flags.path)
            },
        ),
    }
}
