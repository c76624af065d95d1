//! Futures that never have to wait give way all the same: counted in turns of the worker, not in
//! time.

mod scratch;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use scratch::Scratch;
use waterwheel::fs::{self, Access, Folder};
use waterwheel::lab::Lab;
use waterwheel::net::TcpStream;
use waterwheel::reactor::sim::{Backend, Client};
use waterwheel::task::{ring, sleep, spawn_local, timeout};
use waterwheel::{App, Local};

/// What the futures of a test have done.
struct Done {
    folder: Folder,
    count: Arc<AtomicUsize>,
}

impl Done {
    fn one_more(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reads the same 16 KiB for ever.
async fn read_on(done: Local<Done>) {
    let file = fs::open(&done.folder, "file", Access::Read).await.expect("the file is there");
    loop {
        let lease = ring().reserve_bytes(READ_LEN).expect("the ring has room");
        let lease = file.read_at(0, READ_LEN, lease).await.expect("the file can be read");
        assert_eq!(lease.len(), READ_LEN);
        done.one_more();
    }
}

async fn read_in_handler(done: Local<Done>) -> &'static str {
    read_on(done).await;
    "never"
}

/// A hundred tasks that read.
async fn read_in_tasks(done: Local<Done>) -> &'static str {
    for _ in 0..100 {
        drop(spawn_local(read_on(done.clone())));
    }
    "begun"
}

async fn sleep_on(done: Local<Done>) -> &'static str {
    loop {
        sleep(Duration::ZERO).await;
        done.one_more();
    }
}

async fn spawn_on(done: Local<Done>) -> &'static str {
    loop {
        spawn_local(async {}).await;
        done.one_more();
    }
}

/// Writes to a peer that takes everything at once.
async fn write_on(done: Local<Done>) -> &'static str {
    let peer = TcpStream::connect_timeout(peer(), Duration::from_secs(1)).await;
    let peer = peer.expect("the peer is there");
    loop {
        peer.write_all(b"abc").await.expect("the peer takes everything");
        done.one_more();
    }
}

/// Gives a future a second that would not give up the worker.
async fn read_for_a_second(done: Local<Done>) -> &'static str {
    match timeout(Duration::from_secs(1), read_on(done)).await {
        Ok(()) => "never",
        Err(_) => "a second",
    }
}

fn peer() -> SocketAddr {
    ([10, 255, 0, 2], 9).into()
}

/// A lab, and how much the futures in it have done.
struct Bout {
    lab: Lab,
    count: Arc<AtomicUsize>,
    _scratch: Scratch,
    client: Client,
    /// Where futures may connect to. Its ends take whatever comes.
    peer: Backend,
}

impl Bout {
    /// Asks for `target` and turns until its future is at work.
    fn begin(target: &str) -> Self {
        let scratch = Scratch::new();
        scratch.file("file", vec![7; READ_LEN]);
        let path = scratch.path().to_owned();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let per_core = move |_| Done {
            folder: Folder::open(&path).expect("the folder is there"),
            count: Arc::clone(&counted),
        };
        let app = App::new()
            .per_core(per_core)
            .get("/ping", || "pong")
            .get("/read", read_in_handler)
            .get("/reads", read_in_tasks)
            .get("/second", read_for_a_second)
            .get("/sleep", sleep_on)
            .get("/spawn", spawn_on)
            .get("/write", write_on);
        let mut lab = Lab::new(app);
        let peer = lab.world().backend(peer());
        let client = ask(&lab, target);
        while count.load(Ordering::Relaxed) == 0 {
            lab.turn();
        }
        Self { lab, count, _scratch: scratch, client, peer }
    }

    /// How much is done in one turn.
    fn turn(&mut self) -> usize {
        let before = self.count.load(Ordering::Relaxed);
        self.lab.turn();
        self.count.load(Ordering::Relaxed) - before
    }

    /// Every turn does so much, and somebody else is answered as soon as on a worker with nothing
    /// else to do.
    fn expect_per_turn(&mut self, done: usize) {
        self.turn();
        for _ in 0..10 {
            assert_eq!(self.turn(), done);
            let other = ask(&self.lab, "/ping");
            (0..PING_TURNS).for_each(|_| assert_eq!(self.turn(), done));
            assert!(other.received().ends_with(b"pong"));
        }
    }
}

fn ask(lab: &Lab, target: &str) -> Client {
    let client = lab.connect();
    client.send(format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes());
    client
}

#[test]
fn a_ping_takes_so_many_turns() {
    let mut lab = Lab::new(App::new().get("/ping", || "pong"));
    let client = ask(&lab, "/ping");
    let turns = (1..).take_while(|_| {
        lab.turn();
        client.received_len() == 0
    });
    assert_eq!(turns.count() + 1, PING_TURNS);
}

#[test]
fn a_handler_reads_so_much_in_a_turn_and_no_more() {
    Bout::begin("/read").expect_per_turn(READS_PER_POLL);
}

#[test]
fn tasks_together_read_as_much_in_a_turn_as_one() {
    Bout::begin("/reads").expect_per_turn(READS_PER_POLL);
}

#[test]
fn sleeping_for_no_time_gives_way() {
    Bout::begin("/sleep").expect_per_turn(OPERATIONS_PER_POLL);
}

#[test]
fn spawning_what_ends_at_once_gives_way() {
    Bout::begin("/spawn").expect_per_turn(OPERATIONS_PER_POLL);
}

#[test]
fn a_time_limit_holds_for_what_never_waits() {
    let mut bout = Bout::begin("/second");
    bout.turn();
    assert_eq!(bout.client.received_len(), 0);
    bout.lab.world().advance(Duration::from_secs(2));
    (0..PING_TURNS).for_each(|_| assert!(bout.turn() <= READS_PER_POLL));
    assert!(bout.client.received().ends_with(b"a second"));
}

#[test]
fn writing_to_a_quick_peer_gives_way() {
    let mut bout = Bout::begin("/write");
    let _peer = bout.peer.accept().expect("the future has connected");
    bout.expect_per_turn(WRITES_PER_POLL);
}

const READ_LEN: usize = 16 << 10;
/// What a poll may do.
const OPERATIONS_PER_POLL: usize = 256;
/// Each is an operation that moves something.
const READS_PER_POLL: usize = 128;
/// A socket's cost more.
const WRITES_PER_POLL: usize = 32;
const PING_TURNS: usize = 2;
