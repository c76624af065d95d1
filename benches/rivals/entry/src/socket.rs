//! The listening socket: shared between workers by the kernel, without delay, with a long backlog.

use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, Result};
use socket2::{Domain, Protocol, Socket, Type};

use crate::Arguments;

/// As many as the kernel keeps by default (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

impl Arguments {
    /// One listener per worker, all on the same port; the kernel spreads connections over them.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn listeners(&self) -> Result<Vec<TcpListener>> {
        let first = listen(self.listen)?;
        let address = first.local_addr()?;
        let mut listeners = vec![first];
        for _ in 1..self.worker_count() {
            listeners.push(listen(address)?);
        }
        Ok(listeners)
    }

    /// One listener for all workers.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn listener(&self) -> Result<TcpListener> {
        listen(self.listen)
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener> {
    let open = || -> std::io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        // Accepted sockets inherit this, so that no connection pays for setting it.
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    open().with_context(|| format!("cannot listen on {address}"))
}
