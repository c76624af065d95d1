//! Several workers in one simulated world, which share expensive requests.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::sync::Arc;

use waterwheel::Limits;
use waterwheel::http::{Http, Locals, Registration, Route, Service};
use waterwheel::reactor::sim::{SimDriver, World};
use waterwheel::ring::{self, Ring};
use waterwheel::runtime::{Control, Handover, Metrics, Protocol, Worker, WorkerConfig};

pub struct Workers<P: Protocol> {
    pub world: World,
    pub all: Vec<Worker<SimDriver, P>>,
    pub control: Arc<Control>,
}

impl<P: Protocol> Workers<P> {
    /// `count` workers that serve `routes`; each one's protocol is what `protocol` makes of HTTP.
    pub fn new(
        world: World,
        routes: Vec<Registration>,
        count: usize,
        protocol: impl Fn(Http) -> P,
    ) -> Self {
        let mut ring = ring::Config::default();
        ring.segment_count = 1024;
        let limits = Limits::default();
        let service = Service::build(routes, limits, ring.segment_len, ring.segment_count);
        let service = Arc::new(service.expect("the routes are right"));
        let (control, handover) = (Arc::new(Control::new()), Arc::new(Handover::new()));
        let workers = (0..count).map(|index| {
            let http = Http::new(Arc::clone(&service), Locals::default(), index);
            let ring = Ring::new(&ring).expect("a ring can be made");
            let (config, control) = (WorkerConfig::default(), Arc::clone(&control));
            let (driver, protocol) = (world.driver(), protocol(http));
            let mut worker = Worker::new(index, driver, protocol, ring, &config, control);
            worker.share(&handover);
            worker
        });
        Self { all: workers.collect(), world, control }
    }

    /// One turn of each, with `between` behind each turn.
    pub fn turn(&mut self, mut between: impl FnMut()) {
        for worker in &mut self.all {
            worker.turn().expect("the simulated driver always polls");
            between();
        }
    }

    /// The sum of a counter of all workers.
    pub fn sum(&self, count: impl Fn(&Metrics) -> u64) -> u64 {
        self.all.iter().map(|worker| count(&worker.metrics())).sum()
    }
}

pub fn registration(method: &'static str, path: &str, route: Route) -> Registration {
    Registration { method: Some(method), path: path.to_owned(), route }
}
