//! A request whose handler waits.

use std::task::Poll;

use crate::core::{Core, Terms};
use crate::encode::Persistence;
use crate::exchange::{Exchange, Need};
use crate::handler::WhenGone;
use crate::parse::Head;
use crate::pending::Pending;

/// A request whose reply is not there yet. It holds nothing of the request but what its future
/// keeps.
#[derive(Debug)]
pub(crate) struct Waiting {
    pending: Pending,
    /// Index of the route.
    route: usize,
    terms: Terms,
    when_gone: WhenGone,
}

impl Waiting {
    #[cold]
    pub(crate) fn new(
        pending: Pending,
        route: usize,
        head: &Head<'_>,
        terms: Terms,
        http: &Core,
    ) -> Self {
        let chosen = http.service().routes[route].when_gone;
        let when_gone = chosen.unwrap_or_else(|| WhenGone::of(head.method));
        Self { pending, route, terms, when_gone }
    }

    /// Asks the handler's future for its reply and queues it. Returns how it was framed; else what
    /// the connection needs.
    pub(crate) fn poll(&mut self, http: &Core, exchange: &mut Exchange<'_>) -> Result<Terms, Need> {
        let (ring, terms) = (exchange.ring, &mut self.terms);
        let polled = http.poll(&mut self.pending, &(exchange.waker)(), ring, terms);
        let Poll::Ready(mut reply) = polled else {
            let is_gone = exchange.closed && self.when_gone == WhenGone::Cancel;
            return Err(if is_gone { Need::Abort } else { Need::Wake });
        };
        if exchange.draining {
            terms.persistence = Persistence::Close;
        }
        let route = &http.service().routes[self.route];
        http.send(route, &mut reply, None, *terms, ring, exchange.outbound);
        Ok(*terms)
    }
}
