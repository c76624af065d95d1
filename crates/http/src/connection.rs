//! One connection's way through its requests: head, body, handler, reply, next head.
//!
//! A state machine over received bytes and an output queue. It does no I/O, reads no clock and
//! holds no segment between calls: what it has not consumed stays in [`Exchange::inbound`].

use std::time::Duration;

use http::StatusCode;

use crate::core::{Asked, Core, Http, Terms};
use crate::encode::Persistence;
use crate::exchange::{Exchange, Instant, Need, PeerAddress};
use crate::limits::Limits;
use crate::overload::{CLOSE_AT, idle_deadline, refusal};
use crate::parse::{Head, HeadError, HeadScan, HeaderSlots, Method, Outline, Version, parse_head};
use crate::receiving::{self, BodyPhase, Coding, Content, Opening};
use crate::rejection::Rejection;
use crate::request::Request;
use crate::router::{Found, Params};
use crate::waiting::Waiting;

/// The state of one connection between calls.
#[derive(Debug)]
pub struct Connection {
    pub(crate) phase: Phase,
    pub(crate) peer: PeerAddress,
    pub(crate) scan: HeadScan,
    /// When the connection is too old for another request.
    pub(crate) expires: Instant,
    /// When the phase began: the last request ended, the head's first byte came, or the body was
    /// begun.
    pub(crate) since: Instant,
    /// Whether a request has been answered.
    pub(crate) served: bool,
}

#[derive(Debug)]
pub(crate) enum Phase {
    /// Nothing of the next request has come.
    Idle,
    /// Part of a head has come.
    Head,
    /// The head lies at the start of the inbound bytes, the body follows.
    Body(BodyPhase),
    /// The request was answered before its body came; so many bytes of it are to be dropped.
    Skip(usize),
    /// The request's handler waits, or its reply is written while it is sent. Boxed: an idle
    /// connection should not pay for it.
    Waiting(Box<Waiting>),
}

/// `Err` ends the call.
pub(crate) type Step = Result<(), Need>;

impl Connection {
    /// A connection from `peer`, opened at `now`.
    #[must_use]
    pub fn new(peer: PeerAddress, now: Instant, limits: &Limits) -> Self {
        let scan = HeadScan::new();
        let expires = now + limits.connection_age_max;
        Self { phase: Phase::Idle, peer, scan, expires, since: now, served: false }
    }

    /// Where the connection comes from.
    #[must_use]
    pub fn peer(&self) -> PeerAddress {
        self.peer
    }

    /// From here on `client` counts as the peer: a proxy speaks for it.
    pub fn introduce(&mut self, client: PeerAddress) {
        self.peer = client;
    }

    /// Handles what has come in, as far as it goes.
    // Always, for a program that serves TLS too has two kinds of workers, and neither pays a call.
    #[inline(always)]
    pub fn advance(&mut self, http: &mut Http, exchange: &mut Exchange<'_>) -> Need {
        let Http { core: http, slots } = http;
        loop {
            let step = match self.phase {
                Phase::Idle | Phase::Head => self.head(http, slots, exchange),
                Phase::Body(_) => self.body(true, None, http, slots, exchange),
                Phase::Skip(_) => self.skip(http, exchange),
                Phase::Waiting(_) => self.wait(true, http, exchange),
            };
            if let Err(need) = step {
                return need;
            }
            let queued_max = http.service().limits.queued_output_max.min(TURN_OUTPUT_MAX);
            if exchange.outbound.len() >= queued_max {
                return Need::Turn;
            }
        }
    }

    /// The deadline that came with [`Need::Bytes`] has passed.
    pub fn timed_out(&mut self, http: &Http, exchange: &mut Exchange<'_>) -> Need {
        let cause = match &mut self.phase {
            Phase::Idle | Phase::Skip(_) => return Need::Finish,
            Phase::Head => "the request's head did not come in time",
            Phase::Body(_) => "the request's body came too slowly",
            Phase::Waiting(waiting) => {
                waiting.timed_out(exchange);
                return Need::Turn;
            }
        };
        let rejection = Rejection::new(StatusCode::REQUEST_TIMEOUT, cause);
        http.core.refuse(&rejection, last_terms(exchange), exchange);
        Need::Finish
    }

    /// Takes the next head and, unless a body follows, answers it.
    // Else the compiler calls it from each kind of worker, which costs 3 % of a request.
    #[inline(always)]
    fn head(&mut self, http: &Core, slots: &mut HeaderSlots, exchange: &mut Exchange<'_>) -> Step {
        let bytes = exchange.inbound.bytes();
        if bytes.is_empty() {
            return Err(self.idle(http, exchange));
        }
        let limits = &http.service().limits;
        let parsed = self.scan.parse(bytes, slots, limits);
        // Looked at where it is: a head is long, and taking it out would copy it.
        let head = match &parsed {
            Ok(Some(head)) => head,
            Ok(None) => return Err(self.await_head(http, exchange)),
            Err(error) => return Err(refuse_head(*error, http, exchange)),
        };
        if matches!(self.phase, Phase::Head) {
            // It has seen this head's pieces.
            self.scan = HeadScan::new();
        }
        let mut terms = self.terms(head, exchange);
        let found = http.service().router.find(head.method, head.target.path_bytes());
        if !exchange.pressure.is_none()
            && let Some(refusal) = refusal(exchange.pressure, head, &found, terms, http)
        {
            return self.shed(&refusal, http, exchange);
        }
        if head.framing.has_body() {
            let opening = receiving::open(head, &found, http, terms, &self.peer, exchange);
            let outline = Outline::of(head, bytes);
            return self.begin_body(opening, outline, http, slots, exchange);
        }
        let (head_len, received_len) = (head.head_len, bytes.len());
        let (ring, connections, layer) = (exchange.ring, exchange.connections, exchange.layer);
        match &found {
            Found::Route { value, params, .. } => {
                if http.is_expensive(**value) {
                    return Err(Need::Defer);
                }
                let route = &http.service().routes[**value];
                let request = Request::new(head, params, &self.peer);
                let asked = Asked { index: **value, request, body: None, connections, layer };
                let mut reply = None;
                if let Some(pending) = http.call(asked, &mut reply, ring, &mut terms) {
                    self.phase = Phase::Waiting(Waiting::new(pending, **value, head, terms, http));
                    exchange.inbound.consume(head_len);
                    return Ok(());
                }
                http.send(route, &mut reply, None, terms, ring, exchange.outbound)
            }
            _ => {
                let rejection = Rejection::not_routed(&found, head);
                http.send_refusal(&rejection, terms, ring, exchange.outbound)
            }
        };
        exchange.inbound.consume(head_len);
        self.next(terms, exchange.now)?;
        if head_len == received_len { Err(self.idle(http, exchange)) } else { Ok(()) }
    }

    /// Nothing of the next request has come: waits for it, unless there will be none.
    fn idle(&self, http: &Core, exchange: &Exchange<'_>) -> Need {
        if exchange.ended {
            return Need::Finish;
        }
        let limits = &http.service().limits;
        Need::Bytes { room: 0, deadline: idle_deadline(self.since, self.served, limits, exchange) }
    }

    #[cold]
    fn await_head(&mut self, http: &Core, exchange: &Exchange<'_>) -> Need {
        if exchange.ended {
            return Need::Abort;
        }
        if matches!(self.phase, Phase::Idle) {
            // The empty line that some clients send behind a body begins no request.
            if self.served && matches!(exchange.inbound.bytes(), b"\r" | b"\r\n") {
                return self.idle(http, exchange);
            }
            self.phase = Phase::Head;
            // The first head's time runs from the accept, so that silence buys no second timeout.
            if self.served {
                self.since = exchange.now;
            }
        }
        let limits = &http.service().limits;
        let deadline = self.since + limits.head_timeout;
        Need::Bytes { room: limits.head_len_max, deadline }
    }

    // Apart, as the rest of what concerns bodies: in the registers of the one path that most
    // requests take, it would only cost.
    #[inline(never)]
    fn begin_body(
        &mut self,
        opening: Opening,
        outline: Option<Outline>,
        http: &Core,
        slots: &mut HeaderSlots,
        exchange: &mut Exchange<'_>,
    ) -> Step {
        match opening {
            Opening::Receive(body, expects) => {
                if expects && exchange.inbound.len() == body.head_len {
                    let Exchange { ring, outbound, .. } = exchange;
                    outbound.place(ring, CONTINUE.len(), |room| room.copy_from_slice(CONTINUE));
                }
                self.since = exchange.now;
                self.phase = Phase::Body(body);
                self.body(true, outline, http, slots, exchange)
            }
            Opening::Stream(waiting, head_len) => {
                self.phase = Phase::Waiting(waiting);
                exchange.inbound.consume(head_len);
                Ok(())
            }
            Opening::Refuse(rejection, terms, skipped) => {
                http.refuse(&rejection, terms, exchange);
                let left = skipped.ok_or(Need::Finish)?;
                self.since = exchange.now;
                self.phase = Phase::Skip(left);
                Ok(())
            }
        }
    }

    /// Waits for the whole body, then answers, unless the request is expensive and may stand back.
    /// The outline is that of the head that `slots` hold.
    #[inline(never)]
    pub(crate) fn body(
        &mut self,
        may_stand_back: bool,
        outline: Option<Outline>,
        http: &Core,
        slots: &mut HeaderSlots,
        exchange: &mut Exchange<'_>,
    ) -> Step {
        let Phase::Body(body) = &mut self.phase else { return Ok(()) };
        let content = match body.receive(exchange) {
            Ok(Some(content)) => content,
            Ok(None) if exchange.ended => return Err(Need::Abort),
            Ok(None) => return Err(self.await_body(http, exchange)),
            Err(rejection) => {
                http.refuse(&rejection, last_terms(exchange), exchange);
                return Err(Need::Finish);
            }
        };
        let (head_len, route) = (body.head_len, body.route);
        if may_stand_back && http.is_expensive(route) {
            return Err(Need::Defer);
        }
        let content = Some((route, content));
        self.answer_claimed(head_len, content, outline, http, slots, exchange)
    }

    fn await_body(&self, http: &Core, exchange: &Exchange<'_>) -> Need {
        let Phase::Body(body) = &self.phase else { return Need::Abort };
        let limits = &http.service().limits;
        let received = exchange.inbound.len() - body.head_len;
        // Late bytes buy time at the lowest accepted rate, and no more than a stall's worth of it.
        let earned = Duration::from_secs(received as u64 / limits.body_rate_min.max(1));
        let by_rate = self.since + limits.body_grace + earned;
        let by_stall = exchange.now + limits.body_stall_timeout;
        let room = match &body.coding {
            Coding::Length(len) => body.head_len + len,
            Coding::Chunked(_) => exchange.inbound.len() + CHUNKED_READ_LEN,
        };
        Need::Bytes { room, deadline: by_rate.min(by_stall) }
    }

    /// Gives a complete request to the route's handler, in a lease of its own. Without content,
    /// which comes with the route that it was received for, it has no body.
    pub(crate) fn answer_claimed(
        &mut self,
        head_len: usize,
        content: Option<(usize, Content)>,
        outline: Option<Outline>,
        http: &Core,
        slots: &mut HeaderSlots,
        exchange: &mut Exchange<'_>,
    ) -> Step {
        let (known_route, content) = content.unzip();
        let Content { raw_len, start, len } = content.unwrap_or_default();
        let (total, wanted) = (head_len + raw_len, head_len + start + len);
        let claimed = exchange.inbound.claim_front(exchange.ring, total, wanted);
        let mut lease = claimed.map_err(|_| Need::Room)?;
        let mut body = lease.split_off(head_len);
        body.truncate(start + len);
        body.advance(start);
        let body = content.map(|_| body);
        let limits = &http.service().limits;
        let head = match outline {
            Some(outline) => outline.over(lease.payload(), slots),
            // The body came later: a borrowed head cannot outlive the call that received it.
            None => match parse_head(lease.payload(), slots, limits) {
                Ok(Some(head)) => head,
                _ => return Err(Need::Abort),
            },
        };
        let mut terms = self.terms(&head, exchange);
        let service = http.service();
        let (index, params) = match known_route {
            Some(index) if !service.routes[index].may_have_params => (index, Params::none()),
            _ => match service.router.find(head.method, head.target.path_bytes()) {
                Found::Route { value, params, .. } => (*value, params),
                _ => return Err(Need::Abort),
            },
        };
        let route = &service.routes[index];
        let request = Request::new(&head, &params, &self.peer);
        let (ring, connections, layer) = (exchange.ring, exchange.connections, exchange.layer);
        let asked = Asked { index, request, body, connections, layer };
        let mut reply = None;
        if let Some(pending) = http.call(asked, &mut reply, ring, &mut terms) {
            self.phase = Phase::Waiting(Waiting::new(pending, index, &head, terms, http));
            return Ok(());
        }
        http.send(route, &mut reply, Some(lease), terms, ring, exchange.outbound);
        self.next(terms, exchange.now)
    }

    /// Drops what has come of a body that nobody wants.
    #[cold]
    fn skip(&mut self, http: &Core, exchange: &mut Exchange<'_>) -> Step {
        let Phase::Skip(left) = &mut self.phase else { return Ok(()) };
        let count = (*left).min(exchange.inbound.len());
        exchange.inbound.consume(count);
        *left -= count;
        if *left == 0 {
            return self.next(Terms::NEXT, exchange.now);
        }
        if exchange.ended {
            return Err(Need::Abort);
        }
        let deadline = self.since + http.service().limits.linger_timeout;
        Err(Need::Bytes { room: 0, deadline })
    }

    /// The request is answered: the next one may come, or the connection ends.
    #[inline]
    pub(crate) fn next(&mut self, terms: Terms, now: Instant) -> Step {
        // A request that came at once was never anything but the next one.
        if !matches!(self.phase, Phase::Idle) {
            self.phase = Phase::Idle;
        }
        self.since = now;
        self.served = true;
        if terms.persistence == Persistence::Close { Err(Need::Finish) } else { Ok(()) }
    }

    /// How the reply to `head` is framed, and whether another request may follow it.
    #[inline]
    fn terms(&self, head: &Head<'_>, exchange: &Exchange<'_>) -> Terms {
        let has_time = exchange.pressure.memory() < CLOSE_AT && exchange.now < self.expires;
        let goes_on = head.keep_alive && !exchange.draining && has_time;
        let persistence = match (goes_on, head.version) {
            (false, _) => Persistence::Close,
            (true, Version::Http10) => Persistence::KeepAlive,
            (true, _) => Persistence::Implied,
        };
        Terms { head_only: head.method == Method::Head, persistence, coding: None }
    }
}

#[cold]
fn refuse_head(error: HeadError, http: &Core, exchange: &mut Exchange<'_>) -> Need {
    let rejection = Rejection::of(error.status(), error.to_string());
    http.refuse(&rejection, last_terms(exchange), exchange);
    Need::Finish
}

/// The terms of a refusal of the request in front, whose head may not have been parsed. To HEAD
/// nothing is sent behind a head, whatever the status (RFC 9110 §9.3.2).
#[cold]
fn last_terms(exchange: &Exchange<'_>) -> Terms {
    let head_only = exchange.inbound.bytes().starts_with(b"HEAD ");
    Terms { head_only, ..Terms::LAST }
}

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// How much further a chunked body's run reaches at a time: its length is not known before its end.
const CHUNKED_READ_LEN: usize = 16 << 10;
/// Replies of this length, some 250 short ones, are queued for one connection in one turn: who
/// sends a thousand requests at once keeps nobody waiting for longer than it takes to send them.
const TURN_OUTPUT_MAX: usize = 32 << 10;
