//! A request whose handler waits, or whose reply is written while it is sent.

use std::task::Poll;

use crate::core::{Core, Terms};
use crate::encode::Persistence;
use crate::exchange::{Exchange, Instant, Need};
use crate::handler::WhenGone;
use crate::parse::{Head, Version};
use crate::pending::Pending;
use crate::streaming::Outgoing;

/// A request whose reply is not there yet, or not whole. It holds nothing of the request but what
/// its future keeps.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The handler's future, until it has replied.
    pending: Option<Pending>,
    /// The reply that is being written. Boxed: an idle connection should not pay for it.
    outgoing: Option<Box<Outgoing>>,
    /// Index of the route.
    route: usize,
    terms: Terms,
    version: Version,
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
        let pending = Some(pending);
        Self { pending, outgoing: None, route, terms, version: head.version, when_gone }
    }

    /// Lets the handler, or who writes its reply, go on. Returns how the reply was framed when all
    /// of it is queued; else what the connection needs.
    pub(crate) fn poll(&mut self, http: &Core, exchange: &mut Exchange<'_>) -> Result<Terms, Need> {
        let polled = match &mut self.pending {
            Some(_) => self.poll_handler(http, exchange),
            None => Ok(()),
        };
        let polled = polled.and_then(|()| match &mut self.outgoing {
            Some(outgoing) => outgoing.poll(exchange),
            None => Ok(()),
        });
        match polled {
            Ok(()) => Ok(self.terms),
            // Nobody wants the result any more.
            Err(Need::Wake { .. }) if exchange.closed && self.when_gone == WhenGone::Cancel => {
                Err(Need::Abort)
            }
            Err(need) => Err(need),
        }
    }

    /// The deadline has passed that [`poll`](Self::poll) asked for.
    pub(crate) fn timed_out(&mut self, exchange: &mut Exchange<'_>) -> Need {
        match &mut self.outgoing {
            Some(outgoing) => outgoing.keep_alive(exchange),
            None => Need::Wake { deadline: Instant::MAX },
        }
    }

    /// Asks the handler's future for its reply and queues that, or its head if it is streamed.
    fn poll_handler(&mut self, http: &Core, exchange: &mut Exchange<'_>) -> Result<(), Need> {
        let Some(pending) = &mut self.pending else { return Ok(()) };
        let (ring, terms) = (exchange.ring, &mut self.terms);
        let polled = http.poll(pending, &(exchange.waker)(), ring, terms);
        let Poll::Ready(mut reply) = polled else {
            return Err(Need::Wake { deadline: Instant::MAX });
        };
        self.pending = None;
        if exchange.draining {
            terms.persistence = Persistence::Close;
        }
        let route = &http.service().routes[self.route];
        if let Some(reply) = &mut reply
            && let Some(content) = reply.take_stream()
        {
            match Outgoing::begin(content, reply, route, self.version, terms, http, exchange) {
                Ok(begun) => self.outgoing = begun.map(Box::new),
                Err(rejection) => http.refuse(&rejection, *terms, exchange),
            }
            return Ok(());
        }
        http.send(route, &mut reply, None, *terms, ring, exchange.outbound);
        Ok(())
    }
}
