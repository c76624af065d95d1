//! The cases: what is sent, and what has to come back.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Result, ensure};
use base64_simd::STANDARD;

use crate::connection::{Answer, Connection};
use crate::frames::{self, Framing};
use crate::server::Server;

/// Which cases concern a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    /// The ones about `/plaintext`.
    Plaintext,
}

/// What came out of one case.
#[derive(Debug)]
pub(crate) enum Outcome {
    Right,
    /// The server does not have the route.
    Absent,
    Wrong(String),
}

/// What came out for one server, in the order of [`NAMES`].
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) outcomes: Vec<Outcome>,
}

impl Column {
    pub(crate) fn has_failed(&self) -> bool {
        self.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Wrong(_)))
    }
}

type Case = (&'static str, fn(&mut Connection) -> Result<Found>);

/// Whether the server has the route at all.
enum Found {
    Here,
    Nowhere,
}

const CASES: [Case; 22] = [
    ("/plaintext", |to| get(to, "/plaintext", "text/plain", b"Hello, World!")),
    ("/json", |to| get(to, "/json", "application/json", br#"{"message":"Hello, World!"}"#)),
    ("/", |to| found(&exchange(to, "GET", "/", &[], b"")?)),
    ("/light", |to| get(to, "/light", "text/plain", b"ok")),
    ("/mix", |to| get(to, "/mix", "text/plain", b"ok")),
    ("/burn", |to| get(to, "/burn", "text/plain", b"ok")),
    ("/burn-blocking", |to| get(to, "/burn-blocking", "text/plain", b"ok")),
    ("/async", |to| get(to, "/async", "text/plain", b"ok")),
    ("/echo64, 0…100 numbers", |to| echo64_of(to, 0..=100)),
    ("/echo64, 4 KiB", |to| echo64_of(to, [768])),
    ("/echo64, 64 KiB", |to| echo64_of(to, [12_288])),
    ("/echo64, 1 MiB", |to| echo64_of(to, [196_608])),
    ("/echo64, malformed: 400", |to| refused(to, "/echo64", MALFORMED)),
    ("/zecho64, 0…64 KiB, bare", |to| zecho64(to, false, false)),
    ("/zecho64, content size", |to| zecho64(to, true, false)),
    ("/zecho64, checksum", |to| zecho64(to, false, true)),
    ("/zecho64, both", |to| zecho64(to, true, true)),
    ("/zecho64, malformed: 400", |to| refused(to, "/zecho64", &[b"AAAAAA==", b"(\xb5/\xfd"])),
    ("/echo", echo),
    ("/plaintext ×16 pipelined", pipelined),
    ("/echo64 ×16 pipelined", pipelined_bodies),
    ("body above 1 MiB: 413", too_long),
];

/// What each outcome is about. The last two need more than a connection: a folder of files, and a
/// server that was started.
pub(crate) const NAMES: [&str; CASES.len() + 2] = {
    let mut names = ["/file/{name}"; CASES.len() + 2];
    names[CASES.len() + 1] = "ends at SIGTERM";
    let mut index = 0;
    while index < CASES.len() {
        names[index] = CASES[index].0;
        index += 1;
    }
    names
};

/// Bodies of `/echo64` that are not Base64 of whole numbers.
const MALFORMED: &[&[u8]] =
    &[b"A", b"AAAA", b"AAAAAA", b"AAAAA===", b"AAAAAA==AAAAAA==", b"AAA*AA==", b"AAAA AA=="];

/// Requests pipelined at once.
const PIPELINED_COUNT: usize = 16;

/// Numbers in the bodies of `/zecho64`: none, a few, and 64 KiB of Base64.
const ZECHO64_COUNTS: [u32; 4] = [0, 3, 768, 12_288];

/// One byte more than `--max-body` allows by default.
const TOO_LONG_LEN: usize = (1 << 20) + 4;

/// Runs every case in the scope; `folder` is what the server serves under `/file/`.
pub(crate) fn run(server: &Server, scope: Scope, folder: Option<&Path>) -> Column {
    let check = |case: &dyn Fn(&mut Connection) -> Result<Found>| {
        let found = server.connector().open().and_then(|mut connection| case(&mut connection));
        match found {
            Ok(Found::Here) => Outcome::Right,
            Ok(Found::Nowhere) => Outcome::Absent,
            Err(error) => Outcome::Wrong(format!("{error:#}")),
        }
    };
    let concerns = |name: &str| scope == Scope::All || name.starts_with("/plaintext");
    let outcomes = CASES.iter().map(|(name, case)| match concerns(name) {
        true => check(case),
        false => Outcome::Absent,
    });
    let mut outcomes: Vec<_> = outcomes.collect();
    let folder = folder.filter(|_| scope == Scope::All);
    outcomes.push(folder.map_or(Outcome::Absent, |folder| check(&|to| files(to, folder))));
    Column { name: server.name.clone(), outcomes }
}

/// Every file of the folder, whatever its content type.
fn files(to: &mut Connection, folder: &Path) -> Result<Found> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(OsStr::to_str).filter(|_| path.is_file()) else {
            continue;
        };
        let answer = exchange(to, "GET", &format!("/file/{name}"), &[], b"")?;
        if answer.status == 404 {
            return Ok(Found::Nowhere);
        }
        ensure!(answer.status == 200, "status {} for {name}", answer.status);
        ensure!(answer.body == std::fs::read(&path)?, "another content of {name}");
        has_headers(&answer)?;
    }
    Ok(Found::Here)
}

/// Three times on one connection, so that it has to stay open.
fn get(to: &mut Connection, path: &str, content_type: &str, body: &[u8]) -> Result<Found> {
    for _ in 0..3 {
        let answer = exchange(to, "GET", path, &[], b"")?;
        if answer.status == 404 {
            return Ok(Found::Nowhere);
        }
        is_right(&answer, content_type, body)?;
    }
    Ok(Found::Here)
}

fn echo64_of(to: &mut Connection, counts: impl IntoIterator<Item = u32>) -> Result<Found> {
    for count in counts {
        let answer = exchange(to, "POST", "/echo64", &[], &base64_from(0, count))?;
        if answer.status == 404 {
            return Ok(Found::Nowhere);
        }
        is_right(&answer, "text/plain", &base64_from(1, count))?;
    }
    Ok(Found::Here)
}

fn zecho64(to: &mut Connection, has_content_size: bool, has_checksum: bool) -> Result<Found> {
    for count in ZECHO64_COUNTS {
        let framing = Framing { has_content_size, has_checksum };
        let frame = frames::seal(&base64_from(0, count), framing)?;
        let encoding = [("content-encoding", "zstd")];
        let answer = exchange(to, "POST", "/zecho64", &encoding, &frame)?;
        if answer.status == 404 {
            return Ok(Found::Nowhere);
        }
        let text = base64_from(1, count);
        ensure!(frames::open(&answer.body, text.len())? == text, "other numbers, of {count}");
        let found = answer.header("content-encoding");
        ensure!(found == Some("zstd"), "content-encoding {found:?}");
        is_right(&answer, "text/plain", &answer.body)?;
    }
    Ok(Found::Here)
}

/// Each on the same connection: what is refused as a payload is no fault of the protocol.
fn refused(to: &mut Connection, path: &str, bodies: &[&[u8]]) -> Result<Found> {
    let encoding: &[_] = if path == "/zecho64" { &[("content-encoding", "zstd")] } else { &[] };
    for body in bodies {
        let answer = exchange(to, "POST", path, encoding, body)?;
        if answer.status == 404 {
            return Ok(Found::Nowhere);
        }
        let body = String::from_utf8_lossy(body);
        ensure!(answer.status == 400, "status {} for {body:?}", answer.status);
    }
    Ok(Found::Here)
}

fn echo(to: &mut Connection) -> Result<Found> {
    for (method, content_type) in [("POST", "application/json"), ("PUT", "text/plain")] {
        let headers = [("content-type", content_type)];
        let answer = exchange(to, method, "/echo", &headers, b"[\"as it came\"]")?;
        if answer.status == 404 {
            return Ok(Found::Nowhere);
        }
        is_right(&answer, content_type, b"[\"as it came\"]")?;
    }
    Ok(Found::Here)
}

fn pipelined(to: &mut Connection) -> Result<Found> {
    to.send(&request("GET", "/plaintext", &[], b"").repeat(PIPELINED_COUNT))?;
    for _ in 0..PIPELINED_COUNT {
        is_right(&to.receive()?, "text/plain", b"Hello, World!")?;
    }
    Ok(Found::Here)
}

fn pipelined_bodies(to: &mut Connection) -> Result<Found> {
    let counts = || (0..).step_by(50).take(PIPELINED_COUNT);
    let requests =
        counts().flat_map(|count| request("POST", "/echo64", &[], &base64_from(0, count)));
    to.send(&requests.collect::<Vec<_>>())?;
    for count in counts() {
        let answer = to.receive()?;
        if answer.status == 404 {
            return Ok(Found::Nowhere);
        }
        is_right(&answer, "text/plain", &base64_from(1, count))?;
    }
    Ok(Found::Here)
}

/// The head alone: a server that refuses by the announced length need not read the body.
fn too_long(to: &mut Connection) -> Result<Found> {
    let head = format!(
        "POST /echo64 HTTP/1.1\r\nhost: localhost\r\ncontent-length: {TOO_LONG_LEN}\r\n\r\n"
    );
    to.send(head.as_bytes())?;
    let answer = to.receive()?;
    if answer.status == 404 {
        return Ok(Found::Nowhere);
    }
    ensure!(answer.status == 413, "status {}", answer.status);
    Ok(Found::Here)
}

fn found(answer: &Answer) -> Result<Found> {
    if answer.status == 404 {
        return Ok(Found::Nowhere);
    }
    ensure!(answer.status == 200, "status {}", answer.status);
    ensure!(!answer.body.is_empty(), "no text");
    has_headers(answer)?;
    Ok(Found::Here)
}

fn is_right(answer: &Answer, content_type: &str, body: &[u8]) -> Result<()> {
    ensure!(answer.status == 200, "status {}", answer.status);
    let found = answer.header("content-type").unwrap_or_default();
    let essence = found.split(';').next().unwrap_or_default();
    ensure!(essence == content_type, "content-type {found:?}");
    ensure!(answer.body == body, "another body, of {} bytes", answer.body.len());
    has_headers(answer)
}

fn has_headers(answer: &Answer) -> Result<()> {
    ensure!(answer.header("server").is_some_and(|name| !name.is_empty()), "no server");
    let date = answer.header("date").unwrap_or_default();
    ensure!(httpdate::parse_http_date(date).is_ok(), "date {date:?}");
    Ok(())
}

fn exchange(
    to: &mut Connection,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer> {
    to.send(&request(method, path, headers, body))?;
    to.receive()
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if method != "GET" {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// Base64 of `count` numbers that look like any, each made greater by `addend`. The first is the
/// greatest there is, so that it wraps.
fn base64_from(addend: u32, count: u32) -> Vec<u8> {
    let numbers = (0..count)
        .map(|index| u32::MAX.wrapping_sub(index.wrapping_mul(0x9e37_79b9)).wrapping_add(addend));
    let bytes: Vec<_> = numbers.flat_map(u32::to_le_bytes).collect();
    STANDARD.encode_to_string(bytes).into_bytes()
}
