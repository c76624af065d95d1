//! The listeners of a server: opened for every worker, taken over from systemd or from a process
//! before this one, and kept so that they can be passed on. Knows no connection.

use std::env;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use waterwheel_reactor::listen::{
    ListenConfig, Listener, bind, bind_unix, ensure_free, remove_stale,
};

use crate::endpoint::Endpoint;
use crate::error::RunError;

/// A listener and the endpoint that it was asked for by: what a successor finds its own by.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) endpoint: String,
    pub(crate) listener: Listener,
}

impl Named {
    /// Whether it was asked for by this endpoint, or is where this one asks: port 0 became another.
    fn suits(&self, endpoint: &Endpoint) -> bool {
        self.endpoint == endpoint.to_string()
            || matches!(endpoint, Endpoint::Tcp(asked) if self.listener.local_addr() == Some(*asked))
    }
}

/// Every listener of a server.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    /// Per worker, what it accepts from, each with the index of its endpoint.
    pub(crate) per_worker: Vec<Vec<(usize, Listener)>>,
    /// The TCP addresses in use, ports resolved, in the order of the endpoints.
    pub(crate) addresses: Vec<SocketAddr>,
    /// For each address, the index of its endpoint.
    pub(crate) origins: Vec<usize>,
    /// Where the Unix sockets are.
    pub(crate) paths: Vec<BoundPath>,
    /// A second descriptor of each listener, for a successor.
    pub(crate) spares: Vec<Named>,
}

/// What the opening of listeners goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    pub(crate) worker_count: usize,
    /// Remove the path of a Unix socket at which nobody listens any more.
    pub(crate) unlink_stale: bool,
    /// What the kernel may buffer for an accepted connection.
    pub(crate) socket_buffer_len: Option<usize>,
    /// Keep a second descriptor of each listener.
    pub(crate) keep_spares: bool,
}

impl Listeners {
    /// Opens every endpoint for every worker; what was handed over for an endpoint comes first.
    pub(crate) fn open(
        endpoints: &[Endpoint],
        opening: Opening,
        mut handed: Vec<Named>,
    ) -> Result<Self, RunError> {
        let mut listeners = Self::default();
        listeners.per_worker.resize_with(opening.worker_count, Vec::new);
        let mut activated = None;
        // Before any is opened: one endpoint may contain another.
        for endpoint in endpoints {
            let Endpoint::Tcp(address) = endpoint else { continue };
            if address.port() != 0 && !handed.iter().any(|named| named.suits(endpoint)) {
                let fault = |source| RunError::Listen { endpoint: endpoint.to_string(), source };
                ensure_free(*address).map_err(fault)?;
            }
        }
        for (origin, endpoint) in endpoints.iter().enumerate() {
            let name = endpoint.to_string();
            let fault = |source| RunError::Listen { endpoint: name.clone(), source };
            let mut opened = take(&mut handed, endpoint);
            match endpoint {
                Endpoint::Tcp(asked) => {
                    open_tcp(*asked, opening.worker_count, &mut opened).map_err(fault)?;
                }
                Endpoint::Unix(path) => {
                    let is_own = opened.is_empty();
                    if is_own {
                        opened.push(open_unix(path, opening.unlink_stale).map_err(fault)?);
                    }
                    listeners.paths.push(BoundPath::of(path, is_own).map_err(fault)?);
                }
                Endpoint::Systemd(wanted) => {
                    let activated = activated.get_or_insert_with(Activated::from_env);
                    if opened.is_empty() {
                        opened = activated.take(wanted).map_err(fault)?;
                    }
                }
            }
            listeners.distribute(origin, &name, opened, opening).map_err(fault)?;
        }
        Ok(listeners)
    }

    /// Gives each worker a share of an endpoint's listeners; where there are fewer listeners than
    /// workers, several workers accept from one.
    fn distribute(
        &mut self,
        origin: usize,
        name: &str,
        opened: Vec<Listener>,
        opening: Opening,
    ) -> io::Result<()> {
        let mut known = Vec::new();
        for listener in &opened {
            if let Some(len) = opening.socket_buffer_len {
                listener.set_buffer_len(len)?;
            }
            if let Some(address) = listener.local_addr()
                && !known.contains(&address)
            {
                known.push(address);
            }
            if opening.keep_spares {
                let (endpoint, listener) = (name.to_owned(), listener.try_clone()?);
                self.spares.push(Named { endpoint, listener });
            }
        }
        self.origins.resize(self.origins.len() + known.len(), origin);
        self.addresses.extend(known);
        let count = self.per_worker.len();
        // Systemd and Unix paths come with one socket for all. Extra ones, of a predecessor with
        // more workers, are taken over too: closing them would reset what waits in their queues.
        for (worker, own) in self.per_worker.iter_mut().enumerate().skip(opened.len()) {
            own.push((origin, opened[worker % opened.len()].try_clone()?));
        }
        for (index, listener) in opened.into_iter().enumerate() {
            self.per_worker[index % count].push((origin, listener));
        }
        Ok(())
    }
}

/// Those of the predecessor's listeners that are for this endpoint.
fn take(handed: &mut Vec<Named>, endpoint: &Endpoint) -> Vec<Listener> {
    let taken = handed.extract_if(.., |named| named.suits(endpoint));
    taken.map(|named| named.listener).collect()
}

/// One listener for each worker (`SO_REUSEPORT`): the kernel spreads connections over them.
fn open_tcp(asked: SocketAddr, worker_count: usize, opened: &mut Vec<Listener>) -> io::Result<()> {
    let mut address = opened.first().and_then(Listener::local_addr).unwrap_or(asked);
    while opened.len() < worker_count {
        let listener = bind(address, &ListenConfig::default())?;
        address = listener.local_addr()?;
        opened.push(listener.into());
    }
    Ok(())
}

fn open_unix(path: &Path, unlink_stale: bool) -> io::Result<Listener> {
    if unlink_stale {
        remove_stale(path)?;
    }
    Ok(bind_unix(path, &ListenConfig::default())?.into())
}

/// What systemd passed to this process.
struct Activated {
    sockets: ListenFd,
    names: Vec<String>,
}

impl Activated {
    fn from_env() -> Self {
        // The names stay in the environment, numbers and process id are taken out of it.
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names = names.split(':').map(str::to_owned).collect();
        Self { sockets: ListenFd::from_env(), names }
    }

    /// Takes the sockets of this name, or all.
    fn take(&mut self, wanted: &str) -> io::Result<Vec<Listener>> {
        let mut taken = Vec::new();
        for index in 0..self.sockets.len() {
            let name = self.names.get(index).map_or("", String::as_str);
            if !wanted.is_empty() && wanted != name {
                continue;
            }
            // Asking for the other kind leaves a socket where it is.
            if let Ok(Some(listener)) = self.sockets.take_tcp_listener(index) {
                taken.push(Listener::adopt(listener.into())?);
            } else if let Some(listener) = self.sockets.take_unix_listener(index)? {
                taken.push(Listener::adopt(listener.into())?);
            }
        }
        if taken.is_empty() {
            let told = match self.sockets.len() {
                0 => "systemd passed no sockets".to_owned(),
                _ => format!("the sockets passed are named {}", self.names.join(", ")),
            };
            return Err(io::Error::new(io::ErrorKind::NotFound, told));
        }
        Ok(taken)
    }
}

/// A Unix socket's path, and which file was there when it was opened.
#[derive(Debug)]
pub(crate) struct BoundPath {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// Whether this server removes it in the end: not while its predecessor may still serve there,
    /// nor once a successor does.
    pub(crate) is_own: bool,
}

impl BoundPath {
    pub(crate) fn of(path: &Path, is_own: bool) -> io::Result<Self> {
        let found = std::fs::symlink_metadata(path)?;
        Ok(Self { path: path.to_owned(), device: found.dev(), inode: found.ino(), is_own })
    }
}

/// Removes the path, unless another socket has taken its place meanwhile. A server that does not
/// even start leaves no path behind, either.
impl Drop for BoundPath {
    fn drop(&mut self) {
        let is_same = |now: std::fs::Metadata| (now.dev(), now.ino()) == (self.device, self.inode);
        if self.is_own && std::fs::symlink_metadata(&self.path).is_ok_and(is_same) {
            // Gone already, or not ours to remove: there is nobody left to tell.
            drop(std::fs::remove_file(&self.path));
        }
    }
}
