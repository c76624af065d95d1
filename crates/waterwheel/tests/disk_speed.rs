//! How long reads of files take, warm and cold, and how long others wait meanwhile. Not a part of
//! the usual tests: `cargo test --release -p waterwheel --test disk_speed -- --ignored --nocapture`
//! on a machine with nothing else to do.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod running;
mod scratch;

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::num::{NonZeroU64, NonZeroUsize};
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use running::Running;
use rustix::fs::{Advice, fadvise};
use scratch::Scratch;
use waterwheel::fs::{self, Access, File, Folder};
use waterwheel::reactor::disk::{Backend, DiskConfig};
use waterwheel::runtime::Pinning;
use waterwheel::task::{ring, spawn_local};
use waterwheel::{App, Local, Path, Server};

const READ_LEN: usize = 16 << 10;
const FILE_LEN: u64 = 256 << 20;
const WARM_READS: usize = 20_000;
const COLD_READS: usize = 2_000;

/// Where the file is, and a descriptor of it for advice.
struct Ground {
    folder: Folder,
    plain: std::fs::File,
}

/// Where reads go, one after the other: apart, so that no read brings the next one along.
fn place(number: usize) -> u64 {
    (number as u64 * 7_919 * READ_LEN as u64) % FILE_LEN
}

fn forget(file: &std::fs::File, at: u64) {
    fadvise(file, at, NonZeroU64::new(READ_LEN as u64), Advice::DontNeed).unwrap();
}

async fn read(file: &File, number: usize) {
    let lease = ring().reserve_bytes(READ_LEN).unwrap();
    let lease = file.read_at(place(number), READ_LEN, lease).await.unwrap();
    assert_eq!(lease.len(), READ_LEN);
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at =
        |thousandths: usize| times[(times.len() - 1) * thousandths / 1000].as_nanos() as f64 / 1e3;
    format!("p50 {:8.2} us   p99 {:8.2} us   most {:8.2} us", at(500), at(990), at(1000))
}

/// Reads one after the other, warm or cold.
async fn timed(Path(kind): Path<String>, ground: Local<Ground>) -> String {
    let file = fs::open(&ground.folder, "file", Access::Read).await.unwrap();
    fadvise(&ground.plain, 0, None, Advice::Random).unwrap();
    let is_cold = kind == "cold";
    let count = if is_cold { COLD_READS } else { WARM_READS };
    let mut times = Vec::with_capacity(count);
    for number in 0..count {
        let place = if is_cold { number } else { number % 64 };
        if is_cold {
            forget(&ground.plain, self::place(place));
        }
        let begun = Instant::now();
        read(&file, place).await;
        times.push(begun.elapsed());
    }
    percentiles(times)
}

/// A hundred tasks that read cold, and one that is polled in every turn and tells how long turns
/// take.
async fn delays(ground: Local<Ground>) -> String {
    let gaps = Rc::new(RefCell::new(Vec::new()));
    let file = fs::open(&ground.folder, "file", Access::Read).await.unwrap();
    fadvise(&ground.plain, 0, None, Advice::Random).unwrap();
    let (begun, is_over) =
        (Instant::now(), move |begun: Instant| begun.elapsed() > Duration::from_secs(5));
    let mut readers = Vec::new();
    for reader in 0..100 {
        let (file, ground) = (file.clone(), ground.clone());
        readers.push(spawn_local(async move {
            let mut number = reader;
            while !is_over(begun) {
                forget(&ground.plain, place(number));
                read(&file, number).await;
                number += 100;
            }
            number / 100
        }));
    }
    let noted = Rc::clone(&gaps);
    let mut last = Instant::now();
    let watch = spawn_local(poll_fn(move |context| {
        noted.borrow_mut().push(last.elapsed());
        last = Instant::now();
        context.waker().wake_by_ref();
        if is_over(begun) { Poll::Ready(()) } else { Poll::Pending }
    }));
    let mut reads = 0;
    for reader in readers {
        reads += reader.await;
    }
    watch.await;
    let gaps = gaps.take();
    let turns = gaps.len();
    format!("{}   {reads} cold reads, {turns} turns", percentiles(gaps))
}

#[test]
#[ignore = "measures; see above"]
fn reads_are_quick_and_keep_nobody_waiting() {
    let scratch = Scratch::new();
    let path = scratch.path().join("file");
    let plain = std::fs::File::create_new(&path).unwrap();
    for chunk in 0..FILE_LEN >> 20 {
        plain.write_all_at(&vec![7; 1 << 20], chunk << 20).unwrap();
    }
    plain.sync_all().unwrap();
    let plain = std::fs::File::open(&path).unwrap();
    let mut room = vec![0; READ_LEN];
    let mut times = Vec::with_capacity(WARM_READS);
    for number in 0..WARM_READS {
        let begun = Instant::now();
        plain.read_exact_at(&mut room, place(number % 64)).unwrap();
        times.push(begun.elapsed());
    }
    println!("pread, warm                {}", percentiles(times));
    let mut times = Vec::with_capacity(COLD_READS);
    fadvise(&plain, 0, None, Advice::Random).unwrap();
    for number in 0..COLD_READS {
        forget(&plain, place(number));
        let begun = Instant::now();
        plain.read_exact_at(&mut room, place(number)).unwrap();
        times.push(begun.elapsed());
    }
    println!("pread, cold, blocking      {}", percentiles(times));
    for backend in [Backend::Uring, Backend::Helper] {
        let mut config = DiskConfig::default();
        config.backend = backend;
        let folder = scratch.path().to_owned();
        let app = App::new()
            .per_core(move |_| Ground {
                folder: Folder::open(&folder).unwrap(),
                plain: std::fs::File::open(folder.join("file")).unwrap(),
            })
            .get("/timed/{kind}", timed)
            .get("/delays", delays)
            .get("/ping", || "pong");
        let server = Server::new(app)
            .listen("127.0.0.1:0")
            .workers(NonZeroUsize::MIN)
            .pin(Pinning::Off)
            .ignore_signals()
            .disk(config);
        let running = Running::serve(server);
        for kind in ["warm", "cold"] {
            let reply =
                running.ask(format!("GET /timed/{kind} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes());
            println!("read_at, {kind}, {backend:?}      {}", reply.text());
        }
        let mut stream = running.connect();
        stream.write_all(b"GET /delays HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
        let mut other = running.connect();
        let (begun, mut times) = (Instant::now(), Vec::new());
        while begun.elapsed() < Duration::from_secs(4) {
            let asked = Instant::now();
            other.write_all(b"GET /ping HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
            let count = other.read(&mut room).unwrap();
            assert!(count > 0);
            times.push(asked.elapsed());
        }
        let delays = running::read_reply(&mut stream);
        println!("turns beside 100 cold reads, {backend:?}   {}", delays.text());
        println!("GET /ping beside them, {backend:?}         {}", percentiles(times));
        running.stop();
    }
}
