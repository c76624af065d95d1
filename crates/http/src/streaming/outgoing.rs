//! A streamed reply as its connection sees it: its head, its future, and how it ends.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use http::{HeaderValue, header};

use super::outflow::{OutFraming, SharedOutflow};
use super::writer::{BodyWriter, Cut};
use crate::core::{Core, Terms};
use crate::encode::{Persistence, ReplyHead};
use crate::exchange::{Exchange, Need};
use crate::parse::Version;
use crate::reply::Reply;

/// The content of a streamed reply before its head is written.
pub(crate) struct StreamBody {
    flow: SharedOutflow,
    writing: Writing,
    /// As stated by the handler.
    pub(crate) content_len: Option<u64>,
}

/// The future that writes the content.
type Writing = Pin<Box<dyn Future<Output = Result<(), Cut>>>>;

/// A streamed reply that has begun.
pub(crate) struct Outgoing {
    flow: SharedOutflow,
    writing: Writing,
    framing: OutFraming,
    terms: Terms,
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
        Self { flow, writing, content_len: None }
    }
}

impl Outgoing {
    /// Queues the head of a reply with this content. `None` when that is all of it.
    pub(crate) fn begin(
        stream: StreamBody,
        reply: &mut Reply,
        version: Version,
        terms: &mut Terms,
        http: &Core,
        exchange: &mut Exchange<'_>,
    ) -> Option<Self> {
        let StreamBody { flow, writing, content_len } = stream;
        let framing = match (content_len, version) {
            (Some(_), _) => OutFraming::Length,
            // RFC 9112 §6.1: an HTTP/1.0 client need not know transfer codings.
            (None, Version::Http10) => OutFraming::ToClose,
            (None, _) => OutFraming::Chunked,
        };
        // 304 stands for content that it does not have; 204 has none to state a length of.
        let status = reply.status.as_u16();
        let has_content = !terms.head_only && !matches!(status, 204 | 304);
        if status != 204 {
            match framing {
                OutFraming::Length => {}
                OutFraming::ToClose if has_content => terms.persistence = Persistence::Close,
                OutFraming::ToClose => {}
                OutFraming::Chunked if status == 304 => {}
                OutFraming::Chunked => {
                    let coding = HeaderValue::from_static("chunked");
                    reply.fields.push(header::TRANSFER_ENCODING, coding);
                }
            }
        }
        let mut digits = itoa::Buffer::new();
        let head = ReplyHead {
            stamp: http.stamp(),
            status: reply.status,
            content_type: reply.content_type,
            fields: reply.fields.as_slice(),
            content_len: content_len.filter(|_| status != 204).map(|len| digits.format(len)),
            persistence: terms.persistence,
        };
        let Exchange { ring, outbound, .. } = exchange;
        outbound.place(ring, head.len(), |room| head.write(room));
        if !has_content {
            return None;
        }
        let queued_max = http.service().limits.queued_output_max;
        flow.borrow_mut().begin(framing, content_len, ring, queued_max, (exchange.waker)());
        Some(Self { flow, writing, framing, terms: *terms })
    }

    /// Lets the content be written as far as it goes. Returns how the reply was framed when it is
    /// complete; else what the connection needs.
    pub(crate) fn poll(&mut self, exchange: &mut Exchange<'_>) -> Result<Terms, Need> {
        let waker = (exchange.waker)();
        let (unsent, is_draining) = (exchange.outbound.len(), exchange.draining);
        let waiter = self.flow.borrow_mut().enter(&waker, unsent, is_draining);
        waiter.into_iter().for_each(Waker::wake);
        let mut context = Context::from_waker(&waker);
        // What a panic leaves torn is the future's own, and that is dropped.
        let polled = catch_unwind(AssertUnwindSafe(|| self.writing.as_mut().poll(&mut context)));
        let mut flow = self.flow.borrow_mut();
        let is_complete = match &polled {
            Ok(Poll::Ready(Ok(()))) => flow.finish(),
            _ => false,
        };
        let (waits, is_starved) = flow.leave(exchange.outbound);
        match polled {
            Ok(Poll::Pending) if is_starved => Err(Need::Room),
            Ok(Poll::Pending) if waits => Err(Need::Turn),
            Ok(Poll::Pending) => Err(Need::Wake),
            _ if is_complete => Ok(self.terms),
            _ => Err(self.cut()),
        }
    }

    /// Ends the connection so that the client sees that the reply is not whole. Where the framing
    /// shows it, what was written arrives first (RFC 9112 §8).
    fn cut(&self) -> Need {
        if self.framing == OutFraming::ToClose { Need::Abort } else { Need::Finish }
    }
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
