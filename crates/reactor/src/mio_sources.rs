//! The kernel's side of [`Sources`]: connections that futures make, registered with the poll of
//! their worker. Owns nothing but a handle on that poll.

use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::net::{IpAddr, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::unix::SourceFd;
use mio::{Interest, Registry};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, Shutdown};
use socket2::SockRef;

use crate::mio_driver::NO_SIGNAL;
use crate::{Helpers, Job, NameAnswer, Outgoing, Remote, Sources, Token, VECTORED_MAX};

/// See [`MioDriver`](crate::MioDriver)'s `sources`.
#[derive(Debug)]
pub(crate) struct MioSources {
    registry: Registry,
    helpers: Helpers,
}

impl MioSources {
    pub(crate) const fn new(registry: Registry, helpers: Helpers) -> Self {
        Self { registry, helpers }
    }

    fn register<S>(&self, mut stream: S, token: Token) -> io::Result<Box<dyn Outgoing>>
    where
        S: Source + AsFd + Debug + 'static,
    {
        #[cfg(target_vendor = "apple")]
        SockRef::from(&stream).set_nosigpipe(true)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.registry.register(&mut stream, mio::Token(token.to_usize()), both)?;
        Ok(Box::new(KernelStream(stream)))
    }
}

impl Sources for MioSources {
    fn connect(&self, remote: &Remote, token: Token) -> io::Result<Box<dyn Outgoing>> {
        debug_assert_ne!(token.generation, Token::RESERVED, "reserved tokens are the driver's");
        match remote {
            Remote::Tcp(address) => {
                let stream = TcpStream::connect(*address)?;
                // Requests are written whole, so there is nothing to collect them for.
                SockRef::from(&stream).set_tcp_nodelay(true)?;
                self.register(stream, token)
            }
            Remote::Unix(path) => self.register(UnixStream::connect(path)?, token),
        }
    }

    fn watch(&self, descriptor: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        debug_assert_ne!(token.generation, Token::RESERVED, "reserved tokens are the driver's");
        let descriptor = descriptor.as_raw_fd();
        let token = mio::Token(token.to_usize());
        self.registry.register(&mut SourceFd(&descriptor), token, Interest::READABLE)
    }

    fn unwatch(&self, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        self.registry.deregister(&mut SourceFd(&descriptor.as_raw_fd()))
    }

    fn look_up(&self, host: &str, answer: NameAnswer) -> io::Result<()> {
        let host = host.to_owned();
        self.helpers.names.run(Box::new(move || answer(resolve(&host))))
    }

    fn offload(&self, job: Job) -> io::Result<()> {
        self.helpers.offload.run(job)
    }
}

/// Asks the system's resolver, and waits for it.
fn resolve(host: &str) -> io::Result<Vec<IpAddr>> {
    let found: Vec<IpAddr> = (host, 0).to_socket_addrs()?.map(|address| address.ip()).collect();
    match found.is_empty() {
        true => Err(io::ErrorKind::NotFound.into()),
        false => Ok(found),
    }
}

/// A stream of the kernel. Its descriptor is never duplicated, so closing it ends its registration.
#[derive(Debug)]
struct KernelStream<S>(S);

impl<S: AsFd + Debug> Outgoing for KernelStream<S> {
    fn is_connected(&self) -> io::Result<bool> {
        rustix::net::sockopt::socket_error(&self.0)?.map_err(io::Error::from)?;
        match rustix::net::getpeername(&self.0) {
            Ok(_) => Ok(true),
            Err(Errno::NOTCONN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn recv(&self, room: &mut [u8]) -> io::Result<usize> {
        let (count, _) = rustix::net::recv(&self.0, room, RecvFlags::empty())?;
        Ok(count)
    }

    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(&self.0, bytes, NO_SIGNAL)?)
    }

    fn send_vectored(&self, runs: &[IoSlice<'_>]) -> io::Result<usize> {
        debug_assert!(runs.len() <= VECTORED_MAX, "more runs than one call takes");
        let mut control = SendAncillaryBuffer::default();
        Ok(rustix::net::sendmsg(&self.0, runs, &mut control, NO_SIGNAL)?)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        Ok(rustix::net::shutdown(&self.0, Shutdown::Write)?)
    }
}
