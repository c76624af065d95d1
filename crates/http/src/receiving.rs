//! A request whose body is being received: what its head decides, and when the body is complete.

use http::StatusCode;
use waterwheel_ring::Ring;
use waterwheel_stages::{Chain, Direction, Stream};

use crate::body::{Chunked, ChunkedProgress, Framing};
use crate::coding::DecodeError;
use crate::core::{Core, Terms};
use crate::encode::Persistence;
use crate::exchange::{Exchange, Instant, PeerAddress};
use crate::limits::Limits;
use crate::parse::Head;
use crate::rejection::Rejection;
use crate::request::Request;
use crate::router::Found;
use crate::service::PlannedRoute;
use crate::streaming::{Announced, BETWEEN_LEN, BodyError, Source};
use crate::waiting::Waiting;

#[derive(Debug)]
pub(crate) struct BodyPhase {
    pub(crate) head_len: usize,
    /// Index of the route.
    pub(crate) route: usize,
    pub(crate) coding: Coding,
}

#[derive(Debug)]
pub(crate) enum Coding {
    /// So many bytes as they are.
    Length(usize),
    /// Boxed: an idle connection should not pay for a decoder's state.
    Chunked(Box<Chunked>),
}

/// Where a complete body lies, counted from the end of the head.
#[derive(Clone, Copy, Default)]
pub(crate) struct Content {
    /// Bytes taken from the connection.
    pub(crate) raw_len: usize,
    pub(crate) start: usize,
    pub(crate) len: usize,
}

/// What is decided about a request with a body once its head is known.
pub(crate) enum Opening {
    Receive(BodyPhase, bool),
    /// The handler reads it while it comes, and was called. Behind so many bytes of head.
    Stream(Box<Waiting>, usize),
    /// Answered at once; `Some` bytes, head and body, are dropped, `None`: the connection ends.
    Refuse(Rejection, Terms, Option<usize>),
}

impl BodyPhase {
    /// Whether the body is complete, and where it lies then.
    pub(crate) fn receive(
        &mut self,
        exchange: &mut Exchange<'_>,
    ) -> Result<Option<Content>, Rejection> {
        let received = exchange.inbound.len() - self.head_len;
        match &mut self.coding {
            Coding::Length(len) => {
                let content = Content { raw_len: *len, start: 0, len: *len };
                Ok((received >= *len).then_some(content))
            }
            Coding::Chunked(chunked) => {
                let moved_before = chunked.moved_len();
                let bytes = &mut exchange.inbound.bytes_mut()[self.head_len..];
                let progress = chunked.decode(bytes, received);
                exchange.ring.count_copy(chunked.moved_len() - moved_before);
                match progress {
                    Ok(ChunkedProgress::NeedMore) => Ok(None),
                    Ok(ChunkedProgress::Done { content_start, content_len, raw_len, .. }) => {
                        Ok(Some(Content { raw_len, start: content_start, len: content_len }))
                    }
                    Err(error) => Err(Rejection::of(error.status(), error.to_string())),
                }
            }
        }
    }
}

/// Bytes of a request to be passed over when it is refused, head and body, or `None` where the
/// connection has to end: the body is long, or nobody knows how long.
pub(crate) fn skipped_len(head: &Head<'_>, limits: &Limits) -> Option<usize> {
    let len = match head.framing {
        Framing::None => 0,
        Framing::ContentLength(len) => usize::try_from(len).unwrap_or(usize::MAX),
        _ => return None,
    };
    // A peer that waits for `100 Continue` may or may not send its body now: only a new connection
    // is clear about that (RFC 9110 §10.1.1).
    (len <= limits.linger_len_max && !head.expect_continue).then(|| head.head_len + len)
}

/// Decides about a request with a body before any of it is read, and calls the handler that reads
/// it while it comes.
// Apart, as `begin_body` is.
#[inline(never)]
pub(crate) fn open(
    head: &Head<'_>,
    found: &Found<'_, usize>,
    http: &Core,
    terms: Terms,
    peer: &PeerAddress,
    exchange: &Exchange<'_>,
) -> Opening {
    let limits = &http.service().limits;
    let len = match head.framing {
        Framing::ContentLength(len) => Some(usize::try_from(len).unwrap_or(usize::MAX)),
        _ => None,
    };
    let skipped = skipped_len(head, limits);
    let refuse = |rejection: Rejection| match skipped {
        Some(_) if terms.persistence != Persistence::Close => {
            Opening::Refuse(rejection, terms, skipped)
        }
        _ => Opening::Refuse(rejection, Terms { persistence: Persistence::Close, ..terms }, None),
    };
    let Found::Route { value, params, .. } = found else {
        return refuse(Rejection::not_routed(found, head));
    };
    let route = &http.service().routes[**value];
    let len_max = route.body_len_max;
    if len.is_some_and(|len| len > len_max) {
        return refuse(Rejection::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is longer than this route's limit of {len_max} bytes"),
        ));
    }
    if route.is_streamed {
        let source = match stream(head, route, exchange.ring, exchange.now) {
            Ok(source) => Box::new(source),
            Err(rejection) => return refuse(rejection),
        };
        let request = Request::new(head, params, peer);
        let waiting = Waiting::reading(source, **value, head, request, terms, http, exchange);
        return Opening::Stream(waiting, head.head_len);
    }
    let coding = match len {
        Some(len) => Coding::Length(len),
        None => Coding::Chunked(Box::new(Chunked::new(len_max as u64))),
    };
    let body = BodyPhase { head_len: head.head_len, route: **value, coding };
    Opening::Receive(body, head.expect_continue)
}

/// Prepares for a body that its handler reads while it comes.
#[cold]
fn stream(
    head: &Head<'_>,
    route: &PlannedRoute,
    ring: &Ring,
    now: Instant,
) -> Result<Source, Rejection> {
    let named = match &route.decoding {
        Some(codings) => codings.named(&head.headers).map_err(|error| match error {
            DecodeError::Refused(rejection) => rejection,
            DecodeError::Stage(error) => BodyError::Stage(error).into(),
        })?,
        None => Default::default(),
    };
    let chains: Vec<&Chain> = named.into_iter().flatten().chain([&route.chain]).collect();
    let decoder = Stream::start(&chains, Direction::Inbound, ring, BETWEEN_LEN);
    let decoder = decoder.map_err(|error| Rejection::from(BodyError::Stage(error)))?;
    let len = match head.framing {
        Framing::ContentLength(len) => Some(len),
        _ => None,
    };
    let len_max = route.body_len_max as u64;
    Ok(Source::new(Announced { len, len_max, expects: head.expect_continue }, decoder, now))
}
