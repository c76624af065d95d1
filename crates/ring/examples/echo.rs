//! An echo over TCP with this crate and the standard library alone.
//!
//! `cargo run -p waterwheel-ring --example echo` listens on a free port of the loopback, sends
//! itself a megabyte, checks what comes back and prints how the ring was used. With an address as
//! argument it serves whoever connects, as with `--example echo 127.0.0.1:7000`.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use waterwheel_ring::{Config, Ring, Runs};

fn main() -> io::Result<()> {
    let ring = Ring::new(&Config::default()).map_err(io::Error::other)?;
    if let Some(address) = std::env::args().nth(1) {
        let listener = TcpListener::bind(address)?;
        loop {
            // One connection after the other; a failed one ends, the next is served.
            if let Err(error) = listener.accept().and_then(|(stream, _)| echo(&ring, stream)) {
                eprintln!("connection ended: {error}");
            }
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let client = thread::spawn(move || ask(TcpStream::connect(address)?));
    echo(&ring, listener.accept()?.0)?;
    let received = client.join().expect("the client does not panic")?;
    println!("{received} bytes came back");
    println!("{ring:?}\n{:?}", ring.stats());
    Ok(())
}

/// Sends back what arrives, until the peer has sent all.
fn echo(ring: &Ring, mut stream: TcpStream) -> io::Result<()> {
    loop {
        // Room for 64 KiB: one run, or several where the ring is torn. One `readv` fills them all.
        let mut runs = ring.reserve_scattered(64 << 10).map_err(io::Error::other)?;
        if runs.append_with(|room| stream.read_vectored(room))? == 0 {
            return Ok(());
        }
        send(&mut runs, &mut stream)?;
        // Here the segments are released, wiped as far as they were written.
    }
}

/// Sends all of it, with one `writev` unless the socket takes less.
fn send(runs: &mut Runs, stream: &mut TcpStream) -> io::Result<()> {
    while !runs.is_empty() {
        let mut slices = [IoSlice::new(&[]); Runs::IO_SLICES_MAX];
        let count = runs.io_slices(&mut slices);
        let sent = stream.write_vectored(&slices[..count])?;
        if sent == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        runs.consume(sent);
    }
    Ok(())
}

/// Sends a megabyte and checks that it comes back.
fn ask(mut stream: TcpStream) -> io::Result<usize> {
    let sent: Vec<u8> = (0..=u8::MAX).cycle().take(1 << 20).collect();
    let mut writer = stream.try_clone()?;
    let bytes = sent.clone();
    let sender = thread::spawn(move || {
        writer.write_all(&bytes)?;
        writer.shutdown(Shutdown::Write)
    });
    let mut received = Vec::new();
    stream.read_to_end(&mut received)?;
    sender.join().expect("the sender does not panic")?;
    assert!(received == sent, "every byte comes back");
    Ok(received.len())
}
