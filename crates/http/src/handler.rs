//! Handlers: functions of extracted arguments, registered whatever their shape.
//!
//! The type parameter `M` of [`Handler`] only tells the shapes apart, so that one registration
//! method takes them all.

use std::fmt;
use std::future::{Future, ready};

use waterwheel_ring::Ring;
use waterwheel_stages::{Chain, Stage};

use crate::extract::Extract;
use crate::parse::Method;
use crate::pending::{Answer, Pending};
use crate::reply::{IntoReply, Reply};
use crate::request::{Call, Request};

/// A function that answers requests, sync or async. Up to six arguments that implement [`Extract`],
/// optionally behind a first one of type `&Request<'_>`.
///
/// The future of an async handler owns what it keeps: it cannot borrow the request, whose bytes are
/// given back while it waits. It is polled at once, and if it is ready then, the reply leaves in
/// the same turn.
///
/// ```
/// use waterwheel_http::{Handler, InPlace, IntoRoute, Json, Path, Rejection, Request, StatusCode};
///
/// fn plain() -> &'static str {
///     "turning\n"
/// }
///
/// fn of_the_head(request: &Request<'_>) -> String {
///     format!("{} asks for {}\n", request.peer(), request.path())
/// }
///
/// /// The bytes that came in go out, unless they are refused.
/// fn of_parts(
///     Path(key): Path<u64>,
///     mut body: InPlace<[u8]>,
/// ) -> Result<InPlace<[u8]>, Rejection> {
///     if key == 0 {
///         return Err(Rejection::new(StatusCode::NOT_FOUND, "keys begin at 1"));
///     }
///     body.reverse();
///     Ok(body)
/// }
///
/// async fn later(Json(ids): Json<Vec<u64>>) -> Json<usize> {
///     Json(ids.len())
/// }
///
/// let routes = [
///     plain.into_route(),
///     of_the_head.into_route(),
///     // What surrounds a handler is said where it is registered.
///     of_parts.body_len_max(64 << 10).expensive(),
///     later.compressed(),
/// ];
/// # drop(routes);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a waterwheel handler",
    note = "a handler is a function whose arguments implement `Extract` and whose result \
            implements `IntoReply`, or an async one",
    note = "an async one cannot keep `&Request<'_>`: let it take extractors, or let a plain function \
            read the request and return an `async move` block"
)]
pub trait Handler<M>: Send + Sync + 'static {
    /// Whether it is called before the body has come; see [`Extract::STREAMS`].
    const STREAMS: bool = false;

    /// Answers one request.
    fn call(&self, call: &mut Call<'_>) -> Answer;

    /// Puts a stage between the network and the handler: bodies pass it inbound, replies that the
    /// handler returns as content pass it outbound. The first stage named is the outermost.
    fn through(self, stage: impl Stage) -> Route
    where
        Self: Sized,
    {
        Route::new(self).through(stage)
    }

    /// Says what becomes of an async handler whose client leaves. Overrides the default, which goes
    /// by the method; see [`WhenGone`].
    fn when_gone(self, choice: WhenGone) -> Route
    where
        Self: Sized,
    {
        Route::new(self).when_gone(choice)
    }

    /// Decodes bodies whose `Content-Encoding` names zstd, gzip or deflate, or two of them over
    /// one another, before the route's stages; others are refused with 415. Content that is longer
    /// than `len_max` bytes once decoded is refused with 413 as soon as that is known.
    ///
    /// Without this, bodies stay as they came, whatever the field says.
    fn decoded(self, len_max: usize) -> Route
    where
        Self: Sized,
    {
        Route::new(self).decoded(len_max)
    }

    /// Compresses replies of 1 KiB and more by zstd or gzip, whichever the peer likes better by its
    /// `Accept-Encoding`, when they are text by their type. Adds `Vary`.
    ///
    /// Replies that mix secrets with what a stranger can choose must not be compressed: the length
    /// gives the secrets away.
    fn compressed(self) -> Route
    where
        Self: Sized,
    {
        Route::new(self).compressed()
    }

    /// Answers however short the worker's memory is, when other requests are refused with 503: for
    /// what a balancer or a supervisor asks.
    fn vital(self) -> Route
    where
        Self: Sized,
    {
        Route::new(self).vital()
    }

    /// Declares the route to take long, 100 µs or more: its requests stand back behind those of
    /// other routes from the first one on, and its handler may breathe. Without this the same is
    /// found out by measuring.
    fn expensive(self) -> Route
    where
        Self: Sized,
    {
        Route::new(self).expensive()
    }

    /// Sets the longest body that the route takes, in bytes before any decoding. Overrides
    /// [`Limits::body_len_max`](crate::Limits::body_len_max), which does not hold for handlers that
    /// [read their body](crate::BodyReader) while it comes: without this, theirs may have any
    /// length.
    fn body_len_max(self, len: usize) -> Route
    where
        Self: Sized,
    {
        Route::new(self).body_len_max(len)
    }
}

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
    fn new<M, H: Handler<M>>(handler: H) -> Self {
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

    /// As [`Handler::body_len_max`].
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

/// Marks handlers of extracted arguments.
#[derive(Debug)]
#[non_exhaustive]
pub enum Extracted {}

/// Marks handlers that borrow the request first.
#[derive(Debug)]
#[non_exhaustive]
pub enum Borrowed {}

/// Marks async handlers of extracted arguments.
#[derive(Debug)]
#[non_exhaustive]
pub enum Awaited {}

/// Marks async handlers that borrow the request first, until they return their future.
#[derive(Debug)]
#[non_exhaustive]
pub enum BorrowedAwaited {}

#[inline]
fn now(reply: impl IntoReply, ring: &Ring) -> Answer {
    Answer::Now(reply.into_reply(ring))
}

fn later<F>(future: F, _: &Ring) -> Answer
where
    F: Future + 'static,
    F::Output: IntoReply,
{
    Answer::Later(Pending::new(future))
}

#[inline]
fn request<'c, 'a>(call: &'c Call<'a>) -> &'c Request<'a> {
    call.request()
}

macro_rules! handler {
    ($marker:ident($($bounds:tt)*), $answer:ident, ($($borrowed:ty, $borrow:ident)?), $($name:ident)*) => {
        impl<Function, Output, $($name),*> Handler<($marker, $($name,)*)> for Function
        where
            Function: Fn($($borrowed,)? $($name),*) -> Output + Send + Sync + 'static,
            Output: $($bounds)*,
            $($name: Extract,)*
        {
            const STREAMS: bool = false $(|| $name::STREAMS)*;

            #[allow(non_snake_case, reason = "arguments are named after their types")]
            #[inline]
            fn call(&self, call: &mut Call<'_>) -> Answer {
                $(let $name = match $name::extract(call) {
                    Ok(value) => value,
                    Err(rejection) => return Answer::Now(rejection.into()),
                };)*
                $answer(self($($borrow(call),)? $($name),*), call.ring())
            }
        }
    };
}

macro_rules! handlers {
    ($($name:ident)*) => {
        handler!(Extracted(IntoReply), now, (), $($name)*);
        handler!(Borrowed(IntoReply), now, (&Request<'_>, request), $($name)*);
        handler!(Awaited(Future<Output: IntoReply> + 'static), later, (), $($name)*);
        handler!(
            BorrowedAwaited(Future<Output: IntoReply> + 'static),
            later,
            (&Request<'_>, request),
            $($name)*
        );
    };
}

handlers!();
handlers!(A);
handlers!(A B);
handlers!(A B C);
handlers!(A B C D);
handlers!(A B C D E);
handlers!(A B C D E G);
