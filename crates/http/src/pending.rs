//! A reply that is not there yet: the future of an async handler, kept by its connection.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;
use waterwheel_ring::Ring;

use crate::rejection::Rejection;
use crate::reply::{IntoReply, Reply};

/// What a handler has answered.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "an answer is there or it is not")]
pub enum Answer {
    /// A reply.
    Now(Reply),
    /// The future of a reply, to be polled on this worker until it completes.
    Later(Pending),
}

/// The future of an async handler. It never leaves its worker, so it may hold leases and per-core
/// values.
pub struct Pending(Pin<Box<dyn PollReply>>);

impl Pending {
    /// Boxes `future`: the one allocation that an async handler costs.
    pub fn new<F>(future: F) -> Self
    where
        F: Future + 'static,
        F::Output: IntoReply,
    {
        Self(Box::pin(Running { future }))
    }

    pub(crate) fn poll(&mut self, waker: &Waker, ring: &Ring) -> Poll<Reply> {
        self.0.as_mut().poll_reply(&mut Context::from_waker(waker), ring)
    }
}

impl Answer {
    /// Passes the reply through `change`: at once, or when it comes.
    pub fn map(self, change: impl FnOnce(Reply) -> Reply + 'static) -> Self {
        match self {
            Self::Now(reply) => Self::Now(change(reply)),
            Self::Later(pending) => {
                let changed = Changed { pending, change: Some(change) };
                Self::Later(Pending(Box::pin(changed)))
            }
        }
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self::Now(reply)
    }
}

impl From<Rejection> for Answer {
    fn from(rejection: Rejection) -> Self {
        Self::Now(rejection.into())
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

/// A future of anything that turns into a reply.
trait PollReply {
    fn poll_reply(self: Pin<&mut Self>, context: &mut Context<'_>, ring: &Ring) -> Poll<Reply>;
}

/// A reply that is changed when it comes.
struct Changed<F> {
    pending: Pending,
    change: Option<F>,
}

// Nothing in it is pinned: the future of `pending` has a box of its own.
impl<F> Unpin for Changed<F> {}

impl<F: FnOnce(Reply) -> Reply> PollReply for Changed<F> {
    fn poll_reply(mut self: Pin<&mut Self>, context: &mut Context<'_>, ring: &Ring) -> Poll<Reply> {
        let polled = self.pending.0.as_mut().poll_reply(context, ring);
        polled.map(|reply| match self.change.take() {
            Some(change) => change(reply),
            None => reply,
        })
    }
}

pin_project! {
    struct Running<F> {
        #[pin]
        future: F,
    }
}

impl<F> PollReply for Running<F>
where
    F: Future,
    F::Output: IntoReply,
{
    fn poll_reply(self: Pin<&mut Self>, context: &mut Context<'_>, ring: &Ring) -> Poll<Reply> {
        self.project().future.poll(context).map(|output| output.into_reply(ring))
    }
}
