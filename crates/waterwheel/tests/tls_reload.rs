//! The binary over TLS: its flags, and SIGHUP.
#![allow(clippy::unwrap_used, reason = "only tests call this, and a panic is how they fail")]

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A certificate that was just made, written to the files that the server reads.
fn write_certificate(folder: &Path) -> RootCertStore {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(folder.join("chain.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    roots
}

struct Running {
    child: Child,
    address: SocketAddr,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Lines<BufReader<ChildStderr>>,
    folder: PathBuf,
}

impl Running {
    fn start(name: &str) -> (Self, RootCertStore) {
        let folder = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let roots = write_certificate(&folder);
        let mut child = Command::new(env!("CARGO_BIN_EXE_waterwheel"))
            .args(["--listen", "127.0.0.1:0", "--workers", "1"])
            .arg("--tls-cert")
            .arg(folder.join("chain.pem"))
            .arg("--tls-key")
            .arg(folder.join("key.pem"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = stdout
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on https://")?.parse().ok());
        let address = address.expect("the server says where it listens");
        (Self { child, address, stdout, stderr, folder }, roots)
    }

    fn hang_up(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::HUP).unwrap();
    }

    fn connect(&self, roots: &RootCertStore) -> StreamOwned<ClientConnection, TcpStream> {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let client = ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        StreamOwned::new(client, stream)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when the process has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Whether a request is answered.
fn ask(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> std::io::Result<()> {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    let mut seen = Vec::new();
    while !seen.ends_with(b"</html>\n") {
        let mut part = [0; 4096];
        match stream.read(&mut part)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            len => seen.extend_from_slice(&part[..len]),
        }
    }
    assert!(seen.starts_with(b"HTTP/1.1 200 "));
    Ok(())
}

#[test]
fn hangup_reads_the_certificate_again_and_a_bad_one_changes_nothing() {
    let (mut server, old) = Running::start("waterwheel-tls-reload");
    let mut early = server.connect(&old);
    ask(&mut early).unwrap();

    fs::write(server.folder.join("chain.pem"), "no certificate").unwrap();
    server.hang_up();
    let told = server.stderr.next().unwrap().unwrap();
    assert!(told.starts_with("waterwheel: certificate kept: file `"), "{told}");
    assert!(told.ends_with("chain.pem` cannot be read: no PEM certificate"), "{told}");
    ask(&mut server.connect(&old)).unwrap();

    let new = write_certificate(&server.folder);
    server.hang_up();
    let told = server.stdout.by_ref().map_while(Result::ok).find(|line| line.contains("reloaded"));
    assert_eq!(told.as_deref(), Some("certificate reloaded"));
    ask(&mut server.connect(&new)).unwrap();
    ask(&mut server.connect(&old)).unwrap_err();
    ask(&mut early).unwrap();
}

#[test]
fn certificate_that_cannot_be_read_is_told_by_name() {
    let run = Command::new(env!("CARGO_BIN_EXE_waterwheel"))
        .args(["--tls-cert", "/nowhere/chain.pem", "--tls-key", "/nowhere/key.pem", "--check"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(!run.status.success() && told.contains("/nowhere/chain.pem"), "{told}");
    assert!(told.contains("No such file"), "{told}");
}
