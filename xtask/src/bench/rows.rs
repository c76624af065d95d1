//! The rows of the arena: what is asked of every entry, and whom it is compared with.

use super::content::{Content, Expected};
use super::folder::{LARGE, MEDIUM, SMALL, ServedFile};

/// One question, asked of every entry.
#[derive(Debug)]
pub(crate) struct Row {
    /// How the row is called on the command line and in stored results.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// The unit of the row's figure; smaller is better in all of them.
    pub(crate) unit: &'static str,
    /// The entry that the others are divided by.
    pub(crate) base: Option<&'static str>,
    pub(crate) work: Work,
    /// Whether the load comes over TLS.
    pub(crate) is_tls: bool,
}

/// How a row is measured.
#[derive(Debug)]
pub(crate) enum Work {
    /// Server CPU per request.
    Closed(Closed),
    /// Server CPU per request, at a constant rate over connections that are chosen at random.
    Open { request: Request, connections: u32, rate: f64 },
    /// Memory that each idle connection costs after one request.
    Idle { request: Request, connections: u32 },
    /// The same while a request of each connection waits in its handler.
    Waiting { request: Request, connections: u32 },
    /// User-space instructions per request.
    Instructions { request: Request, connections: u32 },
}

/// A closed loop: every connection always has `depth` requests open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed {
    pub(crate) request: Request,
    pub(crate) connections: u32,
    pub(crate) depth: u32,
}

/// How light and heavy requests come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    /// How many are heavy, from 0 to 1.
    pub(crate) heavy_share: f64,
    /// All requests a second, on average.
    pub(crate) rate: f64,
    pub(crate) connections: u32,
}

/// What a server must be started with to serve a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) tls: bool,
    pub(crate) files: bool,
}

impl Needs {
    /// Whether an entry may lack it.
    pub(crate) fn is_special(self) -> bool {
        self != Self::default()
    }
}

impl Row {
    pub(crate) fn needs(&self) -> Needs {
        let asks_for_files = |request: &Request| request.path.starts_with("/file/");
        Needs { tls: self.is_tls, files: asks_for_files(self.work.request()) }
    }
}

/// One request and the answer that is right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) content: Content,
    pub(crate) expected: Expected,
}

impl Request {
    pub(crate) const fn get(path: &'static str, answer: &'static str) -> Self {
        let expected = Expected::Text(answer);
        Self { method: "GET", path, content: Content::Empty, expected }
    }

    const fn file(path: &'static str, file: ServedFile) -> Self {
        let expected = Expected::File(file);
        Self { method: "GET", path, content: Content::Empty, expected }
    }

    const fn post(path: &'static str, content: Content) -> Self {
        Self { method: "POST", path, content, expected: Expected::PlusOne }
    }

    /// The request as it goes over the wire.
    pub(crate) fn bytes(&self, host: &str) -> Vec<u8> {
        let body = self.content.body();
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.path);
        for (name, value) in self.content.fields() {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.content != Content::Empty {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &body].concat()
    }
}

impl Work {
    /// The request that the figure is about.
    pub(crate) fn request(&self) -> &Request {
        match self {
            Self::Closed(Closed { request, .. })
            | Self::Open { request, .. }
            | Self::Idle { request, .. }
            | Self::Waiting { request, .. }
            | Self::Instructions { request, .. } => request,
        }
    }
}

pub(crate) const PLAINTEXT: Request = Request::get("/plaintext", "Hello, World!");
const JSON: Request = Request::get("/json", r#"{"message":"Hello, World!"}"#);
pub(crate) const ECHO_SMALL: Request = Request::post("/echo64", Content::Base64(4 << 10));
pub(crate) const ECHO_LARGE: Request = Request::post("/echo64", Content::Base64(64 << 10));
const ZECHO_LARGE: Request = Request::post("/zecho64", Content::Zstd(64 << 10));
const SMALL_FILE: Request = Request::file("/file/1k.bin", SMALL);
const FILE: Request = Request::file("/file/64k.bin", MEDIUM);
const LARGE_FILE: Request = Request::file("/file/10m.bin", LARGE);
pub(crate) const LIGHT: Request = Request::get("/light", "ok");
pub(crate) const BURN: Request = Request::get("/burn", "ok");
const WAIT: Request = Request::get("/async", "ok");
const IDLE: Work = Work::Idle { request: PLAINTEXT, connections: 18_000 };
pub(crate) const CPU: &str = "µs";
pub(crate) const FLOOR: Option<&str> = Some("floor");
/// There is no floor with TLS; the rival that most use stands in for it.
const HYPER: Option<&str> = Some("hyper");
pub(crate) const FLOOR_PAYLOAD: Option<&str> = Some("floor-payload");

const fn closed(request: Request, connections: u32, depth: u32) -> Work {
    Work::Closed(Closed { request, connections, depth })
}

/// Less than three a second of each of 18,000 connections, and half a core of most servers.
const fn open(connections: u32) -> Work {
    Work::Open { request: PLAINTEXT, connections, rate: 50_000.0 }
}

/// A row with the defaults: CPU time, nothing to divide by, no TLS.
const fn row(name: &'static str, title: &'static str, work: Work) -> Row {
    Row { name, title, unit: CPU, base: None, work, is_tls: false }
}

impl Row {
    const fn over(self, base: Option<&'static str>) -> Self {
        Self { base, ..self }
    }

    const fn by_tls(self) -> Self {
        Self { is_tls: true, ..self }
    }

    const fn in_unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }
}

/// Every row, in the order of the report.
pub(crate) static ROWS: &[Row] = &[
    row("plaintext", "/plaintext, server CPU per request", closed(PLAINTEXT, 64, 1)).over(FLOOR),
    row("pipelined", "/plaintext pipelined ×16, server CPU", closed(PLAINTEXT, 64, 16)).over(FLOOR),
    row("json", "/json, server CPU per request", closed(JSON, 64, 1)).over(FLOOR_PAYLOAD),
    row("echo64-4k", "/echo64 4 KiB, server CPU per request", closed(ECHO_SMALL, 64, 1))
        .over(FLOOR_PAYLOAD),
    row("echo64-64k", "/echo64 64 KiB, server CPU per request", closed(ECHO_LARGE, 64, 1))
        .over(FLOOR_PAYLOAD),
    row("zecho64-64k", "/zecho64 64 KiB, server CPU per request", closed(ZECHO_LARGE, 64, 1))
        .over(FLOOR_PAYLOAD),
    row("async", "/async, a 1 ms timer, server CPU per request", closed(WAIT, 64, 1)),
    row("tls", "TLS 1.3 /plaintext, server CPU per request", closed(PLAINTEXT, 64, 1))
        .by_tls()
        .over(HYPER),
    row("tls-echo64-64k", "TLS 1.3 /echo64 64 KiB, server CPU", closed(ECHO_LARGE, 64, 1))
        .by_tls()
        .over(HYPER),
    row("file-1k", "file of 1 KiB, server CPU per request", closed(SMALL_FILE, 64, 1)),
    row("file", "file of 64 KiB, server CPU per request", closed(FILE, 64, 1)),
    row("file-10m", "file of 10 MiB, server CPU per request", closed(LARGE_FILE, 8, 1)),
    row("tls-file-1k", "TLS 1.3 file of 1 KiB, server CPU", closed(SMALL_FILE, 64, 1)).by_tls(),
    row("tls-file", "TLS 1.3 file of 64 KiB, server CPU", closed(FILE, 64, 1)).by_tls(),
    row("tls-file-10m", "TLS 1.3 file of 10 MiB, server CPU", closed(LARGE_FILE, 8, 1)).by_tls(),
    row("idle", "idle keep-alive connections, resident memory per connection", IDLE).in_unit("KiB"),
    row("tls-idle", "idle connections over TLS 1.3, resident memory per connection", IDLE)
        .by_tls()
        .in_unit("KiB"),
    row(
        "async-10k",
        "/async on 10,000 connections, server CPU per request",
        closed(WAIT, 10_000, 1),
    ),
    row(
        "waiting",
        "requests that wait for a timer, resident memory per connection with one",
        Work::Waiting { request: Request::get("/async-long", "ok"), connections: 10_000 },
    )
    .in_unit("KiB"),
    row(
        "few",
        "/plaintext at 50,000 a second over 64 connections, server CPU per request",
        open(64),
    ),
    row(
        "crowd",
        "the same over 18,000 connections, each request on one of them at random",
        open(18_000),
    ),
    row(
        "instructions",
        "/plaintext on 64 connections, user-space instructions per request",
        Work::Instructions { request: PLAINTEXT, connections: 64 },
    )
    .in_unit("instr")
    .over(FLOOR),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len());
    }

    #[test]
    fn needs_follow_the_row() {
        let needs = |name: &str| ROWS.iter().find(|row| row.name == name).unwrap().needs();
        assert!(!needs("plaintext").is_special());
        assert_eq!(needs("tls"), Needs { tls: true, files: false });
        assert_eq!(needs("file"), Needs { tls: false, files: true });
        assert_eq!(needs("tls-file"), Needs { tls: true, files: true });
    }

    #[test]
    fn files_have_the_names_that_are_asked_for() {
        for (request, file) in [(SMALL_FILE, SMALL), (FILE, MEDIUM), (LARGE_FILE, LARGE)] {
            assert_eq!(request.path.strip_prefix("/file/"), Some(file.name));
        }
    }

    #[test]
    fn request_describes_its_body() {
        let bytes = ECHO_SMALL.bytes("h");
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /echo64 HTTP/1.1\r\nhost: h\r\n"));
        assert!(head.ends_with("content-length: 4096"));
        assert_eq!(body.len(), 4096);
        assert_eq!(PLAINTEXT.bytes("h"), b"GET /plaintext HTTP/1.1\r\nhost: h\r\n\r\n");
    }
}
