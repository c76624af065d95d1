//! The content of a request, and how it gets onto a connection.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io::IoSlice;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use waterwheel_ring::Lease;
use waterwheel_runtime::net::Stream;
use waterwheel_runtime::task::timeout;

use crate::ClientError;

/// What a request sends behind its head.
pub(crate) enum Content {
    Empty,
    Bytes(Rc<Vec<u8>>),
    Lease(Rc<Lease>),
    Stream { len: Option<u64>, write: Write },
}

/// Makes the future that writes streamed content.
type Write = Box<dyn FnOnce(Upload) -> Sending>;

/// Sends a request, or a part of it.
pub(crate) type Sending = Pin<Box<dyn Future<Output = Result<(), ClientError>>>>;

impl Content {
    pub(crate) fn bytes(bytes: Vec<u8>) -> Self {
        Self::Bytes(Rc::new(bytes))
    }

    pub(crate) fn lease(lease: Lease) -> Self {
        Self::Lease(Rc::new(lease))
    }

    pub(crate) fn stream<F>(len: Option<u64>, write: impl FnOnce(Upload) -> F + 'static) -> Self
    where
        F: Future<Output = Result<(), ClientError>> + 'static,
    {
        Self::Stream { len, write: Box::new(move |upload| Box::pin(write(upload))) }
    }

    /// Its length in bytes; `None` for a stream that states none.
    pub(crate) fn len(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Lease(lease) => Some(lease.len() as u64),
            Self::Stream { len, .. } => *len,
        }
    }

    /// The same once more, unless it is made while it is sent.
    pub(crate) fn again(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Bytes(bytes) => Some(Self::Bytes(Rc::clone(bytes))),
            Self::Lease(lease) => Some(Self::Lease(Rc::clone(lease))),
            Self::Stream { .. } => None,
        }
    }

    /// Sends `head` and the content behind it.
    pub(crate) fn send(self, head: Vec<u8>, stream: Rc<Stream>, stall: Duration) -> Sending {
        Box::pin(async move {
            let write = async |content: &[u8]| {
                let mut pieces = [IoSlice::new(&head), IoSlice::new(content)];
                write_all(&stream, &mut pieces, stall).await
            };
            match &self {
                Self::Empty => return write(&[]).await,
                Self::Bytes(bytes) => return write(bytes).await,
                Self::Lease(lease) => return write(lease.payload()).await,
                Self::Stream { .. } => write(&[]).await?,
            }
            let Self::Stream { len, write } = self else { return Ok(()) };
            let left = len.map(|len| Rc::new(Cell::new(len)));
            write(Upload { stream: Rc::clone(&stream), stall, left: left.clone() }).await?;
            match left {
                Some(left) if left.get() > 0 => Err(ClientError::Content),
                Some(_) => Ok(()),
                None => write_all(&stream, &mut [IoSlice::new(LAST_CHUNK)], stall).await,
            }
        })
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Takes the content of a [streamed request](crate::Request::with_stream), piece by piece.
#[derive(Debug)]
pub struct Upload {
    stream: Rc<Stream>,
    stall: Duration,
    /// Bytes that may still be written, where a length was stated; shared with who looks at the
    /// end.
    left: Option<Rc<Cell<u64>>>,
}

impl Upload {
    /// Writes all of `bytes` and waits until the socket has taken them.
    ///
    /// # Errors
    /// [`ClientError::Content`] past a stated length; [`ClientError::Stalled`] when the backend
    /// takes nothing for too long; [`ClientError::Io`] when the connection broke. Return them: the
    /// backend may have answered all the same.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), ClientError> {
        let bytes = bytes.as_ref();
        match &self.left {
            // A chunk of no bytes would be the last.
            _ if bytes.is_empty() => Ok(()),
            Some(left) => {
                let rest = left.get().checked_sub(bytes.len() as u64);
                left.set(rest.ok_or(ClientError::Content)?);
                write_all(&self.stream, &mut [IoSlice::new(bytes)], self.stall).await
            }
            None => {
                let head = format!("{:x}\r\n", bytes.len());
                let mut pieces = [head.as_bytes(), bytes, b"\r\n"].map(IoSlice::new);
                write_all(&self.stream, &mut pieces, self.stall).await
            }
        }
    }
}

/// Writes all of `pieces`. Each write may wait for so long.
async fn write_all(
    stream: &Stream,
    mut pieces: &mut [IoSlice<'_>],
    stall: Duration,
) -> Result<(), ClientError> {
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        let write = poll_fn(|context| stream.poll_write_vectored(context, pieces));
        let written = timeout(stall, write).await.map_err(|_| ClientError::Stalled)?;
        IoSlice::advance_slices(&mut pieces, written.map_err(ClientError::Io)?);
    }
    Ok(())
}

/// Of no content, and without trailers.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
