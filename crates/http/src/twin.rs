//! The second instance of a worker's HTTP, which runs what is expensive, and what the two share.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::core::Http;
use crate::cost::Costs;
use crate::request::Locals;
use crate::tally::Tally;

/// What an instance shares with its twin.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) locals: Locals,
    pub(crate) costs: Costs,
    pub(crate) tally: Arc<Tally>,
}

impl Http {
    /// Another instance for the same worker: with the same per-core values, to be called while this
    /// one is in the middle of a call.
    #[must_use]
    pub fn twin(&self) -> Self {
        Self::of(Arc::clone(&self.core.service), Rc::clone(&self.core.shared), self.core.worker)
    }

    /// The last call has taken so long: the route that it ran learns from it. Returns that one's
    /// name, if there was one. Calls that are `is_slow` are counted in [`Gauges`](crate::Gauges).
    pub fn took(&mut self, time: Duration, is_slow: bool) -> Option<&str> {
        let route = self.core.shared.costs.told(time, is_slow)?;
        Some(&self.core.service.routes[route].name)
    }

    /// How many requests were given to handlers.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.core.tally().requests()
    }
}
