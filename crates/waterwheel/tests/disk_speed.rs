//! How long reads of files take, warm and cold, and how long others wait meanwhile. Not a part of
//! the usual tests: `cargo xtask bench --only disk` runs it, on a machine with nothing else to do.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod running;
mod scratch;

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{ErrorKind, Read, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use running::Running;
use rustix::fs::{Advice, fadvise};
use scratch::Scratch;
use waterwheel::fs::{self, Access, File, Folder};
use waterwheel::reactor::disk::{Backend, DiskConfig};
use waterwheel::ring::Lease;
use waterwheel::runtime::Pinning;
use waterwheel::task::{ring, spawn_local};
use waterwheel::{App, Local, Path, Server};

const READ_LEN: usize = 16 << 10;
const FILE_LEN: usize = 256 << 20;
/// Places to read from.
const PLACES: usize = FILE_LEN / READ_LEN;
const WARM_READS: usize = 20_000;
const COLD_READS: usize = 2_000;
const TASKS: usize = 100;
/// All places but some, which show whether the file was cold.
const READS_PER_TASK: usize = 160;

/// Where the file is, and a descriptor of it for advice.
struct Ground {
    folder: Folder,
    plain: std::fs::File,
}

/// Where a read goes: each to a place of its own, and none near the one before.
fn place(number: usize) -> u64 {
    (number * 7_919 % PLACES * READ_LEN) as u64
}

/// Takes the file out of memory. All at once: of a part the kernel keeps what shares a folio.
fn forget(file: &std::fs::File) {
    file.sync_all().unwrap();
    fadvise(file, 0, None, Advice::DontNeed).unwrap();
}

async fn read(file: &File, number: usize) -> Lease {
    let lease = ring().reserve_bytes(READ_LEN).unwrap();
    let lease = file.read_at(place(number), READ_LEN, lease).await.unwrap();
    assert_eq!(lease.len(), READ_LEN);
    lease
}

async fn open_cold(ground: &Ground) -> File {
    let file = fs::open(&ground.folder, "file", Access::Read).await.unwrap();
    forget(&ground.plain);
    let is_cold = |number: usize| !file.is_in_memory(place(number), 1);
    assert!((TASKS * READS_PER_TASK..PLACES).all(is_cold), "the kernel keeps the file in memory");
    file
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at =
        |thousandths: usize| times[(times.len() - 1) * thousandths / 1000].as_nanos() as f64 / 1e3;
    format!("{:>9.1} {:>9.1} {:>9.1} {:>7}", at(500), at(990), at(1000), times.len())
}

/// Goes on in the next turn.
async fn give_way() {
    let mut has_given_way = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_given_way, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Reads one after the other, warm or cold.
async fn timed(Path(kind): Path<String>, ground: Local<Ground>) -> String {
    let (file, count, places) = match kind.as_str() {
        "cold" => (open_cold(&ground).await, COLD_READS, PLACES),
        _ => {
            let file = fs::open(&ground.folder, "file", Access::Read).await.unwrap();
            (0..64).for_each(|number| {
                ground.plain.read_exact_at(&mut [0; READ_LEN], place(number)).unwrap();
            });
            (file, WARM_READS, 64)
        }
    };
    let mut times = Vec::with_capacity(count);
    for number in 0..count {
        if number % 64 == 0 {
            // A future that reads much more than this in one poll is made to give way, which is not
            // a part of a read.
            give_way().await;
        }
        let begun = Instant::now();
        let lease = read(&file, number % places).await;
        times.push(begun.elapsed());
        // Wiped when it is dropped, which `pread` into the same place again and again does without.
        drop(lease);
    }
    percentiles(times)
}

/// Tasks that read cold, and one that is polled in every turn and tells how long turns take.
async fn delays(ground: Local<Ground>) -> String {
    let file = open_cold(&ground).await;
    let reader = |task: usize| {
        let file = file.clone();
        async move {
            for number in 0..READS_PER_TASK {
                drop(read(&file, task + number * TASKS).await);
            }
        }
    };
    let readers: Vec<_> = (0..TASKS).map(|task| spawn_local(reader(task))).collect();
    let (gaps, is_over) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(false)));
    let (noted, over) = (Rc::clone(&gaps), Rc::clone(&is_over));
    let mut last = Instant::now();
    let watch = spawn_local(poll_fn(move |context| {
        noted.borrow_mut().push(last.elapsed());
        last = Instant::now();
        context.waker().wake_by_ref();
        if *over.borrow() { Poll::Ready(()) } else { Poll::Pending }
    }));
    for reader in readers {
        reader.await;
    }
    *is_over.borrow_mut() = true;
    watch.await;
    percentiles(gaps.take())
}

/// Asks for a ping again and again, until `is_over` says so.
fn pings(running: &Running, is_over: impl Fn() -> bool) -> String {
    let mut stream = running.connect();
    let (mut times, mut room) = (Vec::new(), [0; 1024]);
    while !is_over() {
        let asked = Instant::now();
        stream.write_all(b"GET /ping HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
        let count = loop {
            match stream.read(&mut room) {
                // io_uring interrupts threads of its process.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read.unwrap(),
            }
        };
        assert!(count > 0);
        times.push(asked.elapsed());
    }
    percentiles(times)
}

fn line(what: &str, figures: &str) {
    println!("{what:<44} {figures}");
}

/// What a thread sees that waits for the disk itself.
fn blocking_reads(plain: &std::fs::File) {
    let mut room = vec![0; READ_LEN];
    let mut time = |numbers: &mut dyn Iterator<Item = usize>| {
        let time = |number| {
            let begun = Instant::now();
            plain.read_exact_at(&mut room, place(number)).unwrap();
            begun.elapsed()
        };
        percentiles(numbers.map(time).collect())
    };
    time(&mut (0..64));
    line("pread, warm", &time(&mut (0..WARM_READS).map(|number| number % 64)));
    forget(plain);
    line("pread, cold, blocking", &time(&mut (0..COLD_READS)));
}

fn serve(scratch: &Scratch, backend: Backend) -> Running {
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
    let server = Server::new(app).listen("127.0.0.1:0").workers(NonZeroUsize::MIN);
    Running::serve(server.pin(Pinning::Off).ignore_signals().disk(config))
}

#[test]
#[ignore = "measures; see above"]
fn reads_are_quick_and_keep_nobody_waiting() {
    let scratch = Scratch::new();
    let path = scratch.path().join("file");
    let plain = std::fs::File::create_new(&path).unwrap();
    for chunk in 0..FILE_LEN >> 20 {
        plain.write_all_at(&vec![7; 1 << 20], (chunk << 20) as u64).unwrap();
    }
    plain.sync_all().unwrap();
    let plain = std::fs::File::open(&path).unwrap();
    line("16 KiB, microseconds", "      p50       p99      most   times");
    blocking_reads(&plain);
    for backend in [Backend::Uring, Backend::Helper] {
        let name = format!("{backend:?}").to_lowercase();
        let running = serve(&scratch, backend);
        for kind in ["warm", "cold"] {
            let request = format!("GET /timed/{kind} HTTP/1.1\r\nhost: h\r\n\r\n");
            let reply = running.ask(request.as_bytes());
            assert_eq!(reply.status(), 200, "{}", reply.text());
            line(&format!("read_at, {kind}, {name}"), reply.text());
        }
        let begun = Instant::now();
        let alone = pings(&running, || begun.elapsed() > Duration::from_secs(1));
        line(&format!("GET /ping alone, {name}"), &alone);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let turns = scope.spawn(|| {
                let reply = running.ask(b"GET /delays HTTP/1.1\r\nhost: h\r\n\r\n");
                is_over.store(true, Ordering::Relaxed);
                assert_eq!(reply.status(), 200, "{}", reply.text());
                reply.text().to_owned()
            });
            let beside = pings(&running, || is_over.load(Ordering::Relaxed));
            line(&format!("GET /ping beside 100 cold reads, {name}"), &beside);
            line(&format!("a turn beside 100 cold reads, {name}"), &turns.join().unwrap());
        });
        running.stop();
    }
}
