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

use anyhow::{Context, Result, ensure};

use crate::bench::entries;
use crate::process::{output, target_dir};
use crate::reply::exchange;
use crate::server::Server;

/// What to ask the server for, and how.
#[derive(Debug)]
pub(crate) struct Load {
    /// One request as it goes over the wire.
    pub(crate) request: Vec<u8>,
    /// The status that is right.
    pub(crate) status: u16,
    pub(crate) connections: usize,
    /// How many requests each connection sends before it reads their replies.
    pub(crate) depth: usize,
    /// Requests of the short run.
    pub(crate) warm_up_count: u64,
    /// Requests that the long run has more: enough to drown the clock's ticks.
    pub(crate) counted: u64,
}

impl Load {
    /// One connection that asks for a path, one request at a time.
    pub(crate) fn get(path: &str) -> Self {
        Self {
            // Not the address in use: a count should not depend on the digits of a port.
            request: format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n\r\n").into_bytes(),
            status: 200,
            connections: 1,
            depth: 1,
            warm_up_count: 4_096,
            counted: 16_384,
        }
    }
}

/// What the requests of one server cost.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) per_request: u64,
    short: Measured,
    long: Measured,
}

pub(crate) fn run(path: &str, load: &Load) -> Result<()> {
    let version = valgrind_version()?;
    let Counted { per_request, short, long } = count(&entries::build_ours()?, load)?;

    println!("{path}: {per_request} user-space instructions per request ({version})");
    println!(
        "  connections {}, requests at a time {}: {} instructions for {} requests, {} for {}",
        load.connections,
        load.depth,
        long.instructions,
        long.requests,
        short.instructions,
        short.requests,
    );
    Ok(())
}

/// Which valgrind counts here.
///
/// # Errors
/// When there is none.
pub(crate) fn valgrind_version() -> Result<String> {
    let printed = output(Command::new("valgrind").arg("--version"))
        .context("valgrind is missing; install it (Debian: apt-get install valgrind)")?;
    Ok(printed.trim().to_owned())
}

/// Counts for a server with the arena's command line.
pub(crate) fn count(server: &Path, load: &Load) -> Result<Counted> {
    let short = measure(server, load, load.warm_up_count)?;
    let long = measure(server, load, load.warm_up_count + load.counted)?;
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
    let Profile { requests, text } = profile(program, load, request_count, &[])?;
    let instructions = total(&text).context("the profile has no total")?;
    Ok(Measured { requests, instructions })
}

/// What callgrind wrote about a server that got so many requests.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) requests: u64,
    pub(crate) text: String,
}

/// Runs a server under callgrind, with further options for it, and sends at least so many requests.
pub(crate) fn profile(
    program: &Path,
    load: &Load,
    request_count: u64,
    options: &[&str],
) -> Result<Profile> {
    // Several runs may count at a time: valgrind puts the number of its process into the name.
    let file = |pid: &str| target_dir().join(format!("callgrind.out.{pid}"));
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", file("%p").display()))
        .args(options)
        .arg(program)
        .args(["--listen", "127.0.0.1:0", "--workers", "1"]);
    if program.file_stem().is_some_and(|name| name == "arena") {
        // Fifty times slower than by itself, every route would be taken for an expensive one.
        command.args(["--expensive-after", "60000"]);
    }
    let mut server = Server::start(&mut command, PATIENCE)?;

    let requests = drive(server.address(), load, request_count)?;
    let file = file(&server.pid().to_string());
    server.terminate(PATIENCE)?;

    let text = fs::read_to_string(&file).context("callgrind left no profile")?;
    fs::remove_file(&file).context("cannot remove the profile")?;
    Ok(Profile { requests, text })
}

/// Sends at least `request_count` requests in rounds: every connection sends its requests, then
/// every connection reads its replies. Returns how many were sent.
fn drive(address: SocketAddr, load: &Load, request_count: u64) -> Result<u64> {
    let requests = load.request.repeat(load.depth);
    let mut connections = Vec::new();
    for _ in 0..load.connections {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let first = exchange(&mut stream, &load.request)?.head;
        ensure!(first.status == load.status, "the first reply has status {}", first.status);
        let reply_len = first.head_len + first.body_len;
        connections.push((stream, vec![0; reply_len * load.depth], reply_len));
    }

    let start = format!("HTTP/1.1 {} ", load.status);
    let per_round = (load.connections * load.depth) as u64;
    let round_count = request_count.div_ceil(per_round);
    for _ in 0..round_count {
        for (stream, ..) in &mut connections {
            stream.write_all(&requests)?;
        }
        for (stream, replies, reply_len) in &mut connections {
            stream.read_exact(replies).context("the server stopped replying")?;
            let is_fine = |reply: &[u8]| reply.starts_with(start.as_bytes());
            let all_fine = replies.chunks(*reply_len).all(is_fine);
            ensure!(all_fine, "a reply has another status or length than the first one");
        }
    }
    Ok(round_count * per_round)
}

/// Callgrind makes a program about fifty times slower; a minute is ample for start and for stop.
const PATIENCE: Duration = Duration::from_secs(60);

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
