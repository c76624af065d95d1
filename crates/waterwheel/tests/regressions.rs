//! Bugs that were fixed, and stay fixed: one test each, named after the issue and the claim.

mod scratch;
mod wire;

use std::time::Duration;

use scratch::Scratch;
use waterwheel::fs::{self, Access, Folder};
use waterwheel::lab::{Lab, LabConfig};
use waterwheel::reactor::sim::{Fault, Faults};
use waterwheel::{App, BodyWriter, Files, Handler, InPlace, Limits, Local, Reply, Tls};
use wire::{get, post, post_chunked, replies, statuses};

/// A server whose ring of 4 KiB holds one request of the longest kind, and little else.
fn cramped_lab() -> Lab {
    let mut limits = Limits::default();
    limits.head_len_max = 512;
    limits.target_len_max = 256;
    limits.body_len_max = 2500;
    limits.queued_output_max = 1;
    let app =
        App::new().limits(limits).get("/", || "home").post("/same", |body: InPlace<[u8]>| body);
    let mut config = LabConfig::default();
    config.ring.segment_len = 1024;
    config.ring.segment_count = 4;
    config.worker.read_len = 1024;
    Lab::with(app, config)
}

/// A parked request returned to the ring together with all that was pipelined behind it: more than
/// the ring can hold, so it waited for room until its deadline passed.
#[test]
fn issue_2_what_follows_a_parked_request_needs_no_room_in_the_ring() {
    let mut lab = cramped_lab();
    let client = lab.connect();
    let request = post("/same", &[b'x'; 2000]);
    let (first, rest) = request.split_at(1000);
    client.send(first);
    lab.settle();
    assert_eq!(lab.leased_segments(), 0, "the first half is parked");
    client.send(rest);
    client.send(&get("/").repeat(200));
    lab.settle();
    assert_eq!(statuses(&client.received()), [200; 201]);
}

/// The framing between chunks was carried into the ring along with the content, so a body in small
/// chunks needed more room than the plan for its route.
#[test]
fn issue_2_framing_of_a_chunked_body_needs_no_room_in_the_ring() {
    let mut lab = cramped_lab();
    let client = lab.connect();
    client.send(&post_chunked("/same", &[b'x'; 2000], 1));
    lab.settle();
    let replies = replies(&client.received());
    assert_eq!(replies.len(), 1);
    assert_eq!((replies[0].status(), replies[0].body()), (200, &[b'x'; 2000][..]));
}

/// The worker kept runs ready for its next read and its next reply while a connection starved for
/// want of the contiguous run that they cut in two.
#[test]
fn issue_2_worker_gives_its_spare_runs_to_a_connection_that_starves() {
    let mut lab = cramped_lab();
    let (first, second) = (lab.connect(), lab.connect());
    first.send(&get("/"));
    lab.settle();
    second.send(&post("/same", &[b'x'; 2500]));
    lab.settle();
    assert_eq!(statuses(&first.received()), [200]);
    assert_eq!(statuses(&second.received()), [200]);
}

/// A drain that began between a reply and the next request read on with the room that the last body
/// had asked for: more than the ring has, so the connection starved until it was cut.
#[test]
fn issue_2_drain_reads_on_without_the_room_of_the_last_body() {
    let mut lab = cramped_lab();
    let client = lab.connect();
    let request = post_chunked("/same", &[b'x'; 300], 100);
    let (first, rest) = request.split_at(200);
    client.send(first);
    lab.settle();
    client.send(rest);
    lab.turn();
    lab.drain();
    lab.advance(Duration::from_secs(3));
    assert_eq!(statuses(&client.received()), [200]);
    assert!(lab.worker().is_finished());
    assert_eq!((lab.worker().report().finished, lab.worker().report().cut), (1, 0));
}

/// Bytes dropped while a connection lingers are received bytes.
#[test]
fn issue_2_bytes_dropped_behind_the_last_reply_are_counted() {
    let mut lab = cramped_lab();
    let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let (first, second) = (&request[..], &[b'x'; 3000][..]);
    let client = lab.connect();
    client.send(first);
    lab.settle();
    client.send(second);
    lab.settle();
    assert_eq!(lab.metrics().received_len, (first.len() + second.len()) as u64);
}

/// The empty line that some clients send behind a body counted as the start of a head, so that a
/// connection that was merely idle got a 408.
#[test]
fn issue_2_an_empty_line_behind_a_request_begins_no_other() {
    let mut lab = Lab::new(App::new().get("/", || "home"));
    let client = lab.connect();
    client.send(&[get("/"), b"\r\n".to_vec()].concat());
    lab.advance(Duration::from_secs(60));
    assert_eq!(statuses(&client.received()), [200]);
    client.send(&get("/"));
    lab.settle();
    assert_eq!(statuses(&client.received()), [200], "it does not spoil the next request either");
    lab.advance(Duration::from_secs(80));
    assert_eq!((client.received().len(), lab.open_connections()), (0, 0));
}

/// Where a route was expensive its replies had no way to the kernel's own sending of files: those
/// that had begun before turned without end until the route was cheap again.
#[test]
fn issue_7_a_file_is_sent_by_the_kernel_also_where_its_route_is_expensive() {
    let scratch = Scratch::new();
    scratch.file("file", vec![b'f'; 1_000_000]);
    let path = scratch.path().to_owned();
    let handler = async |folder: Local<Folder>| {
        let file = fs::open(&folder, "file", Access::Read).await.expect("the file is there");
        let write = async move |mut out: BodyWriter| {
            assert!(out.takes_files());
            for part in 0..4 {
                out.send_file(file.part(part * 250_000, 250_000)).await?;
            }
            Ok(())
        };
        Reply::stream(write).with_content_len(1_000_000)
    };
    let app = App::new()
        .per_core(move |_| Folder::open(&path).expect("the folder is there"))
        .get("/file", handler.expensive());
    let mut lab = Lab::new(app);
    let client = lab.connect();
    client.send(&get("/file"));
    let turns = (1..).take_while(|_| {
        lab.turn();
        client.received_len() < 1_000_000
    });
    let turns = turns.take(100).count();
    assert!(client.received().ends_with(&[b'f'; 1_000_000]));
    // Each part is begun by the expensive job of one turn.
    assert!(turns < 20, "{turns} turns");
}

/// A body with the next request right behind it had no room to be shifted to where a type of native
/// alignment can start, and its client was told that it had sent something wrong.
#[test]
fn issue_5_pipelined_bodies_are_seen_as_types_of_native_alignment() {
    let sum = |numbers: InPlace<[u64]>| numbers.iter().sum::<u64>().to_string();
    let mut lab = Lab::new(App::new().post("/sum", sum));
    let client = lab.connect();
    let body = [1u64, 2, 39].map(u64::to_ne_bytes).concat();
    for pad in 0..8 {
        // Eight lengths of the head: the body starts at every address once.
        let target = format!("/sum?{}", "x".repeat(pad));
        client.send(&post(&target, &body).repeat(3));
    }
    lab.settle();
    let received = client.received();
    let texts: Vec<_> = replies(&received).iter().map(|reply| reply.text().to_owned()).collect();
    assert_eq!(texts, ["42"; 24]);
}

/// A path that answers any method refused those that HTTP does not name, and took HEAD away from
/// the route for GET. The server itself was not found.
#[test]
fn issue_5_any_method_means_any() {
    let app = App::new().any("/any", || "any").get("/any", || "get").get("/one", || "one");
    let mut lab = Lab::new(app);
    let mut ask = |method: &str, target: &str| lab.request(method, target).send();
    assert_eq!(ask("PROPFIND", "/any").text(), "any");
    assert_eq!(ask("DELETE", "/any").text(), "any");
    assert_eq!(ask("GET", "/any").text(), "get");
    assert_eq!(ask("HEAD", "/any").header("content-length"), Some("3"));
    assert_eq!(ask("PROPFIND", "/one").status(), 405);
    let client = lab.connect();
    client.send(b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n");
    client.send(b"OPTIONS * HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx");
    client.send(b"CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n");
    lab.settle();
    assert_eq!(statuses(&client.received()), [204, 204, 404]);
}

/// A client that has ended its side was taken for gone while its file was not in memory.
#[test]
fn issue_7_a_client_that_asks_for_nothing_more_gets_its_file() {
    let scratch = Scratch::new();
    scratch.file("short", "turning");
    scratch.file("long", vec![b'f'; 300_000]);
    for name in ["short", "long"] {
        let files = Files::new(scratch.path()).expect("the folder is there");
        let mut config = LabConfig::default();
        config.faults = Faults::none().with(Fault::ColdFile, 1.0);
        let mut lab = Lab::with(App::new().files("/", files), config);
        let client = lab.connect();
        client.send(&get(&format!("/{name}")));
        client.shutdown_write();
        lab.advance(Duration::from_secs(10));
        let len = if name == "short" { 7 } else { 300_000 };
        let received = client.received();
        let reply = &replies(&received)[0];
        assert_eq!((reply.status(), reply.body().len()), (200, len), "{name}");
    }
}

/// A handshake whose time was over needed a step of its turn to be ended. Where more waited than a
/// turn has steps, those that were looked at took them from those that were to end: none ever did,
/// and the worker turned without a pause.
#[test]
fn issue_7_handshakes_that_stop_halfway_end_however_many_they_are() {
    let mut config = LabConfig::default();
    config.tls = Some(Tls::self_signed(&["localhost"]).unwrap());
    let mut lab = Lab::with(App::new().get("/", || "home"), config);
    let clients: Vec<_> = (0..50).map(|_| lab.connect()).collect();
    for client in &clients {
        // The beginning of a record of 200 bytes with a ClientHello (RFC 8446 §5.1, §4).
        client.send(&[22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]);
    }
    lab.advance(Duration::from_secs(9));
    assert_eq!(lab.open_connections(), 50);
    let before = lab.metrics().turns;
    lab.advance(Duration::from_secs(4));
    assert_eq!(lab.open_connections(), 0);
    assert!(clients.iter().all(|client| client.end().is_some()));
    let turns = lab.metrics().turns - before;
    assert!(turns < 200, "{turns} turns");
}
