//! Connections that handlers make: in the lab, under faults, and to sockets of the kernel.

mod running;
mod wire;

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;
use std::time::Duration;

use running::Running;
use waterwheel::http::StatusCode;
use waterwheel::lab::{Lab, LabConfig, LabReply};
use waterwheel::net::{Remote, Stream, TcpStream, UnixStream, lookup};
use waterwheel::reactor::sim::{Backend, Client, Fault, Faults};
use waterwheel::task::{Watched, spawn_local};
use waterwheel::{App, Query};
use wire::{get, replies, statuses};

fn far() -> SocketAddr {
    SocketAddr::from(([10, 9, 8, 7], 6379))
}

/// What went wrong, as a status of its own.
fn status_of(error: &io::Error) -> StatusCode {
    match error.kind() {
        ErrorKind::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::ConnectionRefused => StatusCode::BAD_GATEWAY,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Sends `count` lines of 100 bytes and reads as many bytes back.
async fn echo(remote: Remote, count: usize) -> io::Result<Vec<u8>> {
    let stream = Stream::connect(remote).await?;
    let lines: Vec<String> = (0..count).map(|line| format!("{line:099}\n")).collect();
    let mut slices: Vec<_> = lines.iter().map(|line| IoSlice::new(line.as_bytes())).collect();
    stream.write_vectored(&mut slices).await?;
    stream.shutdown_write()?;
    let mut received = Vec::new();
    let mut room = [0; 700];
    loop {
        match stream.read(&mut room).await? {
            0 => return Ok(received),
            len => received.extend_from_slice(&room[..len]),
        }
    }
}

async fn echo_far(count: usize) -> Result<Vec<u8>, StatusCode> {
    echo(far().into(), count).await.map_err(|error| status_of(&error))
}

fn app() -> App {
    App::new()
        .get("/echo", async || echo_far(5).await)
        .get("/longer", async || echo_far(50).await)
        .get("/long", async || echo_far(10_000).await)
        .get("/brief", async || match TcpStream::connect_timeout(far(), SECOND).await {
            Ok(_) => StatusCode::OK,
            Err(error) => status_of(&error),
        })
}

fn expected(count: usize) -> Vec<u8> {
    (0..count).flat_map(|line| format!("{line:099}\n").into_bytes()).collect()
}

/// A backend that sends back what it gets, and ends when its peer has.
struct Echoes {
    backend: Backend,
    clients: Vec<Client>,
}

impl Echoes {
    fn new(lab: &Lab) -> Self {
        Self { backend: lab.world().backend(far()), clients: Vec::new() }
    }

    fn act(&mut self) {
        self.clients.extend(std::iter::from_fn(|| self.backend.accept()));
        for client in &self.clients {
            let bytes = client.received();
            if !bytes.is_empty() {
                client.send(&bytes);
            }
            if client.end().is_some() {
                client.shutdown_write();
            }
        }
    }
}

/// Turns until nothing happens any more, the backend between turns.
fn play(lab: &mut Lab, echoes: &mut Echoes) {
    let end = lab.world().now() + SECOND * 5;
    lab.world().wake_at(0, end);
    while lab.world().now() < end {
        lab.turn();
        echoes.act();
    }
}

#[test]
fn handler_talks_to_a_backend() {
    let mut lab = Lab::new(app());
    let mut echoes = Echoes::new(&lab);
    let client = lab.connect();
    client.send(&[get("/echo"), get("/long")].concat());
    play(&mut lab, &mut echoes);
    let replies = replies(&client.received());
    assert_eq!(replies[0].body(), expected(5));
    assert_eq!(replies[1].body(), expected(10_000));
    assert_eq!(lab.worker().source_count(), 0);
    assert_eq!(lab.world().outgoing_sockets(), 0);
}

#[test]
fn nobody_listens() {
    let mut lab = Lab::new(app());
    assert_eq!(lab.get("/echo").send().status(), 502);
    assert_eq!(lab.worker().source_count(), 0);
}

#[test]
fn connecting_takes_no_longer_than_allowed() {
    let mut config = LabConfig::default();
    config.faults = Faults::none().with(Fault::ConnectLost, 1.0);
    let mut lab = Lab::with(app(), config);
    let mut echoes = Echoes::new(&lab);
    let client = lab.connect();
    client.send(&get("/brief"));
    play(&mut lab, &mut echoes);
    assert_eq!(statuses(&client.received()), [504]);
    assert_eq!((lab.worker().source_count(), lab.worker().sleep_count()), (0, 0));
}

#[test]
fn client_that_leaves_takes_the_connection_with_it() {
    let mut lab = Lab::new(app());
    let backend = lab.world().backend(far());
    let client = lab.connect();
    client.send(&get("/echo"));
    lab.settle();
    let _far_end = backend.accept().expect("the handler has connected");
    assert_eq!((lab.worker().source_count(), lab.world().outgoing_sockets()), (1, 1));
    client.close();
    lab.settle();
    assert_eq!((lab.worker().source_count(), lab.world().outgoing_sockets()), (0, 0));
}

#[test]
fn faults_lose_and_leak_nothing() {
    let mut whole = 0;
    for seed in 0..200 {
        let mut config = LabConfig::default();
        config.seed = seed;
        config.faults = Faults::from_seed(seed);
        for ending in [Fault::PeerReset, Fault::ClockJump, Fault::ConnectLost] {
            config.faults.set(ending, config.faults.rate(ending) / 4.0);
        }
        let mut lab = Lab::with(app(), config);
        let mut echoes = Echoes::new(&lab);
        let clients: Vec<_> = (0..4).map(|_| lab.connect()).collect();
        for client in &clients {
            client.send(&[get("/echo"), get("/longer")].concat());
        }
        play(&mut lab, &mut echoes);
        lab.world().stop_faults();
        for _ in 0..20 {
            play(&mut lab, &mut echoes);
        }
        for client in &clients {
            let received = client.received();
            let mut rest = &received[..];
            for expected in [expected(5), expected(50)] {
                let Some(reply) = LabReply::parse(rest, false, false) else { break };
                rest = &rest[reply.wire_len()..];
                if reply.status() == 200 {
                    assert!(reply.body() == expected, "seed {seed}: bytes changed");
                    whole += 1;
                }
            }
        }
        drop(clients);
        play(&mut lab, &mut echoes);
        let left = (lab.worker().source_count(), lab.worker().sleep_count());
        assert_eq!(left, (0, 0), "seed {seed}");
        assert_eq!(lab.world().outgoing_sockets(), 0, "seed {seed}");
    }
    assert!(whole > 700, "only {whole} replies were whole");
}

#[test]
fn halves_live_in_different_tasks() {
    async fn count() -> io::Result<usize> {
        let (mut reading, mut writing) = Stream::connect(far()).await?.into_split();
        let writer = spawn_local(async move { writing.write_all(&[b'x'; 1000]).await });
        let mut count = 0;
        let mut room = [0; 300];
        while let len @ 1.. = reading.read(&mut room).await? {
            count += len;
        }
        writer.await?;
        Ok(count)
    }
    let app =
        App::new().get("/", async || count().await.map_or("failed".to_owned(), |n| n.to_string()));
    let mut lab = Lab::new(app);
    let mut echoes = Echoes::new(&lab);
    let client = lab.connect();
    client.send(&get("/"));
    play(&mut lab, &mut echoes);
    assert_eq!(replies(&client.received())[0].text(), "1000");
    assert_eq!(lab.world().outgoing_sockets(), 0);
}

async fn echo_long(remote: Remote) -> Vec<u8> {
    echo(remote, 10_000).await.unwrap_or_default()
}

fn found<T>(_: T) -> String {
    "found".to_owned()
}

/// Sends back all that one peer sends.
fn echo_once(mut stream: impl Read + Write) {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the server writes");
    stream.write_all(&bytes).expect("the server reads");
}

#[test]
fn tcp_and_unix_sockets_of_the_kernel_work() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("outgoing-{}", std::process::id()));
    drop(std::fs::remove_file(&path));
    let unix = UnixListener::bind(&path).unwrap();
    let backends = [
        thread::spawn(move || echo_once(tcp.accept().unwrap().0)),
        thread::spawn(move || echo_once(unix.accept().unwrap().0)),
    ];
    let (missing, remote) = (folder.join("missing"), Remote::Unix(path.clone()));
    let server = Running::start(
        App::new()
            .get("/tcp", move || async move { echo_long(address.into()).await })
            .get("/unix", move || echo_long(remote.clone()))
            .get("/missing", move || {
                let connecting = UnixStream::connect(missing.clone());
                async { connecting.await.map_or_else(|error| error.kind().to_string(), found) }
            }),
    );
    assert_eq!(server.ask(&get("/tcp")).body(), expected(10_000));
    assert_eq!(server.ask(&get("/unix")).body(), expected(10_000));
    assert_eq!(server.ask(&get("/missing")).text(), ErrorKind::NotFound.to_string());
    for backend in backends {
        backend.join().unwrap();
    }
    server.stop();
    std::fs::remove_file(path).unwrap();
}

#[test]
fn closed_port_is_refused() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Running::start(App::new().get("/", move || async move {
        let connecting = TcpStream::connect(address).await;
        connecting.map_or_else(|error| error.kind().to_string(), found)
    }));
    assert_eq!(server.ask(&get("/")).text(), ErrorKind::ConnectionRefused.to_string());
    server.stop();
}

/// Asks for the host that the query names.
async fn look_up(Query(query): Query<Host>) -> String {
    match lookup(&query.host).await {
        Ok(addresses) => addresses.iter().map(|address| format!("{address} ")).collect(),
        Err(error) => error.kind().to_string(),
    }
}

#[derive(serde::Deserialize)]
struct Host {
    host: String,
}

#[test]
fn names_stand_for_addresses_and_addresses_for_themselves() {
    let mut lab = Lab::new(App::new().get("/", look_up));
    lab.world().name("far", &[far().ip(), "::1".parse().unwrap()]);
    let mut ask = |host: &str| lab.get(&format!("/?host={host}")).send().text().to_owned();
    assert_eq!(ask("far"), "10.9.8.7 ::1 ");
    assert_eq!(ask("192.0.2.1"), "192.0.2.1 ");
    assert_eq!(ask("::1"), "::1 ");
    assert_eq!(ask("[::1]"), "::1 ");
    assert_eq!(ask("near"), ErrorKind::NotFound.to_string());
    assert_eq!(ask(""), ErrorKind::InvalidInput.to_string());
    assert_eq!(ask("a%00b"), ErrorKind::InvalidInput.to_string());
    assert_eq!(ask(&"x".repeat(254)), ErrorKind::InvalidInput.to_string());
}

#[test]
fn answers_are_remembered_for_half_a_minute() {
    let mut lab = Lab::new(App::new().get("/", look_up));
    let ask = |lab: &mut Lab| lab.get("/?host=far").send().text().to_owned();
    assert_eq!(ask(&mut lab), ErrorKind::NotFound.to_string());
    lab.world().name("far", &[far().ip()]);
    assert_eq!(ask(&mut lab), ErrorKind::NotFound.to_string());
    lab.advance(SECOND);
    assert_eq!(ask(&mut lab), "10.9.8.7 ");
    lab.world().name("far", &["192.0.2.1".parse().unwrap()]);
    lab.advance(SECOND * 28);
    assert_eq!(ask(&mut lab), "10.9.8.7 ");
    lab.advance(SECOND * 2);
    assert_eq!(ask(&mut lab), "192.0.2.1 ");
}

#[test]
fn host_is_tried_address_by_address() {
    let app = App::new().get("/", async || {
        match TcpStream::connect_host("far", 6379, SECOND * 4).await {
            Ok(_) => "connected".to_owned(),
            Err(error) => error.kind().to_string(),
        }
    });
    let mut lab = Lab::new(app);
    assert_eq!(lab.get("/").send().text(), ErrorKind::NotFound.to_string());
    lab.advance(SECOND);
    lab.world().name("far", &["192.0.2.1".parse().unwrap(), far().ip()]);
    assert_eq!(lab.get("/").send().text(), ErrorKind::ConnectionRefused.to_string());
    let _backend = lab.world().backend(far());
    assert_eq!(lab.get("/").send().text(), "connected");
}

#[test]
fn system_knows_localhost() {
    let server = Running::start(App::new().get("/", look_up));
    let found = server.ask(&get("/?host=localhost"));
    assert!(found.text().contains("127.0.0.1") || found.text().contains("::1"), "{found:?}");
    assert_eq!(server.ask(&get("/?host=localhost")).text(), found.text());
    server.stop();
}

#[test]
fn descriptor_of_another_is_watched() {
    let server = Running::start(App::new().get("/", async || {
        let (reading, mut writing) = io::pipe().expect("a pipe can be made");
        rustix::io::ioctl_fionbio(&reading, true).expect("a pipe can be told not to block");
        let watched = Watched::new(reading).expect("a pipe can be watched");
        let writer = thread::spawn(move || writing.write_all(b"from a thread"));
        let mut room = [0; 64];
        let len = loop {
            watched.readable().await;
            match watched.get_ref().read(&mut room) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => watched.note_unreadable(),
                read => break read.expect("a pipe can be read"),
            }
        };
        writer.join().expect("the thread ends").expect("a pipe takes a few bytes");
        room[..len].to_vec()
    }));
    assert_eq!(server.ask(&get("/")).body(), b"from a thread");
    assert_eq!(server.ask(&get("/")).body(), b"from a thread");
    server.stop();
}

const SECOND: Duration = Duration::from_secs(1);
