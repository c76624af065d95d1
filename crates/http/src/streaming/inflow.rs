//! Content between the connection that receives it and the handler that reads it: one window.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use waterwheel_ring::Lease;

use super::body_error::BodyError;

/// Shared by a connection and the reader that its handler holds.
pub(crate) type SharedInflow = Rc<RefCell<Inflow>>;

/// What comes next of a body, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Inflow {
    /// Received and not yet read.
    window: Option<Result<Lease, BodyError>>,
    /// The reader has asked for more than there is.
    is_wanted: bool,
    /// Nothing follows the window.
    is_over: bool,
    /// Fields that came behind a chunked body, as they came.
    pub(super) trailers: Vec<u8>,
    /// As the head has stated it.
    pub(super) content_len: Option<u64>,
    /// Brings the connection back.
    owner: Option<Waker>,
    /// The connection's future is being polled: what is asked for will be seen then.
    is_polled: bool,
    /// Who waits, where that is not the connection's own future.
    waiter: Option<Waker>,
}

impl Inflow {
    /// A body that is there already, or none.
    pub(super) fn whole(body: Option<Lease>) -> Self {
        let content_len = body.as_ref().map(|body| body.len() as u64);
        let window = body.filter(|body| !body.is_empty()).map(Ok);
        Self { window, content_len, is_over: true, ..Self::default() }
    }

    pub(super) fn of_len(content_len: Option<u64>) -> Self {
        Self { content_len, ..Self::default() }
    }

    /// The next window; `None` at the end of the body.
    pub(super) fn poll_next(
        &mut self,
        context: &Context<'_>,
    ) -> Poll<Option<Result<Lease, BodyError>>> {
        if let Some(window) = self.window.take() {
            return Poll::Ready(Some(window));
        }
        if self.is_over {
            return Poll::Ready(None);
        }
        self.is_wanted = true;
        if !self.owner.as_ref().is_some_and(|owner| owner.will_wake(context.waker())) {
            self.waiter = Some(context.waker().clone());
        }
        if let Some(owner) = self.owner.as_ref().filter(|_| !self.is_polled) {
            owner.wake_by_ref();
        }
        Poll::Pending
    }

    /// The connection's future is about to be polled.
    pub(super) fn enter(&mut self, waker: &Waker) {
        self.is_polled = true;
        self.owner.get_or_insert_with(|| waker.clone()).clone_from(waker);
    }

    /// The future was polled. Returns whether a window is wanted.
    pub(super) fn leave(&mut self) -> bool {
        self.is_polled = false;
        self.is_wanted
    }

    /// Hands a window over, or why there is none. Returns who else waits for it, to be woken.
    pub(super) fn give(&mut self, window: Result<Lease, BodyError>) -> Option<Waker> {
        self.is_over = window.is_err();
        self.window = Some(window);
        self.is_wanted = false;
        self.waiter.take()
    }

    /// The body has ended. Returns as [`give`](Self::give).
    pub(super) fn end(&mut self) -> Option<Waker> {
        self.is_over = true;
        self.is_wanted = false;
        self.waiter.take()
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }
}
