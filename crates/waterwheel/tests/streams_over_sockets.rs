//! Streams over real sockets: longer than the ring, reset in the middle, to the disk, and events.
//!
//! `WATERWHEEL_ECHO_MIB` sets the length of the long echo.

mod running;
mod wire;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use running::{Running, eventually};
use waterwheel::fs::{Access, Folder};
use waterwheel::task::sleep;
use waterwheel::{App, BodyError, BodyReader, Event, Gauges, Local, Path, Reply};
use wire::{get, post, text};

fn echo(mut body: BodyReader) -> Reply {
    Reply::stream(|mut out| async move {
        while let Some(window) = body.next().await {
            out.write_lease(window?).await?;
        }
        Ok(())
    })
}

fn endless() -> Reply {
    Reply::stream(|mut out| async move {
        loop {
            out.write([b'x'; 10_000]).await?;
        }
    })
}

async fn store(
    Path(name): Path<String>,
    mut body: BodyReader,
    folder: Local<Folder>,
) -> Result<String, BodyError> {
    let file = waterwheel::fs::open(&folder, name, Access::Replace).await.expect("it can be made");
    let mut len = 0;
    while let Some(window) = body.next().await {
        let window = window?;
        let window_len = window.len() as u64;
        file.write_at(len, window).await.expect("there is room on the disk");
        len += window_len;
    }
    Ok(len.to_string())
}

fn app() -> App {
    App::new()
        .post("/echo", echo)
        .get("/endless", endless)
        .get("/leased", |gauges: Gauges| format!("{} {}", gauges.leased, gauges.leased_max))
        .get("/events", || {
            Reply::events(|mut events| async move {
                for number in 0..3 {
                    events.send(Event::data(&number.to_string())).await?;
                    sleep(Duration::from_millis(20)).await;
                }
                Ok(())
            })
        })
}

/// Segments leased now, and the most that ever were.
fn leased(server: &Running) -> (usize, usize) {
    let reply = server.ask(&get("/leased"));
    let (now, most) = reply.text().split_once(' ').expect("two numbers");
    (now.parse().expect("a number"), most.parse().expect("a number"))
}

/// The byte at a place of a long body.
fn byte_at(place: u64) -> u8 {
    let mixed = (place ^ (place >> 7)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed.to_be_bytes()[0]
}

fn piece(from: u64, len: usize) -> Vec<u8> {
    (from..).take(len).map(byte_at).collect()
}

#[test]
fn echo_longer_than_the_ring_is_right_byte_by_byte() {
    let mebibytes = std::env::var("WATERWHEEL_ECHO_MIB").map_or(24, |text| {
        text.parse().unwrap_or_else(|_| panic!("WATERWHEEL_ECHO_MIB is a number, not `{text}`"))
    });
    let len: u64 = mebibytes << 20;
    let server = Running::start(app());
    let stream = server.connect();
    let mut upload = stream.try_clone().expect("a second handle");
    let sender = thread::spawn(move || {
        let head = format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {len}\r\n\r\n");
        upload.write_all(head.as_bytes()).expect("the server reads");
        let mut sent = 0;
        while sent < len {
            let bytes = piece(sent, 1 << 18);
            upload.write_all(&bytes).expect("the server reads");
            sent += bytes.len() as u64;
        }
    });
    let mut reader = BufReader::with_capacity(1 << 18, stream);
    while line(&mut reader) != "\r\n" {}
    let (mut received, mut content) = (0, Vec::new());
    loop {
        let size = line(&mut reader);
        let size = usize::from_str_radix(size.trim_end(), 16).expect("the size of a chunk");
        content.resize(size + 2, 0);
        reader.read_exact(&mut content).expect("a whole chunk");
        assert_eq!(content[size..], *b"\r\n");
        if size == 0 {
            break;
        }
        assert!(content[..size] == piece(received, size), "bytes differ behind {received}");
        received += size as u64;
    }
    assert_eq!(received, len);
    sender.join().expect("everything was sent");
    let (_, most) = leased(&server);
    assert!(most < 300, "{most} segments were leased at once");
    println!("{mebibytes} MiB echoed, at most {most} segments leased");
    server.stop();
}

fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    line
}

#[test]
fn upload_is_on_the_disk_when_it_is_answered() {
    let path = std::env::temp_dir().join(format!("waterwheel-upload-{}", std::process::id()));
    fs::create_dir(&path).expect("a fresh folder");
    let folder = Folder::open(&path).expect("it can be opened");
    let app = app().per_core(move |_| folder.clone()).post("/files/{name}", store);
    let server = Running::start(app);
    let body = piece(0, 3_000_000);
    assert_eq!(server.ask(&post("/files/one", &body)).text(), "3000000");
    let written = fs::read(path.join("one"));
    fs::remove_dir_all(&path).expect("it can be removed");
    assert!(written.expect("the file is there") == body);
    server.stop();
}

#[test]
fn client_that_leaves_in_the_middle_leaves_nothing_behind() {
    let server = Running::start(app());
    let rest = || leased(&server).0;
    let at_rest = rest();
    for path in ["/endless", "/echo"] {
        for how in [Shutdown::Both, Shutdown::Write] {
            let mut stream: TcpStream = server.connect();
            let request = match path {
                "/endless" => get(path),
                _ => post(path, &piece(0, 100_000))[..50_000].to_vec(),
            };
            stream.write_all(&request).expect("the server reads");
            stream.read_exact(&mut [0; 1000]).expect("the reply begins");
            drop(stream.shutdown(how));
        }
    }
    eventually("all segments are back", || rest() == at_rest);
    server.stop();
}

#[test]
fn events_arrive_one_by_one() {
    let server = Running::start(app());
    let mut stream = server.connect();
    stream.write_all(&get("/events")).expect("the server reads");
    let mut received = Vec::new();
    let mut arrivals = 0;
    while !received.ends_with(b"0\r\n\r\n") {
        let mut room = [0; 1000];
        let count = stream.read(&mut room).expect("the server goes on");
        assert_ne!(count, 0, "cut short: {}", text(&received));
        received.extend_from_slice(&room[..count]);
        arrivals += 1;
    }
    assert!(arrivals >= 3, "{arrivals} arrivals: {}", text(&received));
    assert!(text(&received).contains("\r\ndata: 2\n\n\r\n"), "{}", text(&received));
    server.stop();
}
