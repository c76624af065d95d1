//! A server between its start and its end: what it listens on, plans and may use is settled.

use std::net::SocketAddr;
use std::sync::Arc;

use waterwheel_http::{Http, Service};
#[cfg(feature = "tls")]
use waterwheel_runtime::Secured;
use waterwheel_runtime::{Budget, Control, Report, Runtime};

use crate::app::PerCore;
use crate::error::StartError;

/// A server that is bound and planned, and has not begun to serve.
#[derive(Debug)]
#[must_use = "a server does nothing unless it is run"]
pub struct Bound {
    pub(crate) runtime: Runtime,
    pub(crate) ring: waterwheel_ring::Config,
    pub(crate) budget: Option<Budget>,
    pub(crate) service: Arc<Service>,
    pub(crate) per_core: PerCore,
    #[cfg(feature = "tls")]
    pub(crate) secured: Listeners,
}

/// Which listeners speak TLS, and with what.
#[cfg(feature = "tls")]
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    /// By endpoint; those in the clear have none, or no entry behind the last that has one.
    pub(crate) acceptors: Vec<Option<waterwheel_tls::Acceptor>>,
    pub(crate) config: waterwheel_runtime::SecuredConfig,
}

impl Bound {
    /// How each worker's memory is divided up, if [`Server::memory`](crate::Server::memory) was
    /// given.
    #[must_use]
    pub fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }

    /// The TCP addresses in use, ports resolved.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        self.runtime.addresses()
    }

    /// What to type into a browser, for each address.
    pub fn urls(&self) -> impl Iterator<Item = String> {
        self.runtime.bound().map(|(endpoint, address)| {
            let scheme = if self.is_secured(endpoint) { "https" } else { "http" };
            format!("{scheme}://{address}")
        })
    }

    #[cfg(feature = "tls")]
    fn is_secured(&self, endpoint: usize) -> bool {
        self.secured.acceptors.get(endpoint).is_some_and(Option::is_some)
    }

    #[cfg(not(feature = "tls"))]
    fn is_secured(&self, _endpoint: usize) -> bool {
        false
    }

    /// Workers, connections and routes with their plans.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The runtime underneath.
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Bytes that all rings together can come to hold.
    #[must_use]
    pub fn ring_bytes(&self) -> usize {
        self.runtime.worker_count() * self.ring.segment_len * self.ring.segment_count
    }

    /// Drains or stops the server from any thread.
    #[must_use]
    pub fn control(&self) -> Arc<Control> {
        self.runtime.control()
    }

    /// Calls `call` for each SIGHUP, which would end the process otherwise: to
    /// [reload](crate::Tls::reload) certificates, for example. It runs on a thread of its own.
    pub fn on_hangup(mut self, call: impl FnMut() + Send + 'static) -> Self {
        self.runtime = self.runtime.on_hangup(call);
        self
    }

    /// Serves until drained. The calling thread waits.
    ///
    /// # Errors
    /// [`StartError::Run`].
    pub fn run(self) -> Result<Report, StartError> {
        let (service, per_core) = (self.service, self.per_core);
        let http = move |worker| Http::new(Arc::clone(&service), per_core.make(worker), worker);
        #[cfg(feature = "tls")]
        if !self.secured.acceptors.is_empty() {
            let Listeners { acceptors, config } = self.secured;
            let secured = move |worker| Secured::new(http(worker), acceptors.clone(), config);
            return self.runtime.run(secured).map_err(StartError::Run);
        }
        self.runtime.run(http).map_err(StartError::Run)
    }
}
