//! A request whose handler waits, reads its body while it comes, or writes its reply while it is
//! sent.

use std::task::Poll;

use crate::core::{Asked, Core, Terms};
use crate::encode::Persistence;
use crate::exchange::{Exchange, Instant, Need};
use crate::parse::{Head, Version};
use crate::pending::Pending;
use crate::request::Request;
use crate::route::WhenGone;
use crate::streaming::{Outgoing, Rest, Source};

/// A request whose reply is not there yet, or not whole. It holds nothing of the request but what
/// its future keeps.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The handler's future, until it has replied.
    pending: Option<Pending>,
    /// The reply that is being written. Boxed: an idle connection should not pay for it.
    outgoing: Option<Box<Outgoing>>,
    /// The body that is being received, until the reply is complete.
    source: Option<Box<Source>>,
    /// What is left of it then.
    rest: Rest,
    /// Index of the route.
    pub(crate) route: usize,
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
    ) -> Box<Self> {
        let chosen = http.service().routes[route].when_gone;
        let when_gone = chosen.unwrap_or_else(|| WhenGone::of(head.method));
        Box::new(Self {
            pending: Some(pending),
            outgoing: None,
            source: None,
            rest: Rest::Nothing,
            route,
            terms,
            version: head.version,
            when_gone,
        })
    }

    /// Calls a handler that reads its body while it comes.
    #[cold]
    pub(crate) fn reading(
        source: Box<Source>,
        index: usize,
        head: &Head<'_>,
        request: Request<'_>,
        mut terms: Terms,
        http: &Core,
        exchange: &Exchange<'_>,
    ) -> Box<Self> {
        let Exchange { ring, connections, layer, .. } = *exchange;
        let asked = Asked { index, request, body: None, connections, layer };
        let pending = http.call_streamed(asked, &source.flow(), ring, &mut terms);
        let mut waiting = Self::new(pending, index, head, terms, http);
        waiting.source = Some(source);
        waiting
    }

    /// Lets the handler, or who writes its reply, go on. Returns how the reply was framed when all
    /// of it is queued, and what is left of the body; else what the connection needs.
    pub(crate) fn poll(
        &mut self,
        http: &Core,
        exchange: &mut Exchange<'_>,
    ) -> Result<(Terms, Rest), Need> {
        let mut fed_len = 0;
        loop {
            let polled = self.poll_once(http, exchange);
            let Err(need) = polled else {
                self.end_source(http, exchange);
                return Ok((self.terms, self.rest));
            };
            let Some(source) = &mut self.source else {
                return Err(self.unless_gone(need, exchange));
            };
            if !source.leave() || !matches!(need, Need::Wake { .. }) {
                source.pause(exchange.now);
                return Err(self.unless_gone(need, exchange));
            }
            // The client is not waited for before it has been sent everything, and one connection
            // does not hold up the others.
            if !exchange.outbound.is_empty() || fed_len >= FED_LEN_MAX {
                source.pause(exchange.now);
                return Err(Need::Turn);
            }
            let may_continue = self.outgoing.is_none();
            match source.feed(&http.service().limits, may_continue, exchange) {
                Ok(len) => fed_len += len,
                Err(Need::BytesOrWake { room, deadline }) => {
                    let silence = self.outgoing.as_ref().map_or(Instant::MAX, |out| out.deadline());
                    return Err(Need::BytesOrWake { room, deadline: deadline.min(silence) });
                }
                Err(need) => {
                    source.pause(exchange.now);
                    return Err(need);
                }
            }
        }
    }

    /// A deadline has passed that [`poll`](Self::poll) asked for. It is to be called again.
    pub(crate) fn timed_out(&mut self, exchange: &mut Exchange<'_>) {
        if let Some(source) = &mut self.source
            && source.deadline() <= exchange.now
        {
            source.expire();
        }
        if let Some(outgoing) = &mut self.outgoing
            && outgoing.deadline() <= exchange.now
        {
            outgoing.keep_alive(exchange);
        }
    }

    fn poll_once(&mut self, http: &Core, exchange: &mut Exchange<'_>) -> Result<(), Need> {
        http.shared.costs.poll(self.route);
        if let Some(source) = &self.source {
            source.enter(&(exchange.waker)());
        }
        if self.pending.is_some() {
            self.poll_handler(http, exchange)?;
        }
        match &mut self.outgoing {
            Some(outgoing) => outgoing.poll(exchange),
            None => Ok(()),
        }
    }

    /// Nothing more is read of the body: finds out what is left of it.
    fn end_source(&mut self, http: &Core, exchange: &mut Exchange<'_>) {
        if let Some(mut source) = self.source.take() {
            self.rest = source.rest(&http.service().limits, exchange);
        }
    }

    /// What a future that waits needs, unless its client has left and nobody wants its result.
    fn unless_gone(&self, need: Need, exchange: &Exchange<'_>) -> Need {
        let is_gone = exchange.closed && self.when_gone == WhenGone::Cancel;
        match need {
            // Replies to requests before this one may be under way to a client that still reads.
            Need::Wake { .. } if is_gone => {
                self.outgoing.as_ref().map_or(Need::Finish, |outgoing| outgoing.cut())
            }
            need => need,
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
            if let Some(source) = &mut self.source {
                source.begin_reply(exchange);
            }
            match Outgoing::begin(content, reply, route, self.version, terms, http, exchange) {
                Ok(begun) => self.outgoing = begun.map(Box::new),
                Err(rejection) => http.refuse(&rejection, *terms, exchange),
            }
            return Ok(());
        }
        self.end_source(http, exchange);
        if self.rest == Rest::Unknown {
            self.terms.persistence = Persistence::Close;
        }
        http.send(route, &mut reply, None, self.terms, ring, exchange.outbound);
        Ok(())
    }
}

/// Most content that one call brings a handler: what stages make of a few bytes may be long.
const FED_LEN_MAX: usize = 256 << 10;
