//! One worker's HTTP: calls handlers and turns their replies into bytes to send.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderName, HeaderValue, StatusCode};
use waterwheel_ring::{Full, Lease, Ring, Runs};
use waterwheel_stages::StageError;

use crate::encode::{Persistence, REPLY_HEAD_ROOM, ReplyHead, Stamp};
use crate::exchange::Exchange;
use crate::gauges::Load;
use crate::parse::HeaderSlots;
use crate::rejection::Rejection;
use crate::reply::{Body, Reply};
use crate::request::{Call, Locals, Request};
use crate::service::{PlannedRoute, Service};

/// What one worker keeps to serve a [`Service`].
#[derive(Debug)]
pub struct Http {
    pub(crate) core: Core,
    /// Where the fields of the head at hand lie: one for all connections, so that no request pays for
    /// making it.
    pub(crate) slots: HeaderSlots,
}

/// Per-core values, the current date, a counter: all that handlers and replies need.
#[derive(Debug)]
pub(crate) struct Core {
    service: Arc<Service>,
    locals: Locals,
    stamp: Stamp,
    worker: usize,
    requests: Cell<u64>,
}

/// How a reply is framed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// The request was HEAD: the content's length is told, the content is not sent.
    pub(crate) head_only: bool,
    pub(crate) persistence: Persistence,
}

impl Terms {
    /// The connection ends after this reply.
    pub(crate) const LAST: Self = Self { head_only: false, persistence: Persistence::Close };
    /// Another request may follow.
    pub(crate) const NEXT: Self = Self { head_only: false, persistence: Persistence::Implied };
}

impl Http {
    /// For the worker with this index.
    #[must_use]
    pub fn new(service: Arc<Service>, locals: Locals, worker: usize) -> Self {
        let (stamp, requests) = (Stamp::new(), Cell::new(0));
        let core = Core { service, locals, stamp, worker, requests };
        Self { core, slots: HeaderSlots::new() }
    }

    /// Brings the date of replies up to `wall`. Cheap when it has not changed.
    #[inline]
    pub fn set_wall(&mut self, wall: SystemTime) {
        self.core.stamp.refresh(wall);
    }

    /// How many requests were given to handlers.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.core.requests.get()
    }
}

impl Core {
    #[inline]
    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// Decodes the body through the route's chain and calls the handler. When the handler panics the
    /// reply is 500 and the connection ends with it.
    #[inline]
    pub(crate) fn call(
        &self,
        route: &PlannedRoute,
        request: Request<'_>,
        mut body: Option<Lease>,
        ring: &Ring,
        connections: usize,
        terms: &mut Terms,
    ) -> Reply {
        self.requests.set(self.requests.get() + 1);
        if let Some(body) = &mut body
            && !route.chain.is_empty()
            && let Err(error) = decode(route, body)
        {
            return stage_failed(&error).into();
        }
        let load = Load { worker: self.worker, connections, requests: self.requests.get() };
        let mut call = Call::new(request, body, ring, &self.locals, load);
        // The handler's state may be torn by the unwinding; it is the application's, as in any
        // program with a panic hook. Ours is not: nothing but the call's lease was lent.
        match catch_unwind(AssertUnwindSafe(|| route.endpoint.call(&mut call))) {
            Ok(reply) => reply,
            Err(_) => {
                terms.persistence = Persistence::Close;
                let cause = "the handler failed";
                Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, cause).into()
            }
        }
    }

    /// Queues a reply and returns its length. `head` is the run of the request's head, whose place
    /// the reply's head may take.
    #[inline]
    pub(crate) fn send(
        &self,
        route: Option<&PlannedRoute>,
        reply: Reply,
        head: Option<Lease>,
        terms: Terms,
        ring: &Ring,
        outbound: &mut Runs,
    ) -> usize {
        let reply = match route {
            Some(route) if !route.chain.is_empty() && !reply.bypasses_chain => {
                encode(route, reply, ring)
            }
            _ => reply,
        };
        self.write(reply, head, terms, ring, outbound)
    }

    /// Queues a refusal.
    pub(crate) fn refuse(&self, rejection: &Rejection, terms: Terms, exchange: &mut Exchange<'_>) {
        let reply = rejection.clone().into();
        self.write(reply, None, terms, exchange.ring, exchange.outbound);
    }

    fn write(
        &self,
        reply: Reply,
        front: Option<Lease>,
        terms: Terms,
        ring: &Ring,
        outbound: &mut Runs,
    ) -> usize {
        let Reply { status, content_type, fields, mut body, .. } = reply;
        if status.is_informational() || status == StatusCode::RESET_CONTENT {
            return self.write_unusual(status, fields, terms, ring, outbound);
        }
        let bodiless = status == StatusCode::NO_CONTENT;
        let mut digits = itoa::Buffer::new();
        let head = ReplyHead {
            stamp: &self.stamp,
            status,
            content_type,
            fields: &fields,
            content_len: (!bodiless).then(|| digits.format(body.len())),
            persistence: terms.persistence,
        };
        if bodiless || terms.head_only || status == StatusCode::NOT_MODIFIED {
            body = Body::Empty;
        }
        let (head_len, body_len) = (head.len(), body.len());
        match body {
            Body::Run(mut lease) if body_len > 0 => {
                if let Some(front) = front {
                    // Not adjacent: the reply is another run. Either way the request is done with.
                    drop(lease.absorb_front(front));
                }
                if lease.prepend_with(head_len, |room| head.write(room)).is_err() {
                    outbound.place(ring, head_len, |room| head.write(room));
                }
                outbound.push(lease);
            }
            Body::Static(bytes) if body_len > MERGED_LEN_MAX => {
                outbound.place(ring, head_len, |room| head.write(room));
                outbound.push_static(bytes);
            }
            Body::Heap(bytes) if body_len > MERGED_LEN_MAX => {
                outbound.place(ring, head_len, |room| head.write(room));
                outbound.push_heap(bytes);
            }
            body => outbound.place(ring, head_len + body_len, |room| {
                head.write(room);
                room[head_len..].copy_from_slice(body.bytes());
            }),
        }
        head_len + body_len
    }

    /// Queues a reply whose status does not allow what the handler gave with it. A peer that got a
    /// 1xx would wait on for the final reply (RFC 9110 §15.2); 205 has no content (§15.3.6).
    #[cold]
    fn write_unusual(
        &self,
        status: StatusCode,
        fields: Vec<(HeaderName, HeaderValue)>,
        terms: Terms,
        ring: &Ring,
        outbound: &mut Runs,
    ) -> usize {
        if status.is_informational() {
            let cause = "the handler replied with an interim status";
            let reply = Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, cause).into();
            return self.write(reply, None, terms, ring, outbound);
        }
        let head = ReplyHead {
            stamp: &self.stamp,
            status,
            content_type: None,
            fields: &fields,
            content_len: Some("0"),
            persistence: terms.persistence,
        };
        let len = head.len();
        outbound.place(ring, len, |room| head.write(room));
        len
    }
}

/// Runs the chain towards the handler, with the room that the plan asks for.
fn decode(route: &PlannedRoute, body: &mut Lease) -> Result<(), StageError> {
    route.chain.inbound(body)
}

/// Runs the chain towards the network over a reply's content.
fn encode(route: &PlannedRoute, reply: Reply, ring: &Ring) -> Reply {
    let len = reply.body.len();
    if len == 0 {
        return reply;
    }
    let room = route.plan.outbound_room(len);
    let lease = match reply.body {
        Body::Run(lease) => with_room(lease, room.front, room.back, ring),
        ref body => {
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
            return Rejection::new(StatusCode::SERVICE_UNAVAILABLE, full.to_string()).into();
        }
    };
    match route.chain.outbound(&mut lease) {
        Ok(()) => Reply { body: Body::Run(lease), ..reply },
        Err(error) => {
            let cause = format!("the reply cannot be encoded: {error}");
            Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, cause).into()
        }
    }
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
fn stage_failed(error: &StageError) -> Rejection {
    let status = match error {
        StageError::Malformed { .. } => StatusCode::BAD_REQUEST,
        StageError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Rejection::new(status, error.to_string())
}

/// Content up to this length is copied behind its head; longer content is sent from where it is.
/// A piece of a vectored write costs about as much as copying 1 KiB.
const MERGED_LEN_MAX: usize = 1024;
