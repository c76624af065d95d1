//! Time as the harness keeps it: turns of the server that end when the harness wants to look.

use std::collections::BTreeSet;
use std::time::Duration;

use waterwheel::lab::Lab;
use waterwheel::runtime::Turn;

/// The moments at which the server is woken for the harness's sake.
#[derive(Default)]
pub(crate) struct Clock {
    planned: BTreeSet<Duration>,
}

impl Clock {
    /// One turn of the server, in which no more time passes than up to `until`. Faults that move
    /// the clock may do so all the same.
    pub(crate) fn turn(&mut self, lab: &mut Lab, until: Duration) -> Turn {
        let now = lab.world().now();
        self.planned = self.planned.split_off(&now);
        if until > now && self.planned.insert(until) {
            lab.world().wake_at(0, until);
        }
        lab.turn()
    }
}
