//! The whole server in a unit test: no sockets, no threads, a virtual clock.
//!
//! A [`Lab`] runs the real worker, parser, planner and stages over a simulated world
//! ([`reactor::sim`](crate::reactor::sim)). It counts payload copies and, where a test installs the
//! [`CountingAllocator`], heap allocations.
//!
//! ```
//! use std::time::Duration;
//! use waterwheel::{App, lab::Lab};
//!
//! let mut lab = Lab::new(App::new().get("/", || "turning\n"));
//! let reply = lab.get("/").send();
//! assert_eq!((reply.status(), reply.text()), (200, "turning\n"));
//! assert_eq!(reply.copies(), 0);
//!
//! lab.advance(Duration::from_secs(78));
//! assert_eq!(lab.open_connections(), 0, "an idle connection ends after 75 s, and 2 s of grace");
//! ```

#[expect(
    unsafe_code,
    reason = "a global allocator is an unsafe trait; it only counts and forwards"
)]
mod allocations;
mod reply;
mod request;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use waterwheel_http::Http;
use waterwheel_reactor::sim::{Client, Faults, SimDriver, SimWaker, World};
use waterwheel_reactor::{Driver, Wake};
use waterwheel_ring::{Ring, Stats};
use waterwheel_runtime::{Control, Metrics, Turn, Worker, WorkerConfig};

use crate::app::App;

pub use allocations::CountingAllocator;
pub use reply::LabReply;
pub use request::LabRequest;

/// How a client's bytes reach the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// All that is sent at once is received at once, as far as the server reads.
    #[default]
    Whole,
    /// One byte, then a turn, then the next byte.
    ByteByByte,
    /// The first so many bytes, then a turn, then the rest.
    SplitAt(usize),
}

/// What the worker serves: HTTP, over TLS if the lab was made so.
#[cfg(feature = "tls")]
type Served = waterwheel_runtime::Secured<Http>;
#[cfg(not(feature = "tls"))]
type Served = Http;

/// One worker with an application, in a simulated world.
pub struct Lab {
    world: World,
    worker: Worker<SimDriver, Served>,
    control: Arc<Control>,
    /// Makes a turn return without waiting for a deadline.
    waker: SimWaker,
    delivery: Delivery,
    /// The connection of [`send`](LabRequest::send), kept alive between requests.
    client: Option<Client>,
}

/// What a [`Lab`] is made with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LabConfig {
    /// Everything left to chance follows from it.
    pub seed: u64,
    /// What goes wrong, and how often.
    pub faults: Faults,
    /// The worker's ring; 4 MiB unless set.
    pub ring: waterwheel_ring::Config,
    /// The worker's limits. Those that the application sets itself win.
    pub worker: WorkerConfig,
    /// Makes every connection one over TLS: what is sent through [`Lab::connect`] is a handshake
    /// and records then, and requests made by the lab itself are answered as plain HTTP is.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::Tls>,
    /// What handshakes may cost.
    #[cfg(feature = "tls")]
    pub handshakes: waterwheel_runtime::SecuredConfig,
}

impl Default for LabConfig {
    fn default() -> Self {
        let mut ring = waterwheel_ring::Config::default();
        ring.segment_count = 1024;
        Self {
            seed: 0,
            faults: Faults::none(),
            ring,
            worker: WorkerConfig::default(),
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "tls")]
            handshakes: <_>::default(),
        }
    }
}

impl Lab {
    /// A lab without faults.
    ///
    /// # Panics
    /// When the application cannot be served; the message lists everything that is wrong.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self::with(app, LabConfig::default())
    }

    /// A lab with chosen faults and sizes.
    ///
    /// # Panics
    /// When the application cannot be served; the message lists everything that is wrong.
    #[must_use]
    pub fn with(app: App, mut config: LabConfig) -> Self {
        app.limit_worker(&mut config.worker);
        let control = Arc::clone(&app.control);
        let (service, per_core) = match app.build(&config.ring) {
            Ok(built) => built,
            Err(error) => panic!("{error}"),
        };
        let ring = Ring::new(&config.ring).expect("the lab's ring can be made");
        let world = World::new(config.seed, config.faults);
        let driver = world.driver();
        let waker = driver.waker();
        control.add_waker(waker.clone());
        let http = Http::new(service, per_core.make(0), 0);
        #[cfg(feature = "tls")]
        let http = {
            let acceptor = config.tls.as_ref().map(crate::Tls::acceptor);
            waterwheel_runtime::Secured::new(http, vec![acceptor], config.handshakes)
        };
        let worker = Worker::new(0, driver, http, ring, &config.worker, Arc::clone(&control));
        Self { world, worker, control, waker, delivery: Delivery::Whole, client: None }
    }

    /// Delivers what later requests send in this way.
    pub fn deliver(&mut self, delivery: Delivery) {
        self.delivery = delivery;
    }

    /// A request to be filled in and sent.
    pub fn request<'lab>(&'lab mut self, method: &str, target: &str) -> LabRequest<'lab> {
        LabRequest::new(self, method, target)
    }

    /// A GET.
    pub fn get(&mut self, target: &str) -> LabRequest<'_> {
        self.request("GET", target)
    }

    /// A POST.
    pub fn post(&mut self, target: &str) -> LabRequest<'_> {
        self.request("POST", target)
    }

    /// Sends raw bytes on a connection of their own and returns everything that came back before
    /// the server had nothing more to do, and whether it closed.
    pub fn raw(&mut self, bytes: &[u8]) -> (Vec<u8>, bool) {
        let client = self.world.connect();
        self.transmit(&client, bytes);
        self.settle();
        (client.received(), client.end().is_some())
    }

    /// A connection of its own, for tests that speak byte by byte. Run [`settle`](Self::settle) or
    /// [`turn`](Self::turn) to let the server see what it sends.
    #[must_use]
    pub fn connect(&self) -> Client {
        self.world.connect()
    }

    /// One turn of the worker. In a world at rest time passes up to the next deadline.
    ///
    /// # Panics
    /// When the worker's driver fails, which the simulated one does not.
    pub fn turn(&mut self) -> Turn {
        self.worker.turn().expect("the simulated driver always polls")
    }

    /// Turns for [`SETTLE_TIME_MAX`] of virtual time, which passes only while the server has no
    /// work: enough for bytes held in the ring to be parked and for what faults delay to arrive. At
    /// most [`SETTLE_TURNS_MAX`] turns.
    pub fn settle(&mut self) {
        self.advance(SETTLE_TIME_MAX);
    }

    /// Lets virtual time pass, with everything that falls due on the way. At most
    /// [`SETTLE_TURNS_MAX`] turns.
    pub fn advance(&mut self, time: Duration) {
        let target = self.world.now() + time;
        self.world.wake_at(0, target);
        for _ in 0..SETTLE_TURNS_MAX {
            if self.world.now() >= target || self.worker.is_finished() {
                return;
            }
            self.turn();
        }
    }

    /// One turn in which no time passes.
    fn turn_at_once(&mut self) {
        self.waker.wake();
        self.turn();
    }

    /// Asks the worker to drain, as SIGTERM would.
    pub fn drain(&mut self) {
        self.control.drain();
    }

    /// What drains or stops the worker from elsewhere.
    #[must_use]
    pub fn control(&self) -> Arc<Control> {
        Arc::clone(&self.control)
    }

    /// Connections that the server holds open.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        usize::try_from(self.worker.metrics().open).unwrap_or(usize::MAX)
    }

    /// Segments that connections and handlers have leased now; those that the worker keeps ready
    /// for itself are not counted. Idle connections own none.
    #[must_use]
    pub fn leased_segments(&self) -> usize {
        // A run that came back from a disk or another thread is collected when one is needed.
        self.worker.ring().collect_returns();
        self.worker.ring().leased() - self.worker.spare_segments()
    }

    /// What the ring has counted.
    #[must_use]
    pub fn ring_stats(&self) -> Stats {
        self.worker.ring().stats()
    }

    /// What the worker has counted.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.worker.metrics()
    }

    /// The worker.
    #[must_use]
    pub fn worker(&self) -> &Worker<SimDriver, Served> {
        &self.worker
    }

    /// The world around it.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Sends `bytes` from `client` in the chosen way of delivery.
    fn transmit(&mut self, client: &Client, bytes: &[u8]) {
        match self.delivery {
            Delivery::Whole => client.send(bytes),
            Delivery::SplitAt(at) => {
                let (first, rest) = bytes.split_at(at.min(bytes.len()));
                client.send(first);
                self.turn_at_once();
                client.send(rest);
            }
            Delivery::ByteByByte => {
                for byte in bytes {
                    client.send(std::slice::from_ref(byte));
                    self.turn_at_once();
                }
            }
        }
    }
}

impl fmt::Debug for Lab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lab")
            .field("now", &self.world.now())
            .field("metrics", &self.worker.metrics())
            .finish_non_exhaustive()
    }
}

/// Bound of [`Lab::settle`]: far more turns than any test's traffic needs.
pub const SETTLE_TURNS_MAX: usize = 100_000;
/// How long [`Lab::settle`] lets virtual time pass: below every timeout of a connection, so that
/// settling does not end what a test has left open.
pub const SETTLE_TIME_MAX: Duration = Duration::from_millis(500);
