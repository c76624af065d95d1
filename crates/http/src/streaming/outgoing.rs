//! A streamed reply as its connection sees it: its head, its future, and how it ends.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use waterwheel_ring::Ring;
use waterwheel_stages::{Chain, Direction, StageError, Stream};

use super::BETWEEN_LEN;
use super::outflow::{Ended, OutFraming, SharedOutflow};
use super::writer::{BodyWriter, Cut};
use crate::core::{Core, Terms};
use crate::encode::{Persistence, ReplyHead};
use crate::exchange::{Exchange, Instant, Need};
use crate::parse::Version;
use crate::rejection::Rejection;
use crate::reply::Reply;
use crate::service::PlannedRoute;

/// The content of a streamed reply before its head is written.
pub(crate) struct StreamBody {
    flow: SharedOutflow,
    writing: Writing,
    /// As stated by the handler.
    pub(crate) content_len: Option<u64>,
    /// After how much silence a comment is sent, if this is a stream of events.
    pub(crate) keep_alive: Option<Duration>,
}

/// The future that writes the content.
type Writing = Pin<Box<dyn Future<Output = Result<(), Cut>>>>;

/// A streamed reply that has begun.
pub(crate) struct Outgoing {
    flow: SharedOutflow,
    /// `None` when it has written all.
    writing: Option<Writing>,
    framing: OutFraming,
    keep_alive: Option<Duration>,
    /// When something was sent last.
    quiet_since: Instant,
}

impl StreamBody {
    pub(crate) fn new<F>(write: impl FnOnce(BodyWriter) -> F + 'static) -> Self
    where
        F: Future<Output = Result<(), Cut>> + 'static,
    {
        let flow = SharedOutflow::default();
        let writer = BodyWriter::new(Rc::clone(&flow));
        // Called when it is polled first, under the guard against panics, and not for HEAD.
        let writing = Box::pin(async move { write(writer).await });
        Self { flow, writing, content_len: None, keep_alive: None }
    }
}

impl Outgoing {
    /// Queues the head of a reply with this content. `None` when that is all of it.
    ///
    /// # Errors
    /// The reply that the peer gets instead: the content cannot be encoded.
    pub(crate) fn begin(
        stream: StreamBody,
        reply: &mut Reply,
        route: &PlannedRoute,
        version: Version,
        terms: &mut Terms,
        http: &Core,
        exchange: &mut Exchange<'_>,
    ) -> Result<Option<Self>, Rejection> {
        let StreamBody { flow, writing, content_len, keep_alive } = stream;
        // 304 stands for content that it does not have; 204 has none to state a length of.
        let status = reply.status.as_u16();
        let has_content = !terms.head_only && !matches!(status, 204 | 304);
        let encoder = encoder(route, reply, terms, exchange.ring, has_content)?;
        let stated_len = content_len.filter(|_| encoder.is_empty() && status != 204);
        let framing = match (stated_len, version) {
            (Some(_), _) => OutFraming::Length,
            // RFC 9112 §6.1: an HTTP/1.0 client need not know transfer codings.
            (None, Version::Http10) => OutFraming::ToClose,
            (None, _) => OutFraming::Chunked,
        };
        match framing {
            OutFraming::Chunked if !matches!(status, 204 | 304) => {
                reply.fields.push(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
            OutFraming::ToClose if has_content => terms.persistence = Persistence::Close,
            _ => {}
        }
        http.tally().note_reply(reply.status);
        let mut digits = itoa::Buffer::new();
        let head = ReplyHead {
            stamp: http.stamp(),
            status: reply.status,
            content_type: reply.content_type,
            fields: reply.fields.as_slice(),
            content_len: stated_len.map(|len| digits.format(len)),
            persistence: terms.persistence,
        };
        let Exchange { ring, outbound, .. } = exchange;
        outbound.place(ring, head.len(), |room| head.write(room));
        if !has_content {
            return Ok(None);
        }
        let queued_max = http.service().limits.queued_output_max;
        let waker = (exchange.waker)();
        let mut outflow = flow.borrow_mut();
        outflow.begin(framing, content_len, encoder, ring, queued_max, waker);
        if exchange.file.is_some() {
            outflow.take_files();
        }
        drop(outflow);
        let (writing, quiet_since) = (Some(writing), exchange.now);
        Ok(Some(Self { flow, writing, framing, keep_alive, quiet_since }))
    }

    /// Lets the content be written as far as it goes. `Ok` when the reply is complete; else what
    /// the connection needs.
    pub(crate) fn poll(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Need> {
        if self.keep_alive.is_some() && exchange.draining {
            // Events have no end of their own, and their client comes back for more.
            self.writing = None;
        }
        let waker = self.enter(exchange);
        let polled = self.poll_writing(&waker);
        let mut flow = self.flow.borrow_mut();
        let ended = polled.map(|written| match written {
            Ok(()) => flow.finish(),
            Err(Cut { .. }) => Ended::Short,
        });
        let queued_before = exchange.outbound.len();
        let waits = flow.leave(exchange.outbound);
        if exchange.outbound.len() > queued_before {
            self.quiet_since = exchange.now;
        }
        if let Some(place) = exchange.file.as_deref_mut()
            && let Some(part) = flow.take_part()
        {
            *place = Some(part);
            return Err(Need::SendFile);
        }
        match ended {
            Poll::Ready(Ended::Whole) => Ok(()),
            Poll::Ready(Ended::NoRoom) => Err(Need::Room),
            Poll::Ready(Ended::Short) => Err(self.cut()),
            Poll::Pending if waits.for_ring => Err(Need::Room),
            Poll::Pending if waits.for_socket => Err(Need::Turn),
            Poll::Pending => Err(Need::Wake { deadline: self.deadline() }),
        }
    }

    /// When silence has lasted too long, if it can.
    pub(crate) fn deadline(&self) -> Instant {
        let interval = self.keep_alive.filter(|interval| !interval.is_zero());
        interval.map_or(Instant::MAX, |interval| self.quiet_since + interval)
    }

    /// Nothing was sent for so long that the client, and what stands between, may think that
    /// nothing ever will be: sends what says nothing.
    pub(crate) fn keep_alive(&mut self, exchange: &mut Exchange<'_>) {
        self.enter(exchange);
        let mut flow = self.flow.borrow_mut();
        // Where there is no room, there is something to send. What cannot be encoded cuts the reply
        // when its future is polled next.
        if let Ok(Some(_)) = flow.take(KEEP_ALIVE) {
            let _ = flow.flush_encoder();
        }
        flow.leave(exchange.outbound);
        self.quiet_since = exchange.now;
    }

    fn enter(&self, exchange: &Exchange<'_>) -> Waker {
        let waker = (exchange.waker)();
        let (unsent, is_draining) = (exchange.outbound.len(), exchange.draining);
        let waiter = self.flow.borrow_mut().enter(&waker, unsent, is_draining);
        waiter.into_iter().for_each(Waker::wake);
        waker
    }

    fn poll_writing(&mut self, waker: &Waker) -> Poll<Result<(), Cut>> {
        let Some(writing) = &mut self.writing else { return Poll::Ready(Ok(())) };
        let mut context = Context::from_waker(waker);
        // What a panic leaves torn is the future's own, and that is dropped.
        let polled = catch_unwind(AssertUnwindSafe(|| writing.as_mut().poll(&mut context)));
        let polled = polled.unwrap_or(Poll::Ready(Err(Cut::new())));
        if polled.is_ready() {
            self.writing = None;
        }
        polled
    }

    /// Ends the connection so that the client sees that the reply is not whole. Where the framing
    /// shows it, what was written arrives first (RFC 9112 §8).
    pub(crate) fn cut(&self) -> Need {
        if self.framing == OutFraming::ToClose { Need::Abort } else { Need::Finish }
    }
}

/// The stages that the content passes: the route's own, and the coding that the peer accepts. Adds
/// the fields that tell of it.
fn encoder(
    route: &PlannedRoute,
    reply: &mut Reply,
    terms: &Terms,
    ring: &Ring,
    has_content: bool,
) -> Result<Stream, Rejection> {
    let none = Chain::new();
    let own = if reply.bypasses_chain { &none } else { &route.chain };
    let coding = route.compression.as_ref().and_then(|codings| codings.chosen(terms.coding, reply));
    let start = |chains: &[&Chain]| Stream::start(chains, Direction::Outbound, ring, BETWEEN_LEN);
    if let Some((name, chain)) = coding {
        let started = start(&[chain, own]);
        // A worker lends a bounded number of compressors. Without one the content goes as it is.
        if started.is_ok() || !has_content {
            reply.fields.push(header::CONTENT_ENCODING, HeaderValue::from_static(name));
            return started.or_else(|_| start(&[])).map_err(|error| refused(&error));
        }
    }
    start(&[own]).map_err(|error| refused(&error))
}

fn refused(error: &StageError) -> Rejection {
    let status = match error {
        StageError::Busy { .. } | StageError::Full { .. } => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Rejection::new(status, format!("the reply cannot be encoded: {error}"))
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        let waiter = self.flow.borrow_mut().end();
        waiter.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for StreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamBody").field("content_len", &self.content_len).finish_non_exhaustive()
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("framing", &self.framing).finish_non_exhaustive()
    }
}

/// A comment of no text, in a stream of events.
const KEEP_ALIVE: &[u8] = b":\n\n";
