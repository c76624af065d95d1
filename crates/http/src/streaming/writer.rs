//! What a streamed reply is written with.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::task::Poll;

use waterwheel_ring::Lease;

use super::outflow::SharedOutflow;
use crate::exchange::Part;

/// Takes the content of a [streamed reply](crate::Reply::stream), piece by piece.
///
/// What is written goes straight into segments of the worker's ring and leaves at the next await
/// that waits. While as much is under way as
/// [`queued_output_max`](crate::Limits::queued_output_max) allows, or the ring is full, writing
/// waits.
pub struct BodyWriter {
    flow: SharedOutflow,
}

impl BodyWriter {
    pub(super) fn new(flow: SharedOutflow) -> Self {
        Self { flow }
    }

    /// Adds `bytes` to the content.
    ///
    /// # Errors
    /// [`WriteError::TooLong`] past a stated length: nothing of `bytes` is written, and the reply
    /// will be cut. [`WriteError::Encode`] when a stage of the route fails. [`WriteError::Closed`]
    /// when the connection is over, which only a writer on another task lives to see.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), WriteError> {
        let bytes = bytes.as_ref();
        self.flow.borrow_mut().announce(bytes.len())?;
        self.write_announced(bytes).await
    }

    async fn write_announced(&mut self, mut bytes: &[u8]) -> Result<(), WriteError> {
        poll_fn(|context| {
            let mut flow = self.flow.borrow_mut();
            while !bytes.is_empty() {
                let Some(taken_len) = flow.take(bytes)? else { return flow.wait(context) };
                bytes = &bytes[taken_len..];
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Adds the payload of `lease`, which is sent from where it is unless it passes stages. With
    /// ten bytes of headroom and two of tailroom not even the framing is put elsewhere.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn write_lease(&mut self, lease: Lease) -> Result<(), WriteError> {
        self.flow.borrow_mut().announce(lease.len())?;
        if self.flow.borrow().is_encoded() {
            return self.write_announced(lease.payload()).await;
        }
        let mut lease = Some(lease);
        poll_fn(|context| {
            let mut flow = self.flow.borrow_mut();
            if !flow.has_room()? {
                return flow.wait(context);
            }
            if let Some(lease) = lease.take().filter(|lease| !lease.is_empty()) {
                flow.take_lease(lease);
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// A run of the worker's ring for about `len` bytes of content, to be filled and
    /// [written](Self::write_lease). Waits while the ring has none, or enough is under way.
    ///
    /// # Errors
    /// [`WriteError::Closed`] as for [`write`](Self::write).
    pub async fn reserve(&mut self, len: usize) -> Result<Lease, WriteError> {
        poll_fn(|context| {
            let mut flow = self.flow.borrow_mut();
            match flow.reserve(len)? {
                Some(lease) => Poll::Ready(Ok(lease)),
                None => flow.wait(context),
            }
        })
        .await
    }

    /// Whether [`send_file`](Self::send_file) works for this reply: over plain connections, for
    /// content of a stated length that passes no stages.
    #[must_use]
    pub fn takes_files(&self) -> bool {
        self.flow.borrow().takes_files()
    }

    /// Adds a part of a file, which the kernel sends from its page cache, and waits until it has
    /// taken all of it. A file that is shorter than its part ends the connection.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    ///
    /// # Panics
    /// Where [`takes_files`](Self::takes_files) says no.
    pub async fn send_file(&mut self, part: Part) -> Result<(), WriteError> {
        assert!(self.takes_files(), "a part of a file is sent only where files are taken");
        self.flow.borrow_mut().announce(usize::try_from(part.len()).unwrap_or(usize::MAX))?;
        let mut part = Some(part).filter(|part| !part.is_empty());
        poll_fn(|context| {
            let mut flow = self.flow.borrow_mut();
            if flow.pass_part(&mut part)? { Poll::Ready(Ok(())) } else { flow.wait(context) }
        })
        .await
    }

    /// Has everything written so far leave, also what a compressor would keep for later, and waits
    /// until the kernel has taken it.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn flush(&mut self) -> Result<(), WriteError> {
        poll_fn(|context| {
            let mut flow = self.flow.borrow_mut();
            if flow.flush_encoder()? && flow.is_flushed()? {
                Poll::Ready(Ok(()))
            } else {
                flow.wait(context)
            }
        })
        .await
    }

    /// Has everything written so far leave at the next await that waits, also what a compressor
    /// would keep for later.
    pub(super) async fn push(&mut self) -> Result<(), WriteError> {
        poll_fn(|context| {
            let mut flow = self.flow.borrow_mut();
            if flow.flush_encoder()? { Poll::Ready(Ok(())) } else { flow.wait(context) }
        })
        .await
    }

    /// Whether the server would like to end: a stream without an end of its own should end now.
    pub fn is_draining(&self) -> bool {
        self.flow.borrow().is_draining
    }
}

impl fmt::Debug for BodyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyWriter").finish_non_exhaustive()
    }
}

/// Why content was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// It is longer than the length that the reply has stated. The connection ends with this reply,
    /// cut short.
    TooLong,
    /// The connection is over.
    Closed,
    /// A stage of the route does not take it. The connection ends with this reply, cut short.
    Encode,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the content is longer than the length that was stated for it",
            Self::Closed => "the connection is over",
            Self::Encode => "a stage of the route does not take the content",
        })
    }
}

impl Error for WriteError {}

/// Ends a [streamed reply](crate::Reply::stream) before it is complete. The connection ends with
/// it, so that the client cannot take what it got for the whole.
///
/// Made from any error, by `?`. Nobody is told of that error: a stream that wants it known says so
/// itself.
#[derive(Clone, Copy, Default)]
pub struct Cut(());

impl Cut {
    /// For a stream that knows by itself that it cannot go on.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl<E: Error> From<E> for Cut {
    fn from(_: E) -> Self {
        Self(())
    }
}

/// Not an error itself: that would be in the way of being made from any.
impl fmt::Debug for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cut")
    }
}
