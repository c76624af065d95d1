//! Time as the harness keeps it: turns of the server, bounded by what the harness wants to do next.
//!
//! The harness takes part in the world as a second worker without a listener, so that time never
//! passes beyond its own next deadline, and the server parks exactly as long as it asks to.

use std::time::Duration;

use waterwheel::lab::Lab;
use waterwheel::reactor::Driver;
use waterwheel::reactor::sim::SimDriver;
use waterwheel::runtime::Turn;

pub(crate) struct Clock {
    port: SimDriver,
    /// Always empty between calls.
    events: Vec<waterwheel::reactor::Event>,
}

impl Clock {
    pub(crate) fn new(lab: &Lab) -> Self {
        let mut port = lab.world().driver();
        port.close_listeners();
        Self { port, events: Vec::new() }
    }

    /// One turn of the server, in which no more time passes than up to `until`.
    pub(crate) fn turn(&mut self, lab: &mut Lab, until: Duration) -> Turn {
        let before = lab.world().now();
        self.wait(until.saturating_sub(before));
        if lab.world().now() > before {
            // The server is due: it must see this moment, and not park once more from it.
            self.wait(Duration::ZERO);
        }
        lab.turn()
    }

    /// Parks the harness; faults of its own poll are none of the server's business.
    fn wait(&mut self, time: Duration) {
        let until = self.port.now().saturating_add(time);
        loop {
            self.events.clear();
            let left = until.saturating_sub(self.port.now());
            if self.port.poll(Some(left), &mut self.events).is_ok() && self.events.is_empty() {
                return;
            }
        }
    }
}
