//! Routes: handlers with what surrounds them, and what can be registered as one.

use std::fmt;
use std::future::ready;

use waterwheel_stages::{Chain, Stage};

use crate::core::handler_failed;
use crate::handler::Handler;
use crate::parse::Method;
use crate::pending::{Answer, Pending};
use crate::reply::Reply;
use crate::request::Call;

/// A handler with what surrounds it.
#[must_use = "a route answers nobody unless it is registered"]
pub struct Route {
    pub(crate) endpoint: Box<dyn Endpoint>,
    pub(crate) chain: Chain,
    pub(crate) body_len_max: Option<usize>,
    pub(crate) when_gone: Option<WhenGone>,
    /// The longest content that is decoded, if any is.
    pub(crate) decoded_len_max: Option<usize>,
    pub(crate) is_compressed: bool,
    pub(crate) is_vital: bool,
    /// The handler reads the body while it comes.
    pub(crate) is_streamed: bool,
    pub(crate) is_expensive: bool,
}

/// What becomes of the future of an async handler when the client closes its side of the connection
/// before there is a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a future goes on or it does not")]
pub enum WhenGone {
    /// It runs to its end. The default for methods that are not safe (RFC 9110 §9.2.1).
    Finish,
    /// It is dropped where it waits, and the connection closed. The default for safe methods, whose
    /// reply is all that they are for.
    Cancel,
}

impl WhenGone {
    /// The choice where the route has made none.
    pub(crate) fn of(method: Method<'_>) -> Self {
        match method {
            Method::Get | Method::Head | Method::Options | Method::Trace => Self::Cancel,
            _ => Self::Finish,
        }
    }
}

impl Route {
    pub(crate) fn new<M, H: Handler<M>>(handler: H) -> Self {
        let endpoint = Box::new(move |call: &mut Call<'_>| handler.call(call));
        Self {
            endpoint,
            chain: Chain::new(),
            body_len_max: None,
            when_gone: None,
            decoded_len_max: None,
            is_compressed: false,
            is_vital: false,
            is_streamed: H::STREAMS,
            is_expensive: false,
        }
    }

    /// As [`Handler::through`].
    pub fn through(mut self, stage: impl Stage) -> Self {
        self.chain = self.chain.then(stage);
        self
    }

    /// As [`Handler::when_gone`].
    pub fn when_gone(mut self, choice: WhenGone) -> Self {
        self.when_gone = Some(choice);
        self
    }

    /// As [`Handler::vital`].
    pub fn vital(mut self) -> Self {
        self.is_vital = true;
        self
    }

    /// As [`Handler::decoded`].
    pub fn decoded(mut self, len_max: usize) -> Self {
        self.decoded_len_max = Some(len_max);
        self
    }

    /// As [`Handler::compressed`].
    pub fn compressed(mut self) -> Self {
        self.is_compressed = true;
        self
    }

    /// As [`Handler::expensive`].
    pub fn expensive(mut self) -> Self {
        self.is_expensive = true;
        self
    }

    /// As [`Handler::around`].
    pub fn around(
        mut self,
        wrapper: impl Fn(&mut Call<'_>, Inner<'_>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let inner = self.endpoint;
        self.endpoint = Box::new(move |call: &mut Call<'_>| wrapper(call, Inner(&*inner)));
        self
    }

    /// As [`Handler::body_len_max`].
    pub fn body_len_max(mut self, len: usize) -> Self {
        self.body_len_max = Some(len);
        self
    }
}

/// What a wrapper is around: the handler, in the wrappers that are nearer to it.
///
/// See [`Handler::around`].
#[must_use = "the handler is not called unless it is asked for its answer"]
pub struct Inner<'a>(&'a dyn Endpoint);

impl Inner<'_> {
    /// Calls it.
    pub fn answer(self, call: &mut Call<'_>) -> Answer {
        let mut reply = None;
        match self.0.call(call, &mut reply) {
            Some(pending) => Answer::Later(pending),
            None => Answer::Now(reply.unwrap_or_else(handler_failed)),
        }
    }
}

impl fmt::Debug for Inner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("chain", &self.chain)
            .field("body_len_max", &self.body_len_max)
            .finish_non_exhaustive()
    }
}

/// Anything that can be registered for a path: handlers, and routes built from them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a waterwheel handler",
    note = "a handler is a function whose arguments implement `Extract` and whose result \
            implements `IntoReply`, or an async one",
    note = "an async one cannot keep `&Request<'_>`: let it take extractors, or let a plain function \
            read the request and return an `async move` block"
)]
pub trait IntoRoute<M> {
    /// The route.
    fn into_route(self) -> Route;
}

/// Marks [`Route`] among the shapes of handlers.
#[derive(Debug)]
#[non_exhaustive]
pub enum Built {}

impl IntoRoute<Built> for Route {
    fn into_route(self) -> Route {
        self
    }
}

impl<M, H: Handler<M>> IntoRoute<(M,)> for H {
    fn into_route(self) -> Route {
        Route::new(self)
    }
}

/// A handler whose shape has been forgotten.
pub(crate) trait Endpoint: Send + Sync {
    /// Puts the handler's reply where it stays until it is written: returned, it would be copied
    /// from frame to frame. Returns the future of one that comes later.
    fn call(&self, call: &mut Call<'_>, reply: &mut Option<Reply>) -> Option<Pending>;
}

impl<F> Endpoint for F
where
    F: Fn(&mut Call<'_>) -> Answer + Send + Sync,
{
    #[inline]
    fn call(&self, call: &mut Call<'_>, reply: &mut Option<Reply>) -> Option<Pending> {
        match self(call) {
            // It goes the way of what comes later, and leaves this one to whole replies.
            Answer::Now(now) if now.is_streamed() => Some(Pending::new(ready(now))),
            Answer::Now(now) => {
                *reply = Some(now);
                None
            }
            Answer::Later(pending) => Some(pending),
        }
    }
}
