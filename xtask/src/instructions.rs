//! `instructions`: user-space instructions per request of the arena server, counted by callgrind.
//!
//! The server runs twice under the same load but for its length. Start-up, warm-up and shutdown
//! cost the same both times, so the difference of the two totals is the requests' alone. Unlike
//! times, these counts repeat on a busy machine.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::bench::entries;
use crate::process::target_dir;
use crate::reply::exchange;
use crate::server::Server;

/// The difference must be long enough to drown the clock's ticks.
const REQUEST_COUNT_SHORT: u64 = 4_096;
const REQUEST_COUNT_LONG: u64 = 20_480;
/// Callgrind makes a program about fifty times slower; a minute is ample for start and for stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to ask the server for, and how.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) path: String,
    pub(crate) connections: usize,
    /// How many requests each connection sends before it reads their replies.
    pub(crate) depth: usize,
    pub(crate) instructions_max: Option<u64>,
}

/// What the requests of one server cost.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) per_request: u64,
    short: Measured,
    long: Measured,
}

pub(crate) fn run(load: &Load) -> Result<()> {
    ensure!(is_available(), "valgrind is missing; install it (Debian: apt-get install valgrind)");
    let Counted { per_request, short, long } = count(&entries::build_ours()?, load)?;

    println!("{}: {per_request} user-space instructions per request", load.path);
    println!(
        "  connections {}, requests at a time {}: {} instructions for {} requests, {} for {}",
        load.connections,
        load.depth,
        long.instructions,
        long.requests,
        short.instructions,
        short.requests,
    );
    match load.instructions_max {
        Some(max) if per_request > max => bail!("{per_request} instructions are more than {max}"),
        _ => Ok(()),
    }
}

/// Whether callgrind can be run here.
pub(crate) fn is_available() -> bool {
    let found = Command::new("valgrind").arg("--version").output();
    found.is_ok_and(|version| version.status.success())
}

/// Counts for a server with the arena's command line.
pub(crate) fn count(server: &Path, load: &Load) -> Result<Counted> {
    let short = measure(server, load, REQUEST_COUNT_SHORT)?;
    let long = measure(server, load, REQUEST_COUNT_LONG)?;
    let requests = long.requests - short.requests;
    ensure!(long.instructions > short.instructions, "the long run cost less than the short one");
    let per_request = (long.instructions - short.instructions).div_ceil(requests);
    Ok(Counted { per_request, short, long })
}

/// One finished run.
#[derive(Debug)]
struct Measured {
    requests: u64,
    instructions: u64,
}

fn measure(program: &Path, load: &Load, request_count: u64) -> Result<Measured> {
    let profile = target_dir().join(format!("callgrind.out.{}", std::process::id()));
    let server = Server::start(
        Command::new("valgrind")
            .args(["--tool=callgrind", "--quiet"])
            .arg(format!("--callgrind-out-file={}", profile.display()))
            .arg(program)
            .args(["--listen", "127.0.0.1:0", "--workers", "1"]),
        PATIENCE,
    )?;

    let requests = drive(server.address(), load, request_count)?;
    server.terminate(PATIENCE)?;

    let counted = fs::read_to_string(&profile).context("callgrind left no profile")?;
    fs::remove_file(&profile).context("cannot remove the profile")?;
    let instructions = total(&counted).context("the profile has no total")?;
    Ok(Measured { requests, instructions })
}

/// Sends at least `request_count` requests in rounds: every connection sends its requests, then
/// every connection reads its replies. Returns how many were sent.
fn drive(address: SocketAddr, load: &Load, request_count: u64) -> Result<u64> {
    // Not the address in use: a count should not depend on the digits of a port.
    let request = format!("GET {} HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n\r\n", load.path);
    let requests = request.repeat(load.depth);
    let mut connections = Vec::new();
    for _ in 0..load.connections {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let first = exchange(&mut stream, request.as_bytes())?.head;
        ensure!(first.status == 200, "the first reply is not 200 but {}", first.status);
        let reply_len = first.head_len + first.body_len;
        connections.push((stream, vec![0; reply_len * load.depth], reply_len));
    }

    let per_round = (load.connections * load.depth) as u64;
    let round_count = request_count.div_ceil(per_round);
    for _ in 0..round_count {
        for (stream, ..) in &mut connections {
            stream.write_all(requests.as_bytes())?;
        }
        for (stream, replies, reply_len) in &mut connections {
            stream.read_exact(replies).context("the server stopped replying")?;
            let all_fine = replies.chunks(*reply_len).all(|reply| reply.starts_with(OK));
            ensure!(all_fine, "a reply is not 200, or not as long as the first one");
        }
    }
    Ok(round_count * per_round)
}

const OK: &[u8] = b"HTTP/1.1 200 ";

/// The instruction count in a callgrind profile.
fn total(profile: &str) -> Option<u64> {
    let line = profile.lines().rev().find_map(|line| line.strip_prefix("totals: "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_is_the_last_one_of_the_profile() {
        assert_eq!(total("summary: 5\nfn=(1)\n1 5\ntotals: 123456\n"), Some(123_456));
        assert_eq!(total("summary: 5\n"), None);
    }
}
