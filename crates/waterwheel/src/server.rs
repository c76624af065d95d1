//! A server: an application, the addresses it listens on, and how many workers share the load.

use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use waterwheel_reactor::disk::DiskConfig;
use waterwheel_runtime::{
    AddressCap, Budget, Config, Endpoint, Network, Pinning, Report, Runtime, Watchdog,
};

use crate::app::App;
use crate::bound::Bound;
#[cfg(feature = "tls")]
use crate::bound::Listeners;
use crate::error::StartError;
use crate::listen::ToEndpoints;

/// Settings of a server. [`run`](Self::run) checks them all, binds, and serves until drained.
///
/// ```
/// use std::num::NonZeroUsize;
/// use waterwheel::{App, Server};
///
/// let app = App::new().get("/", || "turning\n");
/// let server = Server::new(app).listen("127.0.0.1:0").workers(NonZeroUsize::MIN);
///
/// // In two steps, to say where it listens and to end it from elsewhere.
/// let bound = server.bind()?;
/// bound.urls().for_each(|url| println!("listening on {url}"));
/// bound.control().drain();
/// let report = bound.run()?;
/// assert_eq!((report.finished, report.cut), (0, 0));
/// # Ok::<(), waterwheel::StartError>(())
/// ```
#[derive(Debug)]
#[must_use = "a server does nothing unless it is run"]
pub struct Server {
    app: App,
    endpoints: Result<Vec<Endpoint>, io::Error>,
    /// Bytes for each worker, if the server is to divide them up.
    memory: Option<usize>,
    config: Config,
    signals: bool,
    #[cfg(feature = "tls")]
    secured: Listeners,
}

impl Server {
    /// A server that listens nowhere yet, with one worker per core.
    pub fn new(app: App) -> Self {
        Self {
            app,
            endpoints: Ok(Vec::new()),
            memory: None,
            config: Config::default(),
            signals: true,
            #[cfg(feature = "tls")]
            secured: Listeners::default(),
        }
    }

    /// Listens on a further address, at a Unix socket (`unix:/path`), or on sockets that systemd
    /// passes (`systemd:name`, or `systemd:` for all of them). Names of hosts are looked up now.
    ///
    /// A Unix socket can be used by its owner and group. Its path is removed in the end.
    pub fn listen(mut self, endpoint: impl ToEndpoints) -> Self {
        if let Ok(known) = &mut self.endpoints {
            match endpoint.to_endpoints() {
                Ok(found) => known.extend(found),
                Err(error) => self.endpoints = Err(error),
            }
        }
        self
    }

    /// Removes the path of a Unix socket first when it is a socket at which nobody listens any
    /// more, as a killed process leaves it. Without this a path that exists is an error.
    pub fn unlink_stale(mut self) -> Self {
        self.config.unlink_stale = true;
        self
    }

    /// Believes the proxies in this network about whom they speak for. Their connections must then
    /// begin with a header of the PROXY protocol, version 1 or 2, and [`Request::peer`] is the
    /// client that it names. Everybody else is who they are.
    ///
    /// [`Request::peer`]: crate::Request::peer
    ///
    /// ```
    /// # use waterwheel::{App, Server};
    /// let server = Server::new(App::new()).trust_proxy("10.0.0.0/8".parse()?);
    /// # drop(server);
    /// # Ok::<(), waterwheel::runtime::NetworkError>(())
    /// ```
    pub fn trust_proxy(mut self, network: Network) -> Self {
        self.config.worker.proxies.push(network);
        self
    }

    /// As [`listen`](Self::listen), over TLS.
    ///
    /// A request in plain HTTP is answered there with 400 and a sentence that says why.
    #[cfg(feature = "tls")]
    pub fn listen_tls(mut self, endpoint: impl ToEndpoints, tls: &crate::Tls) -> Self {
        self.secured.acceptors.resize_with(self.endpoints.as_ref().map_or(0, Vec::len), || None);
        self = self.listen(endpoint);
        let len = self.endpoints.as_ref().map_or(0, Vec::len);
        self.secured.acceptors.resize_with(len, || Some(tls.acceptor()));
        self
    }

    /// Sets what handshakes may cost each worker.
    #[cfg(feature = "tls")]
    pub fn handshakes(mut self, config: waterwheel_runtime::SecuredConfig) -> Self {
        self.secured.config = config;
        self
    }

    /// Caps how many connections one address may have open, over all workers: see [`AddressCap`].
    /// There is no cap without this.
    pub fn address_cap(mut self, cap: AddressCap) -> Self {
        self.config.worker.address_cap = Some(cap);
        self
    }

    /// How many workers; without this, one per core that the process may use.
    pub fn workers(mut self, count: NonZeroUsize) -> Self {
        self.config.workers = Some(count);
        self
    }

    /// Where workers run.
    pub fn pin(mut self, pinning: Pinning) -> Self {
        self.config.pinning = pinning;
        self
    }

    /// The ring that each worker gets.
    pub fn ring(mut self, ring: waterwheel_ring::Config) -> Self {
        self.config.ring = ring;
        self
    }

    /// How each worker reads and writes files.
    pub fn disk(mut self, disk: DiskConfig) -> Self {
        self.config.disk = disk;
        self
    }

    /// How many helper threads all workers together may start for
    /// [`task::offload`](crate::task::offload), and how much work may wait for them. Without this,
    /// 4 and 1,024; both are at least 1.
    pub fn offload(mut self, threads_max: usize, queue_max: usize) -> Self {
        self.config.offload_threads_max = threads_max;
        self.config.offload_queue_max = queue_max;
        self
    }

    /// Gives each worker so many bytes, from which its ring, its connections, what is parked and
    /// the kernel's buffers are derived: see [`Budget`]. A server that listens over TLS somewhere
    /// counts every connection as one over TLS. Instead of [`ring`](Self::ring).
    ///
    /// The server does not start when that is too little for a worker or for a route's largest
    /// request.
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// How long a drain may take before connections are cut. 25 s without this.
    pub fn drain_within(mut self, time: Duration) -> Self {
        self.config.worker.drain_timeout = time;
        self
    }

    /// How long a drain goes on accepting clients, while [`readiness`](App::readiness) is false
    /// already, before the listeners close: give it what a balancer takes to notice. Part of
    /// [`drain_within`](Self::drain_within); none without this.
    pub fn drain_grace(mut self, time: Duration) -> Self {
        self.config.worker.drain_grace = time;
        self
    }

    /// Restarts without a refused or a cut request: when a server with the same restart socket
    /// serves already, its listeners are taken over, its very sockets with what waits in them. It
    /// drains as soon as all workers here accept. If this server does not get so far, the other one
    /// goes on.
    ///
    /// `path` is a Unix socket that only this user may use; it is made when there is none.
    pub fn restart_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.config.restart_socket = Some(path.into());
        self
    }

    /// Keeps every connection with the worker that accepted it. Without this a connection whose
    /// next request is [expensive](crate::Handler::expensive) and has not begun may go to a worker
    /// that is free.
    pub fn strict(mut self) -> Self {
        self.config.hand_over = false;
        self
    }

    /// Gives each worker a table of open files of its own, so that each may open as many as the
    /// process's limit says. Connections stay where they were accepted, and each worker has
    /// [`offload`](Self::offload) threads of its own. Linux only.
    ///
    /// # Safety
    /// No descriptor that is opened once the server runs may be used by another worker than the one
    /// that opened it, nor by other threads than those that this worker starts: see
    /// [`Config::unshare_fds`].
    ///
    /// [`Config::unshare_fds`]: waterwheel_runtime::Config::unshare_fds
    #[expect(unsafe_code, reason = "asks for a promise about the whole program")]
    pub unsafe fn unshare_fds(mut self) -> Self {
        // SAFETY: the caller gives the promise that is asked for.
        unsafe { self.config.unshare_fds() };
        self
    }

    /// Who hears of handlers that keep a worker to themselves for 100 ms and more. Without this it
    /// is standard error, once a second.
    pub fn watchdog(mut self, watchdog: Watchdog) -> Self {
        self.config.worker.watchdog = watchdog;
        self
    }

    /// Leaves SIGINT and SIGTERM alone. Without this the first of them drains and the second stops.
    pub fn ignore_signals(mut self) -> Self {
        self.signals = false;
        self
    }

    /// Checks everything, plans every route and binds every address.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub fn bind(self) -> Result<Bound, StartError> {
        let endpoints = self.endpoints.map_err(StartError::Address)?;
        let mut config = self.config;
        #[cfg(feature = "tls")]
        let divide = match self.secured.acceptors.is_empty() {
            true => Budget::of,
            false => Budget::over_tls,
        };
        #[cfg(not(feature = "tls"))]
        let divide = Budget::of;
        let budget = self.memory.map(divide).transpose().map_err(StartError::Budget)?;
        if let Some(budget) = budget {
            config.ring.segment_count = budget.ring_len / config.ring.segment_len;
            config.worker.parked_len_max = budget.parked_len_max;
            config.worker.connections_max = Some(budget.connections_max);
            config.socket_buffer_len = Some(budget.socket_buffer_len);
        }
        self.app.limit_worker(&mut config.worker);
        let ring = config.ring.clone();
        let control = Arc::clone(&self.app.control);
        let (service, per_core) = self.app.build(&ring)?;
        let runtime = Runtime::bind(config, &endpoints).map_err(StartError::Run)?;
        let mut runtime = runtime.with_control(control);
        if self.signals {
            runtime = runtime.stop_on_signals();
        }
        Ok(Bound {
            runtime,
            ring,
            budget,
            service,
            per_core,
            #[cfg(feature = "tls")]
            secured: self.secured,
        })
    }

    /// Binds and serves until drained. The calling thread waits.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn run(self) -> Result<Report, StartError> {
        self.bind()?.run()
    }
}
