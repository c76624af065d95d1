//! `canary`: starts the arena's server, lets visitors at it, and says what they found.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::crew::{self, Run};
use super::request::Kind;
use super::visitor::Tally;
use crate::artifacts;
use crate::bench::{Certificate, entries, proc};
use crate::server::Server;

/// How many replies to check, and with how many visitors.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Replies to check.
    #[arg(long, default_value_t = 1_000_000)]
    replies: u64,
    /// Connections of all clients together.
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// Threads that send and check.
    #[arg(long, default_value_t = 1)]
    clients: usize,
    /// Workers of the server.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// End after so long, whatever was checked by then.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    seconds: u64,
    /// What is sent, cut and hung up on follows from it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Speak TLS 1.3.
    #[arg(long = "tls")]
    is_tls: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(result) = artifacts::run_released() {
        return result;
    }
    let Options { clients, connections, .. } = *options;
    ensure!(clients > 0 && connections >= clients, "each client needs a connection");
    let mut server = start(options)?;
    let run = Run {
        address: server.address(),
        is_tls: options.is_tls,
        seed: options.seed,
        checked: AtomicU64::new(0),
        wanted: options.replies,
        is_over: AtomicBool::new(false),
    };
    let started = Instant::now();
    let tally = thread::scope(|scope| {
        let share = connections / clients;
        let crews: Vec<_> = (0..clients)
            .map(|client| {
                let run = &run;
                scope.spawn(move || crew::work(run, client * share, share))
            })
            .collect();
        watch(&run, options, started, || crews.iter().all(|crew| crew.is_finished()));
        let mut sum = Tally::default();
        for crew in crews {
            sum.add(&crew.join().expect("a crew does not panic")?);
        }
        Ok::<_, anyhow::Error>(sum)
    })
    .with_context(|| format!("seed {}: a reply is not the one that was due", options.seed))?;
    let time = started.elapsed();
    let resident = proc::resident_len(server.pid())?;
    server.terminate(PATIENCE).context("the server does not end well")?;
    print(options, &tally, time, resident);
    ensure!(tally.total() >= options.replies.min(1), "no reply was checked");
    Ok(())
}

fn start(options: &Options) -> Result<Server> {
    let mut command = Command::new(entries::build_ours()?);
    command.args(["--listen", "127.0.0.1:0", "--workers", &options.workers.to_string()]);
    if options.is_tls {
        let Certificate { chain, key } = Certificate::get()?;
        command.arg("--tls-cert").arg(chain).arg("--tls-key").arg(key);
    }
    Server::start(&mut command, PATIENCE)
}

/// Tells how far it is, and ends the run when its time is up.
fn watch(run: &Run, options: &Options, started: Instant, is_finished: impl Fn() -> bool) {
    let mut told_at = started;
    while !is_finished() {
        thread::sleep(Duration::from_millis(100));
        if started.elapsed() > Duration::from_secs(options.seconds) {
            // ORDERING: Relaxed: a crew may see it a turn later; they are joined.
            run.is_over.store(true, Ordering::Relaxed);
        }
        if told_at.elapsed() > TELL_EVERY {
            told_at = Instant::now();
            // ORDERING: Relaxed: a figure for people.
            let checked = run.checked.load(Ordering::Relaxed);
            let rate = checked as f64 / started.elapsed().as_secs_f64();
            eprintln!("{checked} of {} replies, {rate:.0} a second", options.replies);
        }
    }
}

fn print(options: &Options, tally: &Tally, time: Duration, resident: u64) {
    let seconds = time.as_secs_f64();
    println!("{:<12} {:>14}", "replies to", "all right");
    for (kind, count) in Kind::ALL.iter().zip(tally.replies) {
        println!("{:<12} {count:>14}", kind.name());
    }
    println!("{:<12} {:>14}", "together", tally.total());
    println!();
    println!("bytes of bodies compared   {}", tally.body_bytes);
    println!("foreign or wrong bytes     0");
    println!("connections hung up on     {}", tally.hung_up);
    println!("server's memory            {:.1} MiB", resident as f64 / f64::from(1 << 20));
    println!(
        "{} connections{}, {} worker(s), seed {}, {seconds:.1} s, {:.0} replies a second",
        options.connections,
        if options.is_tls { " with TLS" } else { "" },
        options.workers,
        options.seed,
        tally.total() as f64 / seconds,
    );
    if tally.total() < options.replies {
        println!("the time was up before {} replies were checked", options.replies);
    }
}

/// Ample for a server that has nothing to do.
const PATIENCE: Duration = Duration::from_secs(40);
const TELL_EVERY: Duration = Duration::from_secs(10);
