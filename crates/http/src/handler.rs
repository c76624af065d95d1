//! Handlers: functions of extracted arguments, whatever their shape.
//!
//! The type parameter `M` of [`Handler`] only tells the shapes apart, so that one registration
//! method takes them all.

use std::future::Future;

use waterwheel_ring::Ring;
use waterwheel_stages::Stage;

use crate::extract::Extract;
use crate::pending::{Answer, Pending};
use crate::reply::IntoReply;
use crate::request::{Call, Request};
use crate::route::{Inner, Route, WhenGone};

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

    /// Puts a function around the handler: it sees each call first and the reply last, and may
    /// answer in the handler's place. Of several the one named last is the outermost.
    ///
    /// It decides at once. What the handler answers, now or later, passes through
    /// [`Answer::map`]. Requests that no handler gets (404, 405, 413, those that are malformed)
    /// pass no wrapper either, and one that panics is a handler that panics. A wrapper that takes
    /// the body or a path parameter takes it from the handler; [`Call::body`] and
    /// [`Call::request`] only look.
    ///
    /// ```
    /// use waterwheel_http::{
    ///     Answer, Call, Handler, HeaderValue, Inner, Rejection, StatusCode, header,
    /// };
    ///
    /// fn known_only(call: &mut Call<'_>, inner: Inner<'_>) -> Answer {
    ///     match call.request().header("authorization") {
    ///         Some(b"Bearer 42") => inner.answer(call),
    ///         _ => Rejection::new(StatusCode::UNAUTHORIZED, "who are you?").into(),
    ///     }
    /// }
    ///
    /// fn unstored(call: &mut Call<'_>, inner: Inner<'_>) -> Answer {
    ///     let field = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    ///     inner.answer(call).map(|reply| reply.with_header(field.0, field.1))
    /// }
    ///
    /// let route = (|| "turning\n").around(known_only).around(unstored);
    /// # drop(route);
    /// ```
    fn around(
        self,
        wrapper: impl Fn(&mut Call<'_>, Inner<'_>) -> Answer + Send + Sync + 'static,
    ) -> Route
    where
        Self: Sized,
    {
        Route::new(self).around(wrapper)
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
