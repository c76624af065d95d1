//! One request on one connection: both directions at once, up to the head of the reply.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use waterwheel_http::Limits;
use waterwheel_http::parse::{HeaderSlots, StatusHead, parse_status_head};
use waterwheel_ring::{Lease, Ring};
use waterwheel_runtime::task::{Sleep, ring, sleep};

use crate::content::{Content, Sending};
use crate::pool::Checkout;
use crate::{Body, ClientError, Config, Response};

/// A connection with a request under way.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) checkout: Checkout,
    pub(crate) config: Rc<Config>,
    ring: Ring,
    upload: Upload,
}

/// How far the request is.
enum Upload {
    UnderWay(Sending),
    Done,
    /// The connection takes no more. What the backend says to that is still read.
    Failed(Option<ClientError>),
}

/// Why there is no reply.
pub(crate) struct Failed {
    pub(crate) error: ClientError,
    /// The connection had ended before the backend saw the request, most likely.
    pub(crate) is_stale: bool,
}

/// Sends a request over `checkout` and waits for the head of the reply.
pub(crate) async fn exchange(
    checkout: Checkout,
    head: Vec<u8>,
    content: Content,
    is_for_head: bool,
    config: &Rc<Config>,
) -> Result<Response, Failed> {
    let is_reused = checkout.is_reused;
    let sending = content.send(head, Rc::clone(&checkout.stream), config.stall_timeout);
    let (config, upload) = (Rc::clone(config), Upload::UnderWay(sending));
    let mut live = Live { checkout, config, ring: ring(), upload };
    let mut received_len = 0;
    match live.read_head(is_for_head, &mut received_len).await {
        Ok((head, lease)) => Ok(head.into_response(live, lease)),
        Err(error) => {
            let has_ended = matches!(error, ClientError::Io(_) | ClientError::Ended);
            Err(Failed { error, is_stale: is_reused && has_ended && received_len == 0 })
        }
    }
}

/// A head that was read, and what it says.
struct Head {
    bytes: Bytes,
    is_for_head: bool,
    limits: Limits,
}

impl Live {
    /// Reads up to the final head. Returns it, and the lease with what came behind it.
    async fn read_head(
        &mut self,
        is_for_head: bool,
        received_len: &mut usize,
    ) -> Result<(Head, Lease), ClientError> {
        let mut limits = Limits::default();
        limits.head_len_max = self.config.head_len_max;
        limits.field_count_max = self.config.field_count_max;
        let mut lease = self.reserve(limits.head_len_max).await?;
        let mut deadline = None;
        let mut interim_left = INTERIM_MAX;
        loop {
            let before = lease.len();
            let count = self.fill(&mut lease, self.config.head_timeout, &mut deadline).await;
            let count = count.map_err(|error| match error {
                ClientError::Stalled if self.upload.is_done() => ClientError::HeadTimeout,
                error => error,
            })?;
            *received_len += count;
            if count == 0 {
                return Err(self.end());
            }
            if !may_be_whole(lease.payload(), before) && lease.tailroom() > 0 {
                continue;
            }
            while let Some((status, head_len)) = find_head(lease.payload(), &limits, is_for_head)? {
                if status == StatusCode::SWITCHING_PROTOCOLS {
                    return Err(ClientError::Upgraded);
                }
                if !status.is_informational() {
                    let bytes = Bytes::copy_from_slice(&lease.payload()[..head_len]);
                    lease.advance(head_len);
                    return Ok((Head { bytes, is_for_head, limits }, lease));
                }
                interim_left -= 1;
                if interim_left == 0 {
                    return Err(ClientError::InterimReplies);
                }
                lease.advance(head_len);
            }
            if lease.tailroom() == 0 {
                // Interim heads have used the room up.
                let mut longer = self.reserve(limits.head_len_max).await?;
                let is_room = longer.append(lease.payload()).is_ok() && longer.tailroom() > 0;
                lease = if is_room { longer } else { return Err(ClientError::InterimReplies) };
            }
        }
    }

    /// Reads into `lease`, and sends meanwhile. Fails with [`ClientError::Stalled`] when the
    /// request is sent and nothing comes for `time`, counted from the first call with this
    /// `deadline`.
    pub(crate) async fn fill(
        &mut self,
        lease: &mut Lease,
        time: Duration,
        deadline: &mut Option<Sleep>,
    ) -> Result<usize, ClientError> {
        poll_fn(|context| {
            self.poll_upload(context)?;
            if let Poll::Ready(read) = self.checkout.stream.poll_read_into(context, lease) {
                return Poll::Ready(read.map_err(ClientError::Io));
            }
            if matches!(self.upload, Upload::UnderWay(_)) {
                // It has a limit of its own for each of its steps.
                return Poll::Pending;
            }
            let deadline = deadline.get_or_insert_with(|| sleep(time));
            Pin::new(deadline).poll(context).map(|()| Err(ClientError::Stalled))
        })
        .await
    }

    fn poll_upload(&mut self, context: &mut Context<'_>) -> Result<(), ClientError> {
        let Upload::UnderWay(sending) = &mut self.upload else { return Ok(()) };
        self.upload = match sending.as_mut().poll(context) {
            Poll::Pending => return Ok(()),
            Poll::Ready(Ok(())) => Upload::Done,
            // The backend may have said why it reads no more.
            Poll::Ready(Err(error @ ClientError::Io(_))) => Upload::Failed(Some(error)),
            Poll::Ready(Err(error)) => return Err(error),
        };
        Ok(())
    }

    /// Why the connection has ended.
    pub(crate) fn end(&mut self) -> ClientError {
        match &mut self.upload {
            Upload::Failed(error) => error.take().unwrap_or(ClientError::Ended),
            _ => ClientError::Ended,
        }
    }

    /// Whether the request was sent completely, so that another may follow.
    pub(crate) fn is_sent(&self) -> bool {
        self.upload.is_done()
    }

    /// Keeps the connection for the next request.
    pub(crate) fn give_back(self) {
        // The upload holds the stream too.
        drop(self.upload);
        self.checkout.give_back();
    }

    /// A run for `len` bytes, or as short as one segment; waits a while for the ring.
    pub(crate) async fn reserve(&self, len: usize) -> Result<Lease, ClientError> {
        for _ in 0..RING_RETRIES_MAX {
            let reserved = self.ring.reserve_bytes(len).or_else(|_| self.ring.reserve(1));
            if let Ok(lease) = reserved {
                return Ok(lease);
            }
            sleep(RING_RETRY).await;
        }
        Err(ClientError::Full)
    }
}

impl Upload {
    const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnderWay(_) => "UnderWay",
            Self::Done => "Done",
            Self::Failed(_) => "Failed",
        })
    }
}

impl Head {
    fn into_response(self, live: Live, rest: Lease) -> Response {
        let mut slots = HeaderSlots::new();
        let parsed = parse_status_head(&self.bytes, &mut slots, &self.limits, self.is_for_head);
        let head = parsed.ok().flatten().expect("it was parsed before");
        let StatusHead { status, framing, keep_alive, headers, .. } = head;
        let fields = headers.into_iter().filter_map(|(name, value)| {
            let name = http::HeaderName::from_bytes(name.as_bytes()).ok()?;
            let value = self.bytes.slice_ref(value);
            Some((name, http::HeaderValue::from_maybe_shared(value).ok()?))
        });
        let fields = fields.collect();
        Response { status, fields, body: Body::new(framing, keep_alive, live, rest) }
    }
}

/// Whether the end of a head may lie in `bytes`, of which the first `seen` were looked at before.
fn may_be_whole(bytes: &[u8], seen: usize) -> bool {
    let from = seen.saturating_sub(HEAD_END.len() - 1);
    memchr::memmem::find(&bytes[from..], HEAD_END).is_some()
}

/// Status and length of the head at the start of `bytes`.
fn find_head(
    bytes: &[u8],
    limits: &Limits,
    is_for_head: bool,
) -> Result<Option<(StatusCode, usize)>, ClientError> {
    let mut slots = HeaderSlots::new();
    let head = parse_status_head(bytes, &mut slots, limits, is_for_head);
    Ok(head.map_err(ClientError::Head)?.map(|head| (head.status, head.head_len)))
}

const HEAD_END: &[u8] = b"\r\n\r\n";
/// Interim replies that are skipped: `100 Continue` is one, early hints are few.
const INTERIM_MAX: usize = 16;
/// How long a full ring is waited for, all in all 1 s: segments come back with the replies that are
/// on their way out.
const RING_RETRIES_MAX: usize = 1000;
const RING_RETRY: Duration = Duration::from_millis(1);
