//! TLS of the load tool against rustls as a server, over sockets that wait and that do not.

use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use rustls::{ServerConfig, ServerConnection};

use super::*;
use crate::bench::Certificate;
use crate::load::connection::Connection;
use crate::reply::exchange;

const REQUEST_LEN: usize = 100_000;

/// Accepts one connection, reads a request of [`REQUEST_LEN`] bytes and replies with the same.
fn serve() -> (SocketAddr, JoinHandle<()>) {
    let (chain, key) = Certificate::get().unwrap().read().unwrap();
    let provider = aws_lc_rs::default_provider().into();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let session = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = StreamOwned::new(session, socket);
        let mut request = vec![0; REQUEST_LEN];
        stream.read_exact(&mut request).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {REQUEST_LEN}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&request).unwrap();
        stream.flush().unwrap();
    });
    (address, server)
}

/// A socket that reads few bytes at a time and takes few with every second call only.
struct Cut {
    socket: StdTcpStream,
    is_full: bool,
}

impl Read for Cut {
    fn read(&mut self, room: &mut [u8]) -> IoResult<usize> {
        let len = room.len().min(700);
        self.socket.read(&mut room[..len])
    }
}

impl Write for Cut {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        self.is_full = !self.is_full;
        if self.is_full {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.socket.write(&bytes[..bytes.len().min(900)])
    }

    fn flush(&mut self) -> IoResult<()> {
        self.socket.flush()
    }
}

#[test]
fn blocking_connection_speaks_tls() {
    let (address, server) = serve();
    let mut stream = connect(address, true, Duration::from_secs(10)).unwrap();
    let request: Vec<u8> = (0..REQUEST_LEN).map(|index| index.to_le_bytes()[0]).collect();
    assert_eq!(exchange(&mut stream, &request).unwrap().body, request);
    server.join().unwrap();
}

#[test]
fn tls_survives_a_socket_that_takes_and_gives_little() {
    let (address, server) = serve();
    let socket = StdTcpStream::connect(address).unwrap();
    let session = shake_hands(&socket).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut connection =
        Connection::new(Stream::new(Cut { socket, is_full: false }, Some(session)), 4 << 10);
    connection.send(&[7; REQUEST_LEN]).unwrap();
    let mut reply_count = 0;
    while reply_count == 0 {
        connection.flush().unwrap();
        reply_count = connection.receive().unwrap();
        thread::yield_now();
    }
    assert_eq!(reply_count, 1);
    server.join().unwrap();
}
