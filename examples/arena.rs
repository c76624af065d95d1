//! The arena's entry: the same requests with the same payload work as every server compared with.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use serde::Serialize;
use waterwheel::http::HeaderValue;
use waterwheel::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use waterwheel::runtime::Pinning;
use waterwheel::stages::base64::Base64;
use waterwheel::stages::zstd::Zstd;
use waterwheel::task::sleep;
use waterwheel::zerocopy::little_endian::U32;
use waterwheel::{
    App, Files, Gauges, Handler, InPlace, Json, Limits, Reply, Request, Server, Tls, breathe,
};

/// Serves the arena's workload.
#[derive(Parser)]
struct Arguments {
    /// Address and port to listen on; port 0 lets the kernel choose.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Workers, one thread each.
    #[arg(long, default_value = "1")]
    workers: NonZeroUsize,
    /// Pin worker i to core N + i.
    #[arg(long, value_name = "N")]
    pin: Option<usize>,
    /// Keep every connection with the worker that accepted it.
    #[arg(long)]
    strict: bool,
    /// Give each worker files of its own, so that the limit of open files is one of each.
    #[arg(long)]
    unshare_fds: bool,
    /// Milliseconds from which a route's requests stand back behind cheaper ones.
    #[arg(long, value_name = "MS")]
    expensive_after: Option<u64>,
    /// Speak HTTPS, with the certificate chain in this PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Folder whose files `/file/{name}` serves.
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
    /// Longest body in bytes.
    #[arg(long, default_value_t = 1 << 20)]
    max_body: u64,
}

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

fn plaintext() -> Reply {
    Reply::text("Hello, World!").with_content_type("text/plain")
}

fn json() -> Json<Message> {
    Json(Message { message: "Hello, World!" })
}

fn add_one(mut numbers: InPlace<[U32]>) -> Reply {
    for number in numbers.iter_mut() {
        number.set(number.get().wrapping_add(1));
    }
    Reply::run(numbers.into_lease()).with_content_type("text/plain")
}

fn add_one_zstd(numbers: InPlace<[U32]>) -> Reply {
    add_one(numbers).with_header(CONTENT_ENCODING, HeaderValue::from_static("zstd"))
}

fn echo(request: &Request<'_>, body: InPlace<[u8]>) -> Reply {
    let reply = Reply::run(body.into_lease());
    match request.header("content-type").and_then(|value| value.try_into().ok()) {
        Some(value) => reply.with_header(CONTENT_TYPE, value),
        None => reply,
    }
}

/// Burns about 2 ms of CPU on the spot.
fn burn() -> &'static str {
    burn_rounds(BURN_ROUNDS);
    "ok"
}

/// The same, and lets light requests pass every 50 µs.
fn burn_and_breathe() -> &'static str {
    for _ in 0..BREATHS {
        burn_rounds(BURN_ROUNDS / BREATHS);
        breathe();
    }
    "ok"
}

/// A multiplication chain that nothing can shorten.
fn burn_rounds(rounds: u64) {
    let mut state = std::hint::black_box(1u64);
    for _ in 0..rounds {
        // Without the box the compiler takes several rounds in one step.
        state = std::hint::black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
    std::hint::black_box(state);
}

/// About 2 ms at 1 ns a round, measured.
const BURN_ROUNDS: u64 = 2_000_000;

/// Pieces of 50 µs, or a little less on a faster machine.
const BREATHS: u64 = 40;

/// Every twentieth request of this process burns.
fn mix() -> &'static str {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // ORDERING: Relaxed: a counter that nothing else depends on.
    if COUNT.fetch_add(1, Ordering::Relaxed) % 20 == 19 { burn() } else { "ok" }
}

/// Waits for a millisecond, and keeps nobody else waiting.
async fn wait() -> &'static str {
    sleep(Duration::from_millis(1)).await;
    "ok"
}

/// Waits for so long that one can look at what that takes.
async fn wait_long() -> &'static str {
    sleep(Duration::from_secs(3)).await;
    "ok"
}

#[expect(unsafe_code, reason = "gives a promise about this program")]
fn unshare_fds(server: Server) -> Server {
    // SAFETY: the folder is open before the server runs, and nothing here passes on what is opened
    // later.
    unsafe { server.unshare_fds() }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut limits = Limits::default();
    limits.body_len_max = arguments.max_body;
    if let Some(milliseconds) = arguments.expensive_after {
        limits.expensive_after = Duration::from_millis(milliseconds);
    }
    let zstd = Zstd::new(usize::try_from(arguments.max_body)?);
    let app = App::new()
        .get("/", || "waterwheel\n")
        .get("/plaintext", plaintext)
        .get("/json", json)
        .get("/light", || "ok")
        .get("/burn", burn)
        .get("/burn-breathe", burn_and_breathe)
        .get("/mix", mix)
        .get("/async", wait)
        .get("/async-long", wait_long)
        .get("/gauges", Json::<Gauges>)
        .post("/echo64", add_one.through(Base64::STANDARD))
        .post("/zecho64", add_one_zstd.through(zstd).through(Base64::STANDARD))
        .any("/echo", echo)
        .limits(limits);
    let app = match &arguments.files {
        Some(folder) => app.files("/file", Files::new(folder).context("--files")?),
        None => app,
    };
    let server = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(chain), Some(key)) => {
            let tls = Tls::from_pem_files(chain, key).context("the certificate is no good")?;
            app.listen_tls(arguments.listen, &tls)
        }
        _ => app.listen(arguments.listen),
    };
    let mut server = server.workers(arguments.workers);
    if let Some(core) = arguments.pin {
        server = server.pin(Pinning::From(core));
    }
    if arguments.strict {
        server = server.strict();
    }
    if arguments.unshare_fds {
        server = unshare_fds(server);
    }
    let bound = server.bind().context("the arena does not start")?;
    for url in bound.urls() {
        println!("listening on {url}");
    }
    let report = bound.run()?;
    // Who started it may have closed the pipe meanwhile.
    let _ = writeln!(io::stdout(), "finished {}, cut {}", report.finished, report.cut);
    Ok(())
}
