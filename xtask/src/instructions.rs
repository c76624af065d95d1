//! `instructions`: user-space instructions per request of the arena server, counted by callgrind.
//!
//! The server runs twice under the same load but for its length. Start-up, warm-up and shutdown
//! cost the same both times, so the difference of the two totals is the requests' alone. Unlike
//! times, these counts repeat on a busy machine.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::process::{Guarded, cargo, output, target_dir};

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

pub(crate) fn run(load: &Load) -> Result<()> {
    let found = Command::new("valgrind").arg("--version").output();
    if !found.is_ok_and(|version| version.status.success()) {
        bail!("valgrind is missing; install it (Debian: apt-get install valgrind) and try again");
    }
    let server = build()?;

    let short = measure(&server, load, REQUEST_COUNT_SHORT)?;
    let long = measure(&server, load, REQUEST_COUNT_LONG)?;
    let requests = long.requests - short.requests;
    ensure!(long.instructions > short.instructions, "the long run cost less than the short one");
    let per_request = (long.instructions - short.instructions).div_ceil(requests);

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

/// Builds the arena example and returns where cargo put it.
fn build() -> Result<PathBuf> {
    let messages = output(&mut cargo(&[
        "build",
        "--release",
        "--package=waterwheel-examples",
        "--example=arena",
        "--message-format=json-render-diagnostics",
    ]))?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "arena")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo built the example arena but named no executable")
}

/// One finished run.
struct Measured {
    requests: u64,
    instructions: u64,
}

fn measure(server: &Path, load: &Load, request_count: u64) -> Result<Measured> {
    let profile = target_dir().join(format!("callgrind.out.{}", std::process::id()));
    let mut process = Guarded::spawn(
        Command::new("valgrind")
            .args(["--tool=callgrind", "--quiet"])
            .arg(format!("--callgrind-out-file={}", profile.display()))
            .arg(server)
            .args(["--listen", "127.0.0.1:0", "--workers", "1"])
            .stdout(Stdio::piped()),
    )?;
    let stdout = process.child_mut().stdout.take().context("the server has no standard output")?;
    let address = listen_address(&lines(stdout))?;

    let requests = drive(address, load, request_count)?;
    process.terminate(PATIENCE)?;

    let counted = fs::read_to_string(&profile).context("callgrind left no profile")?;
    fs::remove_file(&profile).context("cannot remove the profile")?;
    let instructions = total(&counted).context("the profile has no total")?;
    Ok(Measured { requests, instructions })
}

/// Reads a process's lines on a thread, so that waiting for one can end and the pipe never fills.
fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // The receiver goes away once the address is known; the pipe must be emptied still.
            let _ = sender.send(line);
        }
    });
    receiver
}

fn listen_address(lines: &Receiver<String>) -> Result<SocketAddr> {
    loop {
        let line = lines
            .recv_timeout(PATIENCE)
            .context("the server printed no `listening on http://ADDRESS`")?;
        if let Some(address) = parse_address(&line) {
            return Ok(address);
        }
    }
}

fn parse_address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on http://")?;
    let end = rest.find(|c: char| !c.is_ascii_hexdigit() && !".:[]".contains(c));
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

/// Sends at least `request_count` requests in rounds: every connection sends its requests, then
/// every connection reads its replies. Returns how many were sent.
fn drive(address: SocketAddr, load: &Load, request_count: u64) -> Result<u64> {
    let request = format!("GET {} HTTP/1.1\r\nhost: {address}\r\n\r\n", load.path);
    let requests = request.repeat(load.depth);
    let mut connections = Vec::new();
    for _ in 0..load.connections {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request.as_bytes())?;
        let reply_len = first_reply_len(&mut stream)?;
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

/// Reads the one reply that is due and returns its length, which every later reply must have too.
fn first_reply_len(stream: &mut TcpStream) -> Result<usize> {
    let mut reply = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let len = stream.read(&mut chunk)?;
        ensure!(len > 0, "the server closed the connection instead of replying");
        reply.extend_from_slice(&chunk[..len]);
        if let Some(reply_len) = reply_len(&String::from_utf8_lossy(&reply))?
            && reply.len() >= reply_len
        {
            ensure!(reply.starts_with(OK), "the first reply is not 200");
            ensure!(reply.len() == reply_len, "the server sent more than one reply");
            return Ok(reply_len);
        }
    }
}

/// The length of head and body together; `None` until the head is complete.
fn reply_len(reply: &str) -> Result<Option<usize>> {
    let Some((head, _)) = reply.split_once("\r\n\r\n") else { return Ok(None) };
    let body_len: usize = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("the reply has no Content-Length")?
        .1
        .trim()
        .parse()?;
    Ok(Some(head.len() + "\r\n\r\n".len() + body_len))
}

/// The instruction count in a callgrind profile.
fn total(profile: &str) -> Option<u64> {
    let line = profile.lines().rev().find_map(|line| line.strip_prefix("totals: "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_read_from_the_start_line() {
        let address = parse_address("waterwheel: listening on http://127.0.0.1:40123, 1 worker");
        assert_eq!(address, Some("127.0.0.1:40123".parse().unwrap()));
        assert_eq!(parse_address("listening on http://[::1]:80/"), "[::1]:80".parse().ok());
        assert_eq!(parse_address("1 worker"), None);
    }

    #[test]
    fn reply_length_waits_for_the_whole_head() {
        assert_eq!(reply_len("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n").unwrap(), None);
        let reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert_eq!(reply_len(reply).unwrap(), Some(reply.len()));
        assert!(reply_len("HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    #[test]
    fn total_is_the_last_one_of_the_profile() {
        assert_eq!(total("summary: 5\nfn=(1)\n1 5\ntotals: 123456\n"), Some(123_456));
        assert_eq!(total("summary: 5\n"), None);
    }
}
