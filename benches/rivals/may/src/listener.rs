//! The listener that may_minihttp keeps to itself: which port it gets, and that it has no delay.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use socket2::{Domain, Socket, Type};

/// How many descriptors to look through; the listener is one of the first.
const DESCRIPTOR_COUNT_MAX: i32 = 64;

/// Lets the kernel choose when the port is 0. The port stays bound to this process: may_minihttp
/// shares it, and a socket that does not listen takes no connection away.
pub(crate) fn choose_port(address: SocketAddr) -> Result<SocketAddr> {
    if address.port() != 0 {
        return Ok(address);
    }
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    let address = socket.local_addr()?.as_socket().context("the port is not known")?;
    std::mem::forget(socket);
    Ok(address)
}

/// Finds the listener among this process's descriptors; accepted sockets inherit what is set there.
pub(crate) fn set_nodelay(address: SocketAddr) -> Result<()> {
    let process = pidfd_open(getpid(), PidfdFlags::empty())?;
    for number in 0..DESCRIPTOR_COUNT_MAX {
        let Ok(copy) = pidfd_getfd(&process, number, PidfdGetfdFlags::empty()) else { continue };
        let socket = Socket::from(copy);
        let is_at = || Some(socket.local_addr().ok()?.as_socket()? == address);
        if socket.is_listener().unwrap_or(false) && is_at() == Some(true) {
            return Ok(socket.set_tcp_nodelay(true)?);
        }
    }
    anyhow::bail!("the listener is not among the descriptors")
}
