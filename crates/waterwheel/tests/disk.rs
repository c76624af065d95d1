//! Files in handlers: whatever the disk does, bytes arrive whole or an error does, and nothing is
//! left behind.

mod running;
mod scratch;

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use running::Running;
use scratch::Scratch;
use waterwheel::fs::{Access, Folder};
use waterwheel::http::StatusCode;
use waterwheel::lab::{Lab, LabConfig};
use waterwheel::reactor::disk::{Backend, DiskConfig, probe};
use waterwheel::reactor::sim::{Fault, Faults};
use waterwheel::runtime::Pinning;
use waterwheel::{App, InPlace, Local, Path, Rejection, Reply, Server};

fn refused(error: io::Error) -> Rejection {
    let status = match error.kind() {
        io::ErrorKind::NotFound => StatusCode::NOT_FOUND,
        io::ErrorKind::FileTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Rejection::new(status, error.to_string())
}

/// 40,000 bytes from the middle of a file, in a run of the ring.
async fn middle(
    Path(name): Path<String>,
    root: Local<Folder>,
    run: InPlace<[u8]>,
) -> Result<Reply, Rejection> {
    let file = waterwheel::fs::open(&root, name, Access::Read).await.map_err(refused)?;
    let ring = run.into_lease().ring();
    let Ok(lease) = ring.reserve_bytes(MIDDLE_LEN) else { return Ok(Reply::text("full")) };
    let lease = file.read_at(MIDDLE_AT, MIDDLE_LEN, lease).await.map_err(refused)?;
    Ok(Reply::run(lease))
}

const MIDDLE_AT: u64 = 1234;
const MIDDLE_LEN: usize = 40_000;

async fn whole(Path(name): Path<String>, root: Local<Folder>) -> Result<Vec<u8>, Rejection> {
    waterwheel::fs::read(&root, name, 100_000).await.map_err(refused)
}

async fn put(
    Path(name): Path<String>,
    root: Local<Folder>,
    body: InPlace<[u8]>,
) -> Result<String, Rejection> {
    waterwheel::fs::write(&root, name.as_str(), body.into_lease()).await.map_err(refused)?;
    let metadata = waterwheel::fs::metadata(&root, name).await.map_err(refused)?;
    Ok(metadata.len.to_string())
}

async fn add(
    Path(name): Path<String>,
    root: Local<Folder>,
    body: Vec<u8>,
) -> Result<String, Rejection> {
    waterwheel::fs::append(&root, name.as_str(), body).await.map_err(refused)?;
    let metadata = waterwheel::fs::metadata(&root, name).await.map_err(refused)?;
    Ok(metadata.len.to_string())
}

fn app(scratch: &Scratch) -> App {
    let path = scratch.path().to_owned();
    App::new()
        .per_core(move |_| Folder::open(&path).expect("the folder is there"))
        .get("/middle/{name}", middle)
        .get("/whole/{name}", whole)
        .put("/file/{name}", put)
        .post("/file/{name}", add)
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at * 31 % 253).unwrap_or(0)).collect()
}

#[test]
fn handlers_read_and_write_by_every_way() {
    let mut backends = vec![Backend::Helper];
    if probe().uring.is_ok() {
        backends.push(Backend::Uring);
    }
    for (backend, inline) in backends.iter().flat_map(|one| [(*one, true), (*one, false)]) {
        let scratch = Scratch::new();
        let mut config = DiskConfig::default();
        config.backend = backend;
        config.inline = inline;
        let server = Server::new(app(&scratch))
            .listen("127.0.0.1:0")
            .workers(NonZeroUsize::MIN)
            .pin(Pinning::Off)
            .ignore_signals()
            .disk(config);
        let running = Running::serve(server);
        let put = |method: &str, body: &[u8]| {
            let head = format!(
                "{method} /file/f HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let reply = running.ask(&[head.as_bytes(), body].concat());
            assert_eq!(reply.status(), 200, "{}", reply.text());
            reply.text().to_owned()
        };
        assert_eq!(put("PUT", &pattern(60_000)), "60000");
        assert_eq!(put("POST", b"end"), "60003");
        let ask = |target: &str| {
            running.ask(format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes())
        };
        let reply = ask("/whole/f");
        assert_eq!((reply.status(), reply.body().len()), (200, 60_003));
        assert_eq!(reply.body()[..60_000], pattern(60_000));
        let reply = ask("/middle/f");
        assert_eq!(reply.body(), &pattern(60_000)[1234..41_234], "{backend:?} {inline}");
        assert_eq!(ask("/whole/none").status(), 404);
        assert_eq!(ask("/whole/..").status(), 500, "it leads out");
        assert_eq!(put("PUT", b"short"), "5");
        assert_eq!(ask("/middle/f").body(), b"");
        fs::write(scratch.path().join("large"), pattern(100_001)).unwrap();
        assert_eq!(ask("/whole/large").status(), 413);
        running.stop();
    }
}

#[test]
fn a_world_of_faults_gives_whole_bytes_or_an_error() {
    let scratch = Scratch::new();
    fs::write(scratch.path().join("file"), pattern(60_000)).unwrap();
    let (mut whole, mut failed) = (0, 0);
    for seed in 0..60 {
        let mut faults = Faults::none();
        faults.set(Fault::ColdFile, 0.5);
        faults.set(Fault::ShortFile, 0.3);
        faults.set(Fault::FileError, if seed % 3 == 0 { 0.1 } else { 0.0 });
        let mut config = LabConfig::default();
        (config.seed, config.faults) = (seed, faults);
        let mut lab = Lab::with(app(&scratch), config);
        for target in ["/middle/file", "/whole/file"] {
            let reply = lab.get(target).send();
            match reply.status() {
                200 => {
                    let all = pattern(60_000);
                    let part = if target == "/whole/file" { &all[..] } else { &all[1234..41_234] };
                    assert_eq!(reply.body(), part, "seed {seed}");
                    whole += 1;
                }
                500 => failed += 1,
                status => panic!("seed {seed}: {status} {}", reply.text()),
            }
        }
        lab.settle();
        assert_eq!((lab.leased_segments(), lab.worker().file_work_count()), (0, 0), "seed {seed}");
    }
    assert!(whole > 60 && failed > 5, "{whole} {failed}");
}

#[test]
fn a_client_that_leaves_leaves_no_run_behind() {
    let scratch = Scratch::new();
    fs::write(scratch.path().join("file"), pattern(60_000)).unwrap();
    let mut config = LabConfig::default();
    config.faults = Faults::none().with(Fault::ColdFile, 1.0);
    let mut lab = Lab::with(app(&scratch), config);
    for _ in 0..20 {
        let client = lab.connect();
        client.send(b"GET /middle/file HTTP/1.1\r\nhost: h\r\n\r\n");
        for _ in 0..6 {
            lab.turn();
        }
        drop(client);
    }
    lab.advance(Duration::from_secs(5));
    let left = (lab.open_connections(), lab.leased_segments(), lab.worker().file_work_count());
    assert_eq!(left, (0, 0, 0));
}
