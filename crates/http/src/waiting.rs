//! A request whose handler waits.

use std::task::Poll;

use http::StatusCode;

use crate::core::{Core, Terms};
use crate::encode::Persistence;
use crate::exchange::{Exchange, Need};
use crate::handler::WhenGone;
use crate::parse::{Head, Version};
use crate::pending::Pending;
use crate::rejection::Rejection;
use crate::reply::Reply;
use crate::streaming::{Outgoing, StreamBody};

/// A request whose reply is not there yet. It holds nothing of the request but what its future
/// keeps.
#[derive(Debug)]
pub(crate) struct Waiting {
    pending: Pending,
    /// Index of the route.
    route: usize,
    terms: Terms,
    version: Version,
    when_gone: WhenGone,
}

/// What became of a request whose handler waited.
pub(crate) enum Answered {
    /// The reply is queued.
    Whole(Terms),
    /// The head of the reply is, and its content is still to be written.
    Streamed(Streaming),
}

/// A request whose reply is being written.
#[derive(Debug)]
pub(crate) struct Streaming {
    outgoing: Outgoing,
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
        Self { pending, route, terms, version: head.version, when_gone }
    }

    /// Asks the handler's future for its reply and queues that, or its head. `Err` is what the
    /// connection needs before.
    pub(crate) fn poll(
        &mut self,
        http: &Core,
        exchange: &mut Exchange<'_>,
    ) -> Result<Answered, Need> {
        let (ring, terms) = (exchange.ring, &mut self.terms);
        let polled = http.poll(&mut self.pending, &(exchange.waker)(), ring, terms);
        let Poll::Ready(mut reply) = polled else {
            return Err(unless_gone(Need::Wake, self.when_gone, exchange));
        };
        if exchange.draining {
            terms.persistence = Persistence::Close;
        }
        if let Some(streamed) = &mut reply
            && let Some(content) = streamed.take_stream()
        {
            return Ok(self.begin(content, streamed, http, exchange));
        }
        let route = &http.service().routes[self.route];
        http.send(route, &mut reply, None, self.terms, ring, exchange.outbound);
        Ok(Answered::Whole(self.terms))
    }

    /// Queues the head of a streamed reply.
    fn begin(
        &mut self,
        content: StreamBody,
        reply: &mut Reply,
        http: &Core,
        exchange: &mut Exchange<'_>,
    ) -> Answered {
        let route = &http.service().routes[self.route];
        if !route.chain.is_empty() && !reply.bypasses_chain {
            let cause = "a streamed reply cannot pass the route's stages";
            let rejection = Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, cause);
            http.refuse(&rejection, self.terms, exchange);
            return Answered::Whole(self.terms);
        }
        let (version, terms) = (self.version, &mut self.terms);
        match Outgoing::begin(content, reply, version, terms, http, exchange) {
            Some(outgoing) => Answered::Streamed(Streaming { outgoing, when_gone: self.when_gone }),
            None => Answered::Whole(self.terms),
        }
    }
}

impl Streaming {
    /// Lets the reply be written on. Returns how it was framed when it is complete.
    pub(crate) fn poll(&mut self, exchange: &mut Exchange<'_>) -> Result<Terms, Need> {
        let polled = self.outgoing.poll(exchange);
        polled.map_err(|need| unless_gone(need, self.when_gone, exchange))
    }
}

/// What a future that waits needs, unless its client has left and nobody wants its result.
fn unless_gone(need: Need, when_gone: WhenGone, exchange: &Exchange<'_>) -> Need {
    let is_gone = exchange.closed && when_gone == WhenGone::Cancel;
    if is_gone && need == Need::Wake { Need::Abort } else { need }
}
