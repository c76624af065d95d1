//! One worker's HTTP: calls handlers and turns their replies into bytes to send.

use std::any::Any;
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::SystemTime;

use http::StatusCode;
use waterwheel_ring::{Full, Lease, Ring, Runs};
use waterwheel_stages::StageError;

use crate::coding::{CodingIndex, DecodeError};
use crate::cost::Costs;
use crate::encode::{Persistence, REPLY_HEAD_ROOM, ReplyHead, Stamp};
use crate::parse::HeaderSlots;
use crate::pending::Pending;
use crate::rejection::Rejection;
use crate::reply::{Body, Reply};
use crate::request::{Call, Locals, Request};
use crate::service::{PlannedRoute, Service};
use crate::streaming::{SharedInflow, stage_status};
use crate::tally::Tally;
use crate::twin::Shared;

/// What one worker keeps to serve a [`Service`].
#[derive(Debug)]
pub struct Http {
    pub(crate) core: Core,
    /// Where the fields of the head at hand lie: one for all connections, so that no request pays
    /// for making it.
    pub(crate) slots: HeaderSlots,
}

/// Per-core values, the current date, a counter: all that handlers and replies need.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) service: Arc<Service>,
    pub(crate) shared: Rc<Shared>,
    stamp: Stamp,
    pub(crate) worker: usize,
}

/// How a reply is framed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// The request was HEAD: the content's length is told, the content is not sent.
    pub(crate) head_only: bool,
    pub(crate) persistence: Persistence,
    /// The coding that the peer would have the reply compressed by.
    pub(crate) coding: Option<CodingIndex>,
}

/// A request and what it goes to.
pub(crate) struct Asked<'a> {
    /// Index of the route.
    pub(crate) index: usize,
    pub(crate) request: Request<'a>,
    pub(crate) body: Option<Lease>,
    /// Connections open on this worker.
    pub(crate) connections: usize,
    /// What lies between the socket and HTTP.
    pub(crate) layer: Option<&'a dyn Any>,
}

impl Terms {
    /// The connection ends after this reply.
    pub(crate) const LAST: Self =
        Self { head_only: false, persistence: Persistence::Close, coding: None };
    /// Another request may follow.
    pub(crate) const NEXT: Self =
        Self { head_only: false, persistence: Persistence::Implied, coding: None };
}

impl Http {
    /// For the worker with this index.
    #[must_use]
    pub fn new(service: Arc<Service>, locals: Locals, worker: usize) -> Self {
        let declared = service.routes.iter().map(|route| route.is_expensive);
        let tally = service.enlist();
        let costs = Costs::new(declared, service.limits.expensive_after, Arc::clone(&tally));
        let shared = Rc::new(Shared { locals, costs, tally });
        Self::of(service, shared, worker)
    }

    pub(crate) fn of(service: Arc<Service>, shared: Rc<Shared>, worker: usize) -> Self {
        let core = Core { service, shared, stamp: Stamp::new(), worker };
        Self { core, slots: HeaderSlots::new() }
    }

    /// Brings the date of replies up to `wall`. Cheap when it has not changed.
    #[inline]
    pub fn set_wall(&mut self, wall: SystemTime) {
        self.core.stamp.refresh(wall);
    }
}

impl Core {
    #[inline]
    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    #[inline]
    pub(crate) fn tally(&self) -> &Tally {
        &self.shared.tally
    }

    pub(crate) fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Decodes the body through the route's chain and calls the handler. An async handler returns
    /// its future instead of a reply. When the handler panics there is neither and the connection
    /// ends.
    // Inlined, as `send` is: where a request has no body, all that concerns bodies falls away.
    #[inline(always)]
    pub(crate) fn call(
        &self,
        asked: Asked<'_>,
        reply: &mut Option<Reply>,
        ring: &Ring,
        terms: &mut Terms,
    ) -> Option<Pending> {
        let Asked { index, request, mut body, connections, layer } = asked;
        let route = &self.service.routes[index];
        self.shared.costs.run(index);
        if let Some(codings) = &route.compression {
            terms.coding = codings.accepted(&request.headers());
        }
        if let Some(body) = &mut body
            && let Err(refused) = decode(route, &request, body)
        {
            *reply = Some(refused);
            return None;
        }
        let mut call = Call::new(request, body, ring, self, connections, layer);
        // The handler's state may be torn by the unwinding; it is the application's, as in any
        // program with a panic hook. Ours is not: nothing but the call's lease was lent.
        let called = AssertUnwindSafe(|| route.endpoint.call(&mut call, reply));
        catch_unwind(called).unwrap_or_else(|_| {
            terms.persistence = Persistence::Close;
            None
        })
    }

    /// Calls a handler that reads its body while it comes.
    #[cold]
    pub(crate) fn call_streamed(
        &self,
        asked: Asked<'_>,
        stream: &SharedInflow,
        ring: &Ring,
        terms: &mut Terms,
    ) -> Pending {
        let Asked { index, request, connections, layer, .. } = asked;
        let route = &self.service.routes[index];
        self.shared.costs.run(index);
        if let Some(codings) = &route.compression {
            terms.coding = codings.accepted(&request.headers());
        }
        let mut call = Call::new(request, None, ring, self, connections, layer).with_stream(stream);
        let mut reply = None;
        // As in `call`.
        let called = catch_unwind(AssertUnwindSafe(|| route.endpoint.call(&mut call, &mut reply)));
        match called {
            Ok(Some(pending)) => pending,
            Ok(None) => Pending::new(ready(reply.unwrap_or_else(handler_failed))),
            Err(_) => {
                terms.persistence = Persistence::Close;
                Pending::new(ready(handler_failed()))
            }
        }
    }

    /// Asks an async handler's future for its reply. When it panics the reply is `None` and the
    /// connection ends.
    pub(crate) fn poll(
        &self,
        pending: &mut Pending,
        waker: &Waker,
        ring: &Ring,
        terms: &mut Terms,
    ) -> Poll<Option<Reply>> {
        // What a panic leaves torn is the future's own, and that is dropped.
        match catch_unwind(AssertUnwindSafe(|| pending.poll(waker, ring))) {
            Ok(polled) => polled.map(Some),
            Err(_) => {
                terms.persistence = Persistence::Close;
                Poll::Ready(None)
            }
        }
    }

    /// Queues a reply, 500 if there is none. `head` is the run of the request's head, whose place
    /// the reply's head may take.
    #[inline(always)]
    pub(crate) fn send(
        &self,
        route: &PlannedRoute,
        reply: &mut Option<Reply>,
        head: Option<Lease>,
        terms: Terms,
        ring: &Ring,
        outbound: &mut Runs,
    ) {
        let reply = reply.get_or_insert_with(handler_failed);
        if !route.chain.is_empty() && !reply.bypasses_chain {
            encode(route, reply, ring);
        }
        if let Some(codings) = &route.compression {
            codings.compress(terms.coding, reply, ring);
        }
        self.write(reply, head, terms, ring, outbound)
    }

    /// Queues a reply. `front` is the run of the request's head, whose place the reply's head may
    /// take.
    // Inlined, as `send` is.
    #[inline(always)]
    pub(crate) fn write(
        &self,
        reply: &mut Reply,
        front: Option<Lease>,
        terms: Terms,
        ring: &Ring,
        outbound: &mut Runs,
    ) {
        let (states_len, has_content) = match reply.status.as_u16() {
            100..=199 | 205 => return self.write_unusual(reply, terms, ring, outbound),
            204 => (false, false),
            304 => (true, false),
            _ => (true, !terms.head_only),
        };
        self.tally().note_reply(reply.status);
        let content = reply.body.bytes();
        let mut digits = itoa::Buffer::new();
        let head = ReplyHead {
            stamp: &self.stamp,
            status: reply.status,
            content_type: reply.content_type,
            fields: reply.fields.as_slice(),
            content_len: states_len.then(|| digits.format(content.len())),
            persistence: terms.persistence,
        };
        let content = if has_content { content } else { &[] };
        let (head_len, content_len) = (head.len(), content.len());
        if content_len > 0 && reply.body.goes_apart() {
            queue_apart(head, head_len, std::mem::take(&mut reply.body), front, ring, outbound);
        } else {
            let room = outbound.place_here(ring, head_len + content_len);
            let (head_room, content_room) = room.split_at_mut(head_len);
            head.write(head_room);
            content_room.copy_from_slice(content);
        }
    }

    /// Queues a reply whose status does not allow what the handler gave with it. A peer that got a
    /// 1xx would wait on for the final reply (RFC 9110 §15.2); 205 has no content (§15.3.6).
    #[cold]
    fn write_unusual(&self, reply: &Reply, terms: Terms, ring: &Ring, outbound: &mut Runs) {
        if reply.status.is_informational() {
            let cause = "the handler replied with an interim status";
            let rejection = Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, cause);
            return self.send_refusal(&rejection, terms, ring, outbound);
        }
        self.tally().note_reply(reply.status);
        let head = ReplyHead {
            stamp: &self.stamp,
            status: reply.status,
            content_type: None,
            fields: reply.fields.as_slice(),
            content_len: Some("0"),
            persistence: terms.persistence,
        };
        let len = head.len();
        outbound.place(ring, len, |room| head.write(room));
    }
}

/// Undoes the content codings that the head names, on a route that does, and runs the chain towards
/// the handler.
///
/// # Errors
/// The reply that the peer gets instead of the handler's.
#[inline]
fn decode(route: &PlannedRoute, request: &Request<'_>, body: &mut Lease) -> Result<(), Reply> {
    let decoded = match &route.decoding {
        Some(codings) => codings.decode(&request.headers(), body),
        None => Ok(()),
    };
    let decoded = decoded.and_then(|()| route.chain.inbound(body).map_err(DecodeError::Stage));
    decoded.map_err(|error| {
        // What a stage left behind half-way is nobody's to see.
        body.quarantine();
        match error {
            DecodeError::Refused(rejection) => rejection.into(),
            DecodeError::Stage(error) => stage_failed(&error),
        }
    })
}

/// Runs the chain towards the network over a reply's content. Empty content is content as well: a
/// peer that decodes the route's replies expects a frame of nothing, not nothing.
fn encode(route: &PlannedRoute, reply: &mut Reply, ring: &Ring) {
    // RFC 9110 §6.4.1, and §15.3.6 for 205: these have none.
    if matches!(reply.status.as_u16(), 100..=199 | 204 | 205 | 304) {
        return;
    }
    let len = reply.body.len();
    let room = route.plan.outbound_room(len);
    let lease = match std::mem::take(&mut reply.body) {
        Body::Run(lease) => with_room(lease, room.front, room.back, ring),
        body => {
            let mut target = ring.reserve_bytes(REPLY_HEAD_ROOM + room.front + len + room.back);
            if let Ok(lease) = &mut target {
                lease.set_headroom(REPLY_HEAD_ROOM + room.front);
                lease.append(body.bytes()).expect("the run was reserved for these bytes");
            }
            target
        }
    };
    let mut lease = match lease {
        Ok(lease) => lease,
        Err(full) => {
            *reply = Rejection::new(StatusCode::SERVICE_UNAVAILABLE, full.to_string()).into();
            return;
        }
    };
    match route.chain.outbound(&mut lease) {
        Ok(()) => reply.body = Body::Run(lease),
        Err(error) => {
            lease.quarantine();
            let cause = format!("the reply cannot be encoded: {error}");
            *reply = Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, cause).into();
        }
    }
}

/// Queues a head and content that is sent from where it is.
#[inline(never)]
fn queue_apart(
    head: ReplyHead<'_>,
    head_len: usize,
    mut content: Body,
    front: Option<Lease>,
    ring: &Ring,
    outbound: &mut Runs,
) {
    if let Body::Run(lease) = &mut content {
        if let Some(front) = front {
            // Not adjacent: the reply is another run. Either way the request is done with.
            drop(lease.absorb_front(front));
        }
        if lease.prepend_with(head_len, |room| head.write(room)).is_ok() {
            return content.queue(outbound);
        }
    }
    outbound.place(ring, head_len, |room| head.write(room));
    content.queue(outbound);
}

/// The lease with so much free before and behind its payload: as it is, longer, or moved.
#[inline]
fn with_room(mut lease: Lease, front: usize, back: usize, ring: &Ring) -> Result<Lease, Full> {
    if lease.headroom() >= front {
        let missing = back.saturating_sub(lease.tailroom()).div_ceil(ring.segment_len());
        if missing == 0 || lease.extend(missing).is_ok() {
            return Ok(lease);
        }
    }
    let headroom = REPLY_HEAD_ROOM + front;
    let mut target = ring.reserve_bytes(headroom + lease.len() + back)?;
    target.set_headroom(headroom);
    lease.relocate(target).expect("the new run has room for the payload");
    Ok(lease)
}

#[cold]
pub(crate) fn handler_failed() -> Reply {
    Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "the handler failed").into()
}

#[cold]
fn stage_failed(error: &StageError) -> Reply {
    Rejection::new(stage_status(error), error.to_string()).into()
}
