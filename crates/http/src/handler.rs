//! Handlers: functions of extracted arguments, registered whatever their shape.
//!
//! The type parameter `M` of [`Handler`] only tells the shapes apart, so that one registration
//! method takes them all.

use std::fmt;

use waterwheel_stages::{Chain, Stage};

use crate::extract::Extract;
use crate::reply::{IntoReply, Reply};
use crate::request::{Call, Request};

/// A function that answers requests. Up to six arguments that implement [`Extract`], optionally
/// behind a first one of type `&Request<'_>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a waterwheel handler",
    note = "a handler is a function whose arguments implement `Extract` and whose result \
            implements `IntoReply`"
)]
pub trait Handler<M>: Send + Sync + 'static {
    /// Answers one request.
    fn call(&self, call: &mut Call<'_>) -> Reply;

    /// Puts a stage between the network and the handler: bodies pass it inbound, replies that the
    /// handler returns as content pass it outbound. The first stage named is the outermost.
    fn through(self, stage: impl Stage) -> Route
    where
        Self: Sized,
    {
        Route::new(self).through(stage)
    }

    /// Sets the longest body that the route takes, in bytes before any decoding. Overrides
    /// [`Limits::body_len_max`](crate::Limits::body_len_max).
    fn body_len_max(self, len: usize) -> Route
    where
        Self: Sized,
    {
        Route::new(self).body_len_max(len)
    }
}

/// A handler with what surrounds it.
pub struct Route {
    pub(crate) endpoint: Box<dyn Endpoint>,
    pub(crate) chain: Chain,
    pub(crate) body_len_max: Option<usize>,
}

impl Route {
    fn new<M>(handler: impl Handler<M>) -> Self {
        let endpoint = Box::new(move |call: &mut Call<'_>| handler.call(call));
        Self { endpoint, chain: Chain::new(), body_len_max: None }
    }

    /// As [`Handler::through`].
    #[must_use]
    pub fn through(mut self, stage: impl Stage) -> Self {
        self.chain = self.chain.then(stage);
        self
    }

    /// As [`Handler::body_len_max`].
    #[must_use]
    pub fn body_len_max(mut self, len: usize) -> Self {
        self.body_len_max = Some(len);
        self
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
            implements `IntoReply`"
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
    /// from frame to frame.
    fn call(&self, call: &mut Call<'_>, reply: &mut Option<Reply>);
}

impl<F> Endpoint for F
where
    F: Fn(&mut Call<'_>) -> Reply + Send + Sync,
{
    #[inline]
    fn call(&self, call: &mut Call<'_>, reply: &mut Option<Reply>) {
        *reply = Some(self(call));
    }
}

/// Marks handlers of extracted arguments.
#[derive(Debug)]
#[non_exhaustive]
pub enum Extracted {}

/// Marks handlers that borrow the request first.
#[derive(Debug)]
#[non_exhaustive]
pub enum Borrowed {}

macro_rules! handlers {
    ($($name:ident)*) => {
        impl<Function, Output, $($name),*> Handler<(Extracted, $($name,)*)> for Function
        where
            Function: Fn($($name),*) -> Output + Send + Sync + 'static,
            Output: IntoReply,
            $($name: Extract,)*
        {
            #[allow(non_snake_case, reason = "arguments are named after their types")]
            #[inline]
            fn call(&self, call: &mut Call<'_>) -> Reply {
                $(let $name = match $name::extract(call) {
                    Ok(value) => value,
                    Err(rejection) => return rejection.into(),
                };)*
                self($($name),*).into_reply(call)
            }
        }

        impl<Function, Output, $($name),*> Handler<(Borrowed, $($name,)*)> for Function
        where
            Function: Fn(&Request<'_>, $($name),*) -> Output + Send + Sync + 'static,
            Output: IntoReply,
            $($name: Extract,)*
        {
            #[allow(non_snake_case, reason = "arguments are named after their types")]
            #[inline]
            fn call(&self, call: &mut Call<'_>) -> Reply {
                $(let $name = match $name::extract(call) {
                    Ok(value) => value,
                    Err(rejection) => return rejection.into(),
                };)*
                self(call.request(), $($name),*).into_reply(call)
            }
        }
    };
}

handlers!();
handlers!(A);
handlers!(A B);
handlers!(A B C);
handlers!(A B C D);
handlers!(A B C D E);
handlers!(A B C D E G);
