//! Files that are none, cannot be read, or change while they are sent, over real connections: in
//! the clear and over TLS, by every way that a disk has. Each gets a clear status or an end that
//! nobody can mistake, and nobody waits.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod running;
mod scratch;
mod sealed;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use running::{PATIENCE, Running, read_reply};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use scratch::Scratch;
use sealed::{VERSIONS, client_config, config};
use waterwheel::lab::LabReply;
use waterwheel::reactor::disk::{Backend, DiskConfig, probe};
use waterwheel::runtime::Pinning;
use waterwheel::{App, Files, Server, Tls};

trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

/// A folder, served in the clear and over TLS, by one way of the disk.
struct Site {
    running: Running,
    sealed: SocketAddr,
    client: Arc<ClientConfig>,
    name: String,
}

impl Site {
    fn start(folder: &Path, disk: DiskConfig) -> Self {
        let (config, certificate) = config();
        let tls = Tls::new(config).unwrap();
        let files = Files::new(folder).unwrap().revalidate_after(Duration::ZERO);
        let server = Server::new(App::new().files("/", files))
            .listen("127.0.0.1:0")
            .listen_tls("127.0.0.1:0", &tls)
            .workers(NonZeroUsize::MIN)
            .pin(Pinning::Off)
            .ignore_signals()
            .disk(disk)
            .drain_within(Duration::from_secs(5));
        let bound = server.bind().unwrap();
        let sealed = bound.addresses()[1];
        let name = format!("{:?}, memory first: {}", disk.backend, disk.inline);
        let client = client_config(&certificate, VERSIONS[0]);
        Self { running: Running::of(bound), sealed, client, name }
    }

    fn connect(&self, is_tls: bool) -> Box<dyn Wire> {
        if !is_tls {
            return Box::new(self.running.connect());
        }
        let stream = std::net::TcpStream::connect(self.sealed).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(Arc::clone(&self.client), name).unwrap();
        Box::new(StreamOwned::new(tls, stream))
    }

    fn get(&self, is_tls: bool, target: &str) -> LabReply {
        let mut wire = self.connect(is_tls);
        wire.write_all(&get(target)).unwrap();
        read_reply(&mut wire)
    }
}

/// Every way of the disk, in the clear and over TLS; what the machine lacks is left out.
fn every_way(folder: &Path, claim: impl Fn(&Site, bool)) {
    let mut backends = vec![Backend::Helper];
    if probe().uring.is_ok() {
        backends.push(Backend::Uring);
    }
    for (backend, inline) in backends.iter().flat_map(|one| [(*one, true), (*one, false)]) {
        let mut disk = DiskConfig::default();
        (disk.backend, disk.inline) = (backend, inline);
        let site = Site::start(folder, disk);
        claim(&site, false);
        claim(&site, true);
        let report = site.running.stop();
        assert_eq!(report.cut, 0, "{}", site.name);
    }
}

fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

/// Reads up to `len` bytes, or to an end of any kind but silence.
fn read_up_to(wire: &mut impl Read, len: usize) -> Vec<u8> {
    let mut received = Vec::new();
    let mut room = vec![0; 64 << 10];
    while received.len() < len {
        let wanted = room.len().min(len - received.len());
        match wire.read(&mut room[..wanted]) {
            Ok(0) => break,
            Ok(count) => received.extend_from_slice(&room[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("nothing comes, and no end: {} bytes", received.len())
            }
            // Over TLS an end in the middle is an error.
            Err(_) => break,
        }
    }
    received
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| b'a' + u8::try_from(at % 23).unwrap()).collect()
}

#[test]
fn what_is_no_file_or_cannot_be_had_has_a_clear_status() {
    let scratch = Scratch::new();
    let at = |name: &str| scratch.path().join(name);
    scratch.file("folder/file", "x");
    let mode = Mode::from_raw_mode(0o600);
    mknodat(CWD, at("pipe"), FileType::Fifo, mode, 0).unwrap();
    // Only root may make devices.
    let has_device =
        mknodat(CWD, at("zero"), FileType::CharacterDevice, mode, makedev(1, 5)).is_ok();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    symlink("/dev/zero", at("device")).unwrap();
    symlink("/proc/self/mem", at("memory")).unwrap();
    symlink("around", at("around")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    scratch.file("locked", "x");
    fs::set_permissions(at("locked"), fs::Permissions::from_mode(0o000)).unwrap();
    // Who may read everything reads this too.
    let locked = if fs::read(at("locked")).is_ok() { 200 } else { 403 };
    let (long, deep) = (format!("/{}", "n".repeat(300)), "/d".repeat(2500));
    let device = if has_device { 403 } else { 404 };
    let asked = [
        ("/pipe", 403),
        ("/socket", 403),
        ("/zero", device),
        ("/device", 404),
        ("/memory", 404),
        ("/around", 404),
        ("/dangling", 404),
        ("/folder", 301),
        ("/folder/", 404),
        ("/folder/file/", 404),
        ("/locked", locked),
        (&long, 404),
        (&deep, 404),
        ("/folder%00", 400),
        ("/folder/file%00.html", 400),
        ("/folder%2ffile", 400),
        ("/..%2f..%2fetc%2fpasswd", 400),
        ("/../../etc/passwd", 404),
    ];
    every_way(scratch.path(), |site, is_tls| {
        for _ in 0..2 {
            for (target, status) in asked {
                let reply = site.get(is_tls, target);
                assert_eq!(reply.status(), status, "{}, TLS: {is_tls}, {target}", site.name);
            }
        }
    });
}

#[test]
fn a_file_that_changes_while_it_is_sent_is_sent_as_it_was_or_cut() {
    let content = pattern(LONG);
    let scratch = Scratch::new();
    let path = scratch.path().join("long");
    let write = |file: &str| scratch.file(file, &content);
    let open = || fs::File::options().write(true).open(&path).unwrap();
    every_way(scratch.path(), |site, is_tls| {
        let begin = || {
            let mut wire = site.connect(is_tls);
            wire.write_all(&get("/long")).unwrap();
            let begun = read_up_to(&mut wire, 1000);
            assert!(begun.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", site.name);
            (wire, begun)
        };
        let about = format!("{}, TLS: {is_tls}", site.name);

        write("long");
        let (mut wire, mut received) = begin();
        fs::remove_file(&path).unwrap();
        let head_len = received.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let left = head_len + LONG - received.len();
        received.extend(read_up_to(&mut wire, left));
        assert!(received[head_len..] == content, "{about}: gone, and {} bytes", received.len());
        // The connection goes on, and the file is not there any more.
        wire.write_all(&get("/long")).unwrap();
        assert_eq!(read_reply(&mut wire).status(), 404, "{about}");

        write("long");
        let (mut wire, mut received) = begin();
        open().set_len(2 * LONG as u64).unwrap();
        received.extend(read_up_to(&mut wire, left));
        assert!(received[head_len..] == content, "{about}: longer, and {} bytes", received.len());
        wire.write_all(&get("/none")).unwrap();
        assert_eq!(read_reply(&mut wire).status(), 404, "{about}: the reply ends where it said");

        write("long");
        let (mut wire, mut received) = begin();
        // To nothing: of a page that the file keeps in part, the kernel wipes the rest, and that is
        // the page that it has queued.
        open().set_len(0).unwrap();
        received.extend(read_up_to(&mut wire, 2 * LONG));
        assert!(received.len() < LONG, "{about}: shorter, and {} bytes", received.len());
        assert!(content.starts_with(&received[head_len..]), "{about}: other bytes");
    });
}

#[test]
fn a_file_with_holes_reads_as_zeros_there() {
    let scratch = Scratch::new();
    scratch.file("sparse", "begin");
    let path = scratch.path().join("sparse");
    let file = fs::File::options().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_at(&file, b"end", 2_000_000).unwrap();
    drop(file);
    scratch.age(&path, scratch::IN_2020);
    every_way(scratch.path(), |site, is_tls| {
        let reply = site.get(is_tls, "/sparse");
        let body = reply.body();
        assert_eq!((reply.status(), body.len()), (200, 2_000_003), "{}", site.name);
        assert!(body.starts_with(b"begin") && body.ends_with(b"end"), "{}", site.name);
        assert!(body[5..2_000_000].iter().all(|byte| *byte == 0), "{}", site.name);
    });
}

/// Files of the kernel say that they have a page, and give less, or an error.
#[test]
fn a_file_whose_reads_fail_or_end_early_is_an_error_or_a_cut_reply() {
    let folder = Path::new("/sys/class/net/lo");
    let reads = |name: &str| fs::read(folder.join(name));
    let (Ok(short), Err(_)) = (reads("mtu"), reads("speed")) else {
        eprintln!("left out: no such files here");
        return;
    };
    every_way(folder, |site, is_tls| {
        for _ in 0..2 {
            let about = format!("{}, TLS: {is_tls}", site.name);
            assert_eq!(site.get(is_tls, "/speed").status(), 500, "{about}");
            let mut wire = site.connect(is_tls);
            wire.write_all(&get("/mtu")).unwrap();
            let received = read_up_to(&mut wire, usize::MAX);
            let text = String::from_utf8_lossy(&received);
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
            assert!(head.contains("content-length: 4096"), "{about}: {text}");
            assert_eq!(body.as_bytes(), short, "{about}: cut behind what there was");
        }
    });
}

/// As the kernel packs a device's two numbers, if both are small.
fn makedev(major: u64, minor: u64) -> u64 {
    major << 8 | minor
}

/// More than the buffers of a connection take.
const LONG: usize = 12 << 20;
