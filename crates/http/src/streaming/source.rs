//! A streamed body as its connection sees it: where it ends, what it passes, how fast it must come.

use std::fmt;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use waterwheel_ring::Lease;
use waterwheel_stages::{Next, Stream};

use super::body_error::BodyError;
use super::inflow::{Inflow, SharedInflow};
use crate::body::{Chunked, DiscardProgress};
use crate::exchange::{Exchange, Instant, Need};
use crate::limits::Limits;

/// A body that is read by its handler while it comes.
pub(crate) struct Source {
    flow: SharedInflow,
    framing: InFraming,
    /// Bytes of content at the front of what was received.
    ready_len: usize,
    decoder: Option<Box<Decoder>>,
    /// The client may be waiting for `100 Continue`.
    expects: bool,
    /// Where the end of the body is cannot be known any more.
    is_lost: bool,
    /// When the body was begun, later by the time in which nobody wanted it.
    since: Instant,
    /// Since when nobody wants it.
    idle_since: Option<Instant>,
    received_len: u64,
    /// When the client must have sent something.
    deadline: Instant,
}

enum InFraming {
    /// So many bytes are still to be received.
    Length(u64),
    Chunked(Box<Chunked>),
}

/// What is left of a body when its reply is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// The next request follows.
    Nothing,
    /// So many bytes, to be skipped.
    Bytes(usize),
    /// Nobody knows, or too much: the connection ends.
    Unknown,
}

/// The stages that the content passes.
struct Decoder {
    stream: Stream,
    /// What they have not read yet.
    input: Option<Lease>,
}

/// What is next of the content as it came.
enum Raw {
    Window(Lease),
    End,
    Failed(BodyError),
}

/// What is known of a body by its head.
pub(crate) struct Announced {
    /// The stated length; `None` for a chunked body.
    pub(crate) len: Option<u64>,
    /// The longest that is taken.
    pub(crate) len_max: u64,
    pub(crate) expects: bool,
}

impl Source {
    pub(crate) fn new(announced: Announced, decoder: Stream, now: Instant) -> Self {
        let framing = match announced.len {
            Some(len) => InFraming::Length(len),
            None => InFraming::Chunked(Box::new(Chunked::new(announced.len_max).with_trailers())),
        };
        let decoder = (!decoder.is_empty()).then(|| Decoder { stream: decoder, input: None });
        Self {
            flow: Rc::new(Inflow::of_len(announced.len).into()),
            framing,
            ready_len: 0,
            decoder: decoder.map(Box::new),
            expects: announced.expects,
            is_lost: false,
            since: now,
            idle_since: None,
            received_len: 0,
            deadline: Instant::MAX,
        }
    }

    /// What the handler reads from.
    pub(crate) fn flow(&self) -> SharedInflow {
        Rc::clone(&self.flow)
    }

    /// The handler is about to be polled.
    pub(crate) fn enter(&self, waker: &Waker) {
        self.flow.borrow_mut().enter(waker);
    }

    /// The handler was polled. Returns whether it wants a window.
    pub(crate) fn leave(&mut self) -> bool {
        self.flow.borrow_mut().leave()
    }

    /// When the client must have sent something, while it is waited for.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Nothing is awaited from the client now: its time stands still.
    pub(crate) fn pause(&mut self, now: Instant) {
        self.idle_since.get_or_insert(now);
        self.deadline = Instant::MAX;
    }

    /// The client has sent too little for too long.
    pub(crate) fn expire(&mut self) {
        self.is_lost = true;
        self.give(Err(BodyError::TooSlow));
    }

    /// Brings the handler the next window, or the end, and returns how many bytes that are.
    /// `may_continue` says that the client can still be told to.
    ///
    /// # Errors
    /// What is needed before.
    pub(crate) fn feed(
        &mut self,
        limits: &Limits,
        may_continue: bool,
        exchange: &mut Exchange<'_>,
    ) -> Result<usize, Need> {
        if may_continue {
            self.tell_to_continue(exchange);
        }
        self.expects = false;
        let fed = match self.decoder {
            Some(_) => self.decoded(limits, exchange)?,
            None => self.raw(limits, exchange)?,
        };
        Ok(match fed {
            Raw::Window(lease) => {
                let len = lease.len();
                self.give(Ok(lease));
                len
            }
            Raw::Failed(error) => {
                self.give(Err(error));
                0
            }
            Raw::End => {
                let mut flow = self.flow.borrow_mut();
                if let InFraming::Chunked(chunked) = &self.framing {
                    flow.trailers = chunked.trailers().to_vec();
                }
                let waiter = flow.end();
                drop(flow);
                waiter.into_iter().for_each(Waker::wake);
                0
            }
        })
    }

    /// The head of a streamed reply is about to be sent. Whoever writes it may still read the body,
    /// and cannot tell the client to continue any more.
    pub(crate) fn begin_reply(&mut self, exchange: &mut Exchange<'_>) {
        let has_reader = Rc::strong_count(&self.flow) > 1;
        if has_reader {
            self.tell_to_continue(exchange);
        }
    }

    fn tell_to_continue(&mut self, exchange: &mut Exchange<'_>) {
        if std::mem::take(&mut self.expects) && exchange.inbound.is_empty() {
            let Exchange { ring, outbound, .. } = exchange;
            outbound.place(ring, CONTINUE.len(), |room| room.copy_from_slice(CONTINUE));
        }
    }

    fn give(&mut self, window: Result<Lease, BodyError>) {
        let waiter = self.flow.borrow_mut().give(window);
        waiter.into_iter().for_each(Waker::wake);
    }

    /// The next window of what comes out of the stages.
    fn decoded(&mut self, limits: &Limits, exchange: &mut Exchange<'_>) -> Result<Raw, Need> {
        loop {
            let mut is_last = false;
            if self.decoder.as_ref().is_some_and(|decoder| decoder.input.is_none()) {
                match self.raw(limits, exchange)? {
                    Raw::Window(lease) => self.set_input(lease),
                    Raw::End => is_last = true,
                    failed @ Raw::Failed(_) => return Ok(failed),
                }
            }
            let Some(decoder) = &mut self.decoder else { return Ok(Raw::End) };
            let ring = exchange.ring;
            let target = ring.reserve_bytes(DECODED_LEN).or_else(|_| ring.reserve(1));
            let mut target = target.map_err(|_| Need::Room)?;
            let source = decoder.input.as_ref().map_or(&[][..], |input| input.payload());
            let progress = match decoder.stream.step_bytes(source, is_last, &mut target) {
                Ok(progress) => progress,
                Err(error) => {
                    // What a stage left behind half-way is nobody's to see.
                    target.quarantine();
                    return Ok(Raw::Failed(BodyError::Stage(error)));
                }
            };
            decoder.consume(progress.read);
            if !target.is_empty() {
                target.trim();
                return Ok(Raw::Window(target));
            }
            if progress.next == Next::Done {
                return Ok(Raw::End);
            }
        }
    }

    fn set_input(&mut self, lease: Lease) {
        if let Some(decoder) = &mut self.decoder {
            decoder.input = Some(lease);
        }
    }

    /// The next window of content as it came.
    fn raw(&mut self, limits: &Limits, exchange: &mut Exchange<'_>) -> Result<Raw, Need> {
        if self.ready_len == 0
            && let Some(ended) = self.find_content(limits, exchange)?
        {
            return Ok(ended);
        }
        let Exchange { ring, inbound, .. } = exchange;
        let len = self.ready_len.min(WINDOW_LEN_MAX);
        // Bytes that were parked need a run to come back to: a short one may be all there is.
        let short_len = len.min(ring.segment_len());
        let claimed = inbound.claim_front(ring, len, len);
        let claimed = claimed.or_else(|_| inbound.claim_front(ring, short_len, short_len));
        let mut lease = claimed.map_err(|_| Need::Room)?;
        let len = lease.len();
        lease.trim();
        self.ready_len -= len;
        self.received_len += len as u64;
        Ok(Raw::Window(lease))
    }

    /// Finds out how much content lies at the front of what was received; else how it ends.
    fn find_content(
        &mut self,
        limits: &Limits,
        exchange: &mut Exchange<'_>,
    ) -> Result<Option<Raw>, Need> {
        let received_len = exchange.inbound.len();
        match &mut self.framing {
            InFraming::Length(0) => return Ok(Some(Raw::End)),
            InFraming::Length(left) => {
                self.ready_len = usize::try_from(*left).unwrap_or(usize::MAX).min(received_len);
                *left -= self.ready_len as u64;
            }
            InFraming::Chunked(chunked) => {
                let window = match chunked.window(exchange.inbound.bytes()) {
                    Ok(window) => window,
                    Err(error) => {
                        self.is_lost = true;
                        return Ok(Some(Raw::Failed(BodyError::Chunk(error))));
                    }
                };
                exchange.inbound.consume(window.framing_len);
                self.ready_len = window.content_len;
                if window.is_last {
                    return Ok(Some(Raw::End));
                }
            }
        }
        if self.ready_len > 0 {
            return Ok(None);
        }
        if exchange.ended {
            self.is_lost = true;
            return Ok(Some(Raw::Failed(BodyError::Truncated)));
        }
        Err(self.await_bytes(limits, exchange.now))
    }

    fn await_bytes(&mut self, limits: &Limits, now: Instant) -> Need {
        if let Some(idle_since) = self.idle_since.take() {
            self.since = self.since + now.saturating_since(idle_since);
        }
        // Late bytes buy time at the lowest accepted rate, and no more than a stall's worth of it.
        let earned = Duration::from_secs(self.received_len / limits.body_rate_min.max(1));
        let by_rate = self.since + limits.body_grace + earned;
        self.deadline = by_rate.min(now + limits.body_stall_timeout);
        // Everything that came has been taken: any room will do.
        Need::BytesOrWake { room: 0, deadline: self.deadline }
    }

    /// What is left of the body when its reply is complete.
    pub(crate) fn rest(&mut self, limits: &Limits, exchange: &mut Exchange<'_>) -> Rest {
        // Whoever waits for `100 Continue` may or may not send its body now (RFC 9110 §10.1.1).
        if self.is_lost || self.expects {
            return Rest::Unknown;
        }
        match &mut self.framing {
            InFraming::Chunked(chunked) => {
                exchange.inbound.consume(std::mem::take(&mut self.ready_len));
                // How much more there is nobody knows; what is here may be all.
                match chunked.discard(exchange.inbound.bytes()) {
                    Ok(DiscardProgress::Done { window_len }) => {
                        exchange.inbound.consume(window_len);
                        Rest::Nothing
                    }
                    _ => Rest::Unknown,
                }
            }
            InFraming::Length(left) => {
                match usize::try_from(*left).unwrap_or(usize::MAX).saturating_add(self.ready_len) {
                    0 => Rest::Nothing,
                    left if left <= limits.linger_len_max => Rest::Bytes(left),
                    _ => Rest::Unknown,
                }
            }
        }
    }
}

impl Decoder {
    /// So many bytes of the input were read.
    fn consume(&mut self, len: usize) {
        if let Some(input) = &mut self.input {
            input.advance(len);
            if input.is_empty() {
                self.input = None;
            }
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if !self.flow.borrow().is_over() {
            self.give(Err(BodyError::Closed));
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("received_len", &self.received_len).finish_non_exhaustive()
    }
}

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
/// Longest window of content as it came: one read brings no more.
pub(crate) const WINDOW_LEN_MAX: usize = 64 << 10;
/// The run into which stages write a window: it stays in the caches between them and the handler.
const DECODED_LEN: usize = 16 << 10;
