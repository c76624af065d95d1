//! Carries connections to a server byte by byte, each byte in a segment of its own.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::Result;

/// Listens on a port of its own, on threads that last as long as the process.
pub(crate) fn start(server: SocketAddr) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(upstream) = TcpStream::connect(server) else { continue };
            // A connection that ends early is for the client to judge.
            let _ = upstream.set_nodelay(true);
            let (Ok(from), Ok(to)) = (client.try_clone(), upstream.try_clone()) else { continue };
            thread::spawn(move || carry(from, to, 1));
            thread::spawn(move || carry(upstream, client, 4096));
        }
    });
    Ok(address)
}

fn carry(mut from: TcpStream, mut to: TcpStream, piece_len: usize) {
    let mut room = [0; 4096];
    loop {
        match from.read(&mut room) {
            Ok(0) => break,
            Ok(len) => {
                if !room[..len].chunks(piece_len).all(|piece| to.write_all(piece).is_ok()) {
                    break;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
