//! Content between the future that writes it and the connection that sends it.
//!
//! Knows how the content is framed, and nothing of when or by whom it is polled.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use waterwheel_ring::{Lease, Ring, Runs};
use waterwheel_stages::{Flow, Next, Stream};

use super::writer::WriteError;
use crate::encode::chunk;
use crate::exchange::Part;

/// Shared by a connection and the writer that its future holds.
pub(super) type SharedOutflow = Rc<RefCell<Outflow>>;

/// How a client sees where the content ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutFraming {
    Chunked,
    Length,
    ToClose,
}

/// What the writer waits for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waits {
    /// Something: that what is queued goes out, unless it is the ring.
    pub(super) for_socket: bool,
    pub(super) for_ring: bool,
}

/// How far the end of the content has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// All of it is queued.
    Whole,
    /// It is not what was stated, or cannot be encoded.
    Short,
    /// The ring has no room for the rest: to be tried again.
    NoRoom,
}

/// Content written and not yet handed to the connection.
#[derive(Default)]
pub(super) struct Outflow {
    /// Set when the reply begins: `None` before it, and once it is over.
    under_way: Option<UnderWay>,
    /// Bytes of content that may still be written, where a length was stated.
    left: Option<u64>,
    /// More content was offered than was stated, or some cannot be encoded.
    is_broken: bool,
    waits: Waits,
    /// Who waits, where that is not the connection's own future.
    waiter: Option<Waker>,
    pub(super) is_draining: bool,
}

struct UnderWay {
    ring: Ring,
    framing: OutFraming,
    /// The stages that the content passes.
    encoder: Stream,
    /// They may hold back something.
    is_held_back: bool,
    queued_max: usize,
    /// The run that is being filled, with room for a chunk's head in front.
    open: Option<Lease>,
    /// Whole chunks.
    queue: Runs,
    /// Bytes handed over that have not gone out, at the last poll.
    unsent: usize,
    /// Brings the connection back.
    owner: Waker,
    /// The connection's future is being polled: what is written will be handed over then.
    is_polled: bool,
    /// Whether parts of files are sent by the kernel here.
    takes_files: bool,
    /// A part of a file, behind all that is queued.
    part: Option<Part>,
}

impl Outflow {
    /// The reply has begun, and its content may be written.
    pub(super) fn begin(
        &mut self,
        framing: OutFraming,
        content_len: Option<u64>,
        encoder: Stream,
        ring: &Ring,
        queued_max: usize,
        owner: Waker,
    ) {
        self.left = content_len;
        let (ring, queue) = (ring.clone(), Runs::new());
        self.under_way = Some(UnderWay {
            ring,
            framing,
            encoder,
            is_held_back: false,
            queued_max,
            open: None,
            queue,
            unsent: 0,
            owner,
            is_polled: false,
            takes_files: false,
            part: None,
        });
    }

    /// Where the reply goes takes parts of files, as far as it depends on that.
    pub(super) fn take_files(&mut self) {
        if let Some(way) = &mut self.under_way {
            way.takes_files = way.framing == OutFraming::Length && way.encoder.is_empty();
        }
    }

    /// The connection's future is about to be polled, while so many bytes are still to be sent.
    /// Returns who else waits, to be woken.
    pub(super) fn enter(
        &mut self,
        waker: &Waker,
        unsent: usize,
        is_draining: bool,
    ) -> Option<Waker> {
        self.is_draining = is_draining;
        self.waits = Waits::default();
        let way = self.under_way.as_mut()?;
        way.unsent = unsent;
        way.is_polled = true;
        way.owner.clone_from(waker);
        self.waiter.take()
    }

    /// The future was polled: what it wrote goes to the connection.
    pub(super) fn leave(&mut self, outbound: &mut Runs) -> Waits {
        if let Some(way) = &mut self.under_way {
            way.is_polled = false;
            way.close_run();
            outbound.take_all(&mut way.queue);
        }
        self.waits
    }

    /// Takes out the part of a file that goes behind all that was handed over.
    pub(super) fn take_part(&mut self) -> Option<Part> {
        self.under_way.as_mut()?.part.take()
    }

    pub(super) fn takes_files(&self) -> bool {
        self.under_way.as_ref().is_some_and(|way| way.takes_files)
    }

    /// Queues a part of a file unless another waits. Returns whether none waits any more.
    pub(super) fn pass_part(&mut self, part: &mut Option<Part>) -> Result<bool, WriteError> {
        let way = self.under_way.as_mut().ok_or(WriteError::Closed)?;
        if way.part.is_none() && part.is_some() {
            way.part = part.take();
            way.note();
            return Ok(false);
        }
        Ok(way.part.is_none())
    }

    /// The future is done: ends the content.
    pub(super) fn finish(&mut self) -> Ended {
        let Some(way) = &mut self.under_way else { return Ended::Short };
        if self.is_broken || self.left.is_some_and(|left| left > 0) {
            return Ended::Short;
        }
        while !way.encoder.is_empty() {
            let Some((open, encoder)) = way.open_run(0) else { return Ended::NoRoom };
            match encoder.step_bytes(&[], true, open) {
                Ok(progress) if progress.next == Next::Done => break,
                Ok(_) => way.close_run(),
                Err(_) => return Ended::Short,
            }
        }
        way.close_run();
        if way.framing == OutFraming::Chunked {
            chunk::queue_last(&way.ring, &mut way.queue);
        }
        Ended::Whole
    }

    /// The connection is over, or the reply is complete: nothing is taken any more. Returns who
    /// waits in vain, to be woken.
    pub(super) fn end(&mut self) -> Option<Waker> {
        self.under_way = None;
        self.waiter.take()
    }

    /// Content of this length is going to be written.
    pub(super) fn announce(&mut self, len: usize) -> Result<(), WriteError> {
        let Some(left) = &mut self.left else { return Ok(()) };
        match left.checked_sub(len as u64) {
            Some(rest) => *left = rest,
            None => {
                self.is_broken = true;
                return Err(WriteError::TooLong);
            }
        }
        Ok(())
    }

    /// Whether more may be queued now.
    pub(super) fn has_room(&mut self) -> Result<bool, WriteError> {
        let way = self.under_way.as_mut().ok_or(WriteError::Closed)?;
        Ok(way.queued_len() < way.queued_max)
    }

    /// Whether everything that was written has been sent.
    pub(super) fn is_flushed(&mut self) -> Result<bool, WriteError> {
        let way = self.under_way.as_mut().ok_or(WriteError::Closed)?;
        Ok(way.queued_len() == 0)
    }

    /// Whether content passes stages, so that a run cannot be sent as it is.
    pub(super) fn is_encoded(&self) -> bool {
        self.under_way.as_ref().is_some_and(|way| !way.encoder.is_empty())
    }

    /// Writes the front of `bytes`, and tells how much of it; `None` when the writer has to wait.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Option<usize>, WriteError> {
        if !self.has_room()? {
            return Ok(None);
        }
        let way = self.under_way.as_mut().ok_or(WriteError::Closed)?;
        let Some((open, encoder)) = way.open_run(bytes.len()) else {
            self.waits.for_ring = true;
            return Ok(None);
        };
        let taken_len = if encoder.is_empty() {
            let len = bytes.len().min(open.tailroom() - chunk::END_LEN);
            open.append(&bytes[..len]).expect("cut to the room");
            len
        } else {
            let Ok(progress) = encoder.step_bytes(bytes, false, open) else {
                self.is_broken = true;
                return Err(WriteError::Encode);
            };
            progress.read
        };
        let is_full = open.tailroom() < Flow::ROOM_MIN;
        way.is_held_back = true;
        if is_full {
            way.close_run();
        }
        way.note();
        Ok(Some(taken_len))
    }

    /// A run for content that somebody else writes, with room for its framing; `None` when the
    /// writer has to wait.
    pub(super) fn reserve(&mut self, len: usize) -> Result<Option<Lease>, WriteError> {
        if !self.has_room()? {
            return Ok(None);
        }
        let way = self.under_way.as_mut().ok_or(WriteError::Closed)?;
        let lease = way.reserve(len);
        self.waits.for_ring = lease.is_none();
        Ok(lease)
    }

    /// Has the stages write what they hold back; false when the writer has to wait.
    pub(super) fn flush_encoder(&mut self) -> Result<bool, WriteError> {
        while self.is_encoded() {
            if !self.has_room()? {
                return Ok(false);
            }
            let way = self.under_way.as_mut().ok_or(WriteError::Closed)?;
            if !way.is_held_back {
                break;
            }
            let Some((open, encoder)) = way.open_run(0) else {
                self.waits.for_ring = true;
                return Ok(false);
            };
            match encoder.flush(open) {
                Ok(Next::Room) => way.close_run(),
                Ok(_) => way.is_held_back = false,
                Err(_) => {
                    self.is_broken = true;
                    return Err(WriteError::Encode);
                }
            }
            way.note();
        }
        Ok(true)
    }

    /// Queues a run as it is. There was room, and it is not empty.
    pub(super) fn take_lease(&mut self, lease: Lease) {
        let Some(way) = &mut self.under_way else { return };
        way.close_run();
        way.queue_chunk(lease);
        way.note();
    }

    /// Lets the writer wait.
    pub(super) fn wait<T>(&mut self, context: &Context<'_>) -> Poll<T> {
        self.waits.for_socket = true;
        if let Some(way) = &self.under_way
            && !context.waker().will_wake(&way.owner)
        {
            self.waiter = Some(context.waker().clone());
            way.note();
        }
        Poll::Pending
    }
}

impl UnderWay {
    fn queued_len(&self) -> usize {
        self.unsent + self.queue.len() + self.open.as_ref().map_or(0, Lease::len)
    }

    /// A run with room for content, as far as possible for `len` bytes, and what writes into it;
    /// `None` when the ring has none.
    fn open_run(&mut self, len: usize) -> Option<(&mut Lease, &mut Stream)> {
        if self.open.is_none() {
            self.open = Some(self.reserve(len)?);
        }
        self.open.as_mut().map(|open| (open, &mut self.encoder))
    }

    fn reserve(&self, len: usize) -> Option<Lease> {
        let wanted = len.min(RUN_LEN_MAX) + chunk::HEAD_ROOM + chunk::END_LEN;
        let reserved = self.ring.reserve_bytes(wanted).or_else(|_| self.ring.reserve(1));
        let mut lease = reserved.ok()?;
        lease.set_headroom(chunk::HEAD_ROOM);
        Some(lease)
    }

    /// Makes a chunk of the run that is being filled.
    fn close_run(&mut self) {
        if let Some(mut lease) = self.open.take().filter(|lease| !lease.is_empty()) {
            lease.trim();
            self.queue_chunk(lease);
        }
    }

    /// Queues content that is not empty: a chunk of no bytes would be the last.
    fn queue_chunk(&mut self, lease: Lease) {
        if self.framing != OutFraming::Chunked {
            return self.queue.push(lease);
        }
        chunk::queue(lease, &self.ring, &mut self.queue);
    }

    /// Tells the connection of what was written while it does not look.
    fn note(&self) {
        if !self.is_polled {
            self.owner.wake_by_ref();
        }
    }
}

/// Longest run that is reserved for one chunk, as long as one read takes: longer ones would be
/// harder to find in the ring, and no faster to send.
const RUN_LEN_MAX: usize = 64 << 10;
