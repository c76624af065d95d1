//! Panics in futures that wait for disks, and in streams that are being sent: they end what they
//! happen in, visibly, and nothing else. What futures wait for otherwise is in `combinators.rs`.

mod scratch;
mod wire;

use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::time::Duration;

use scratch::Scratch;
use waterwheel::fs::{self, Access, Folder};
use waterwheel::lab::{Lab, LabConfig};
use waterwheel::net::TcpStream;
use waterwheel::reactor::sim::{Fault, Faults};
use waterwheel::task::{ring, sleep, spawn_local};
use waterwheel::{App, BodyReader, BodyWriter, Cut, Local, Path, Reply};
use wire::{get, post_chunked, replies, text};

const MS: Duration = Duration::from_millis(1);

/// Panics at one of the points that a future passes.
#[derive(Clone, Copy)]
struct Fuse(usize);

impl Fuse {
    fn pass(self, point: usize) {
        if self.0 == point {
            resume_unwind(Box::new("planned"));
        }
    }
}

/// Does everything there is with files.
async fn work(Path(point): Path<usize>, folder: Local<Folder>) -> String {
    let fuse = Fuse(point);
    let name = format!("file-{point}");
    fuse.pass(0);
    fs::write(&folder, name.as_str(), "0123456789").await.expect("it is written");
    fuse.pass(1);
    let file = fs::open(&folder, name.as_str(), Access::Read).await.expect("it is there");
    fuse.pass(2);
    let lease = ring().reserve_bytes(4).expect("the ring has room");
    let lease = file.read_at(3, 4, lease).await.expect("it can be read");
    fuse.pass(3);
    // It fails while a read is under way, which keeps its run until it comes back.
    let other = spawn_local({
        let (file, more) = (file.clone(), ring().reserve_bytes(4).expect("the ring has room"));
        async move { file.read_at(0, 4, more).await.map(|lease| lease.len()) }
    });
    fuse.pass(4);
    let other = other.await.expect("it can be read");
    fuse.pass(5);
    let whole = fs::read(&folder, name, 100).await.expect("it can be read");
    fuse.pass(6);
    format!("{} {other} {}", String::from_utf8_lossy(lease.payload()), whole.len())
}

const WORK_POINTS: usize = 7;

/// Waits in every way there is while its reply is being sent.
fn pour(Path(point): Path<usize>, folder: Local<Folder>) -> Reply {
    Reply::stream(async move |out: BodyWriter| pour_all(Fuse(point), &folder, out).await)
}

async fn pour_all(fuse: Fuse, folder: &Folder, mut out: BodyWriter) -> Result<(), Cut> {
    fuse.pass(0);
    out.write("one ").await?;
    fuse.pass(1);
    sleep(MS).await;
    fuse.pass(2);
    out.flush().await?;
    fuse.pass(3);
    let file = fs::open(folder, "two", Access::Read).await?;
    let lease = out.reserve(4).await?;
    let lease = file.read_at(0, 4, lease).await?;
    fuse.pass(4);
    out.write_lease(lease).await?;
    fuse.pass(5);
    let stream = TcpStream::connect_timeout(far(), MS * 50).await?;
    fuse.pass(6);
    stream.write_all(b"three").await?;
    let mut room = [0; 16];
    let len = stream.read(&mut room).await?;
    fuse.pass(7);
    out.write(&room[..len]).await?;
    fuse.pass(8);
    Ok(())
}

const POUR_POINTS: usize = 9;

/// Answers while its body comes, window by window.
fn relay(Path(point): Path<usize>, mut body: BodyReader) -> Reply {
    Reply::stream(async move |mut out: BodyWriter| {
        let fuse = Fuse(point);
        let mut number = 0;
        while let Some(window) = body.next().await {
            fuse.pass(number);
            out.write_lease(window?).await?;
            number += 1;
        }
        fuse.pass(RELAY_POINTS - 1);
        Ok(())
    })
}

const RELAY_POINTS: usize = 4;

fn far() -> SocketAddr {
    SocketAddr::from(([10, 9, 8, 7], 7))
}

/// A lab whose disk never has anything in memory.
fn lab(scratch: &Scratch) -> Lab {
    scratch.file("two", "two ");
    let path = scratch.path().to_owned();
    let app = App::new()
        .per_core(move |_| Folder::open(&path).expect("the folder is there"))
        .get("/work/{point}", work)
        .get("/pour/{point}", pour)
        .post("/relay/{point}", relay);
    let mut config = LabConfig::default();
    config.faults = Faults::none().with(Fault::ColdFile, 1.0);
    Lab::with(app, config)
}

/// Lets a client ask whose request fails, and another whose does not; returns what came for each.
fn ask(lab: &mut Lab, failing: &[u8], other: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let backend = lab.world().backend(far());
    let clients = [failing, other].map(|request| {
        let client = lab.connect();
        // In two parts, so that bodies come in windows.
        let (first, rest) = request.split_at(request.len() - 20);
        client.send(first);
        client.send_at(lab.world().now() + MS * 3, rest);
        client
    });
    let (mut received, mut ends) = ([Vec::new(), Vec::new()], Vec::new());
    for _ in 0..2000 {
        lab.advance(MS);
        ends.extend(std::iter::from_fn(|| backend.accept()));
        for end in &ends {
            end.send(&end.received());
        }
        for (client, received) in clients.iter().zip(&mut received) {
            client.receive_into(received);
        }
    }
    // What the client left behind would hide what its panic did.
    clients.iter().for_each(|client| client.close());
    lab.advance(MS * 100);
    let [failed, other] = received;
    (failed, other)
}

/// Nothing is left of what failed.
fn expect_nothing_left(lab: &Lab, point: usize) {
    let worker = lab.worker();
    let left = (worker.sleep_count(), worker.task_count(), worker.source_count());
    assert_eq!(left, (0, 0, 0), "point {point}");
    let left = (worker.file_work_count(), lab.leased_segments(), lab.world().outgoing_sockets());
    assert_eq!(left, (0, 0, 0), "point {point}");
    assert_eq!(lab.open_connections(), 0, "point {point}");
}

#[test]
fn panic_around_a_file_is_a_500() {
    let scratch = Scratch::new();
    for point in 0..=WORK_POINTS {
        let mut lab = lab(&scratch);
        let (failed, other) = ask(&mut lab, &get(&format!("/work/{point}")), &get("/work/99"));
        let (failed, other) = (replies(&failed), replies(&other));
        let status = if point < WORK_POINTS { 500 } else { 200 };
        assert_eq!((failed.len(), failed[0].status()), (1, status), "point {point}");
        assert_eq!((other.len(), other[0].text()), (1, "3456 4 10"), "point {point}");
        expect_nothing_left(&lab, point);
    }
}

#[test]
fn panic_in_a_stream_is_a_visible_cut() {
    let scratch = Scratch::new();
    for point in 0..=POUR_POINTS {
        let mut lab = lab(&scratch);
        let (failed, other) = ask(&mut lab, &get(&format!("/pour/{point}")), &get("/pour/99"));
        let (failed, other) = (text(&failed), replies(&other));
        assert_eq!(other[0].text(), "one two three", "point {point}");
        assert!(failed.starts_with("HTTP/1.1 200 "), "point {point}: {failed}");
        let is_whole = failed.ends_with("\r\n0\r\n\r\n");
        assert_eq!(is_whole, point >= POUR_POINTS, "point {point}: {failed}");
        expect_nothing_left(&lab, point);
    }
}

#[test]
fn panic_between_the_windows_of_a_body_is_a_visible_cut() {
    let scratch = Scratch::new();
    let mut cuts = 0;
    for point in 0..=RELAY_POINTS {
        let mut lab = lab(&scratch);
        let request = |point: usize| {
            post_chunked(&format!("/relay/{point}"), b"first window, second window, end", 14)
        };
        let (failed, other) = ask(&mut lab, &request(point), &request(99));
        let (failed, other) = (text(&failed), replies(&other));
        assert_eq!(other[0].text(), "first window, second window, end", "point {point}");
        let is_whole = failed.ends_with("\r\n0\r\n\r\n");
        cuts += usize::from(!is_whole);
        assert!(!is_whole || point > 0 && point != RELAY_POINTS - 1, "point {point}: {failed}");
        expect_nothing_left(&lab, point);
    }
    assert!(cuts >= 3, "only {cuts} of the points were passed");
}
