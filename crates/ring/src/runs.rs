//! An ordered queue of byte runs, to be filled or sent with vectored I/O.
//!
//! Makes no system call itself: it lends slices and is told how many bytes went.

use std::collections::{VecDeque, vec_deque};
use std::fmt;
use std::io::{IoSlice, IoSliceMut};
use std::ops::Range;

use crate::error::Full;
use crate::lease::Lease;
use crate::piece::Piece;
use crate::ring::Ring;
use crate::sync::Rc;

/// An ordered queue of byte runs: what a connection has to send, or room to receive into.
///
/// A piece is a [`Lease`], a heap buffer, a static slice or a part of shared bytes. Empty pieces
/// are not queued for sending; room that is not filled yet, from [`Ring::reserve_scattered`], is.
#[derive(Default)]
pub struct Runs {
    pub(crate) pieces: VecDeque<Piece>,
    /// Bytes not yet sent, over all pieces.
    pub(crate) len: usize,
}

impl Runs {
    /// An empty queue, without memory of its own yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { pieces: VecDeque::new(), len: 0 }
    }

    /// Queues the payload of a lease. An empty lease is released at once, and so is room at the end
    /// of the queue that was never filled; the same holds for the other ways to push.
    pub fn push(&mut self, lease: Lease) {
        self.push_piece(Piece::Lease(lease));
    }

    /// Queues a heap buffer.
    pub fn push_heap(&mut self, bytes: Vec<u8>) {
        self.push_piece(Piece::Heap(bytes, 0));
    }

    /// Queues bytes that live for ever.
    pub fn push_static(&mut self, bytes: &'static [u8]) {
        self.push_piece(Piece::Static(bytes));
    }

    /// Queues a part of bytes that stay with others too: a cache sends them without a copy.
    ///
    /// # Panics
    /// If the part is not inside the bytes.
    pub fn push_shared(&mut self, bytes: Rc<[u8]>, part: Range<usize>) {
        assert!(part.start <= part.end && part.end <= bytes.len(), "a part is inside its bytes");
        self.push_piece(Piece::Shared(bytes, part));
    }

    /// Queues an empty lease as room to be filled.
    pub(crate) fn push_room(&mut self, lease: Lease) {
        self.pieces.push_back(Piece::Lease(lease));
    }

    /// Bytes not yet sent.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nothing to send.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Pieces queued, room not yet filled included.
    #[must_use]
    #[inline]
    pub fn piece_count(&self) -> usize {
        self.pieces.len()
    }

    /// Segments held in the ring. One that two leases of the queue share counts twice.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.leases().map(Lease::segment_count).sum()
    }

    /// Bytes of room behind the last payload: what can be [appended](Self::append) without a
    /// further reservation.
    #[must_use]
    pub fn tailroom(&self) -> usize {
        self.pieces.range(self.room_index()..).map(Piece::tailroom).sum()
    }

    /// The first bytes to send.
    #[must_use]
    #[inline(always)]
    pub fn front(&self) -> Option<&[u8]> {
        if self.len == 0 {
            return None;
        }
        let first = self.pieces.front()?.bytes();
        if !first.is_empty() {
            return Some(first);
        }
        self.front_behind_room()
    }

    /// The first bytes to send when there is room in front of them that was reserved and not
    /// filled.
    #[cold]
    fn front_behind_room(&self) -> Option<&[u8]> {
        self.pieces.iter().map(Piece::bytes).find(|bytes| !bytes.is_empty())
    }

    /// Takes the queue apart. Pieces that are no leases are dropped.
    pub fn into_leases(self) -> impl Iterator<Item = Lease> {
        self.pieces.into_iter().filter_map(|piece| match piece {
            Piece::Lease(lease) => Some(lease),
            Piece::Heap(..) | Piece::Static(_) | Piece::Shared(..) => None,
        })
    }

    /// Adds `bytes` behind the last payload: first in the room there is, then in segments newly
    /// reserved. All or nothing.
    ///
    /// # Errors
    /// [`Full`] when the ring has not enough free segments.
    pub fn append(&mut self, ring: &Ring, bytes: &[u8]) -> Result<(), Full> {
        let missing = bytes.len().saturating_sub(self.tailroom());
        // Looked up first: the new room comes behind it.
        let first = self.room_index();
        if missing > 0 {
            ring.scatter_into(missing, self)?;
        }
        let mut rest = bytes;
        for lease in room(self.pieces.range_mut(first..)) {
            let (now, later) = rest.split_at(rest.len().min(lease.tailroom()));
            lease.run.spare()[..now.len()].copy_from_slice(now);
            lease.run.commit(now.len());
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        debug_assert!(rest.is_empty(), "room was reserved for every byte");
        self.len += bytes.len();
        Ok(())
    }

    /// Queues `len` bytes that `write` fills, in one piece: behind the last piece if they fit
    /// there, else in a run of their own, else, when the ring is full, on the heap. So what is
    /// placed in a row leaves as one piece, and placing never fails.
    ///
    /// `write` must fill all that it is lent: bytes that it leaves may be older ones, though never
    /// another worker's, and with [`Wipe::OnRelease`](crate::Wipe::OnRelease) they are zeros.
    #[inline]
    pub fn place(&mut self, ring: &Ring, len: usize, write: impl FnOnce(&mut [u8])) {
        write(self.place_here(ring, len));
    }

    /// [`place`](Self::place) for whoever writes right where it calls: the room is payload already.
    #[inline(always)]
    pub fn place_here(&mut self, ring: &Ring, len: usize) -> &mut [u8] {
        if self.pieces.back().is_none_or(|back| back.tailroom() < len) {
            self.make_place(ring, len);
        }
        self.len += len;
        match self.pieces.back_mut() {
            Some(back) => back.place(len),
            None => unreachable!("a last piece was made above"),
        }
    }

    /// Makes the last piece one that has room for `len` bytes.
    #[cold]
    fn make_place(&mut self, ring: &Ring, len: usize) {
        let is_extended = match self.pieces.back_mut() {
            Some(Piece::Lease(back)) => back.extend(1).is_ok() && back.tailroom() >= len,
            _ => false,
        };
        if !is_extended {
            self.drop_room();
            self.pieces.push_back(match ring.reserve_bytes(len) {
                Ok(lease) => Piece::Lease(lease),
                Err(_) => Piece::Heap(Vec::with_capacity(len), 0),
            });
        }
    }

    /// Lends the room behind the last payload to `fill`, a vectored read for example, in up to
    /// [`IO_SLICES_MAX`](Self::IO_SLICES_MAX) slices, and makes as many bytes payload as it
    /// returns. The terms are those of [`Lease::append_with`].
    ///
    /// # Errors
    /// Those of `fill`; nothing is added then.
    ///
    /// # Panics
    /// If `fill` returns more than it was lent.
    pub fn append_with<E>(
        &mut self,
        fill: impl FnOnce(&mut [IoSliceMut<'_>]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let first = self.room_index();
        let mut slices: [IoSliceMut<'_>; Self::IO_SLICES_MAX] =
            std::array::from_fn(|_| IoSliceMut::new(&mut []));
        let (mut count, mut lent) = (0, 0);
        for (slice, lease) in slices.iter_mut().zip(room(self.pieces.range_mut(first..))) {
            *slice = IoSliceMut::new(lease.run.spare());
            lent += slice.len();
            count += 1;
        }
        let filled = fill(&mut slices[..count])?;
        assert!(filled <= lent, "no more bytes are filled than were lent");
        let mut rest = filled;
        for lease in room(self.pieces.range_mut(first..)).take(count) {
            let len = rest.min(lease.tailroom());
            lease.run.commit(len);
            rest -= len;
        }
        self.len += filled;
        Ok(filled)
    }

    /// Puts the bytes to send into `out`, in order, as far as it reaches. Returns how many slices
    /// were filled.
    pub fn io_slices<'a>(&'a self, out: &mut [IoSlice<'a>]) -> usize {
        let unsent = self.pieces.iter().map(Piece::bytes).filter(|bytes| !bytes.is_empty());
        let mut count = 0;
        for (slice, bytes) in out.iter_mut().zip(unsent) {
            *slice = IoSlice::new(bytes);
            count += 1;
        }
        count
    }

    /// Notes that the first `n` bytes are sent. Pieces that have nothing left are dropped and their
    /// segments released; with the last of them goes the room that was never filled. A queue of one
    /// segment is the exception: sent whole, it is wiped and stays as room for what is
    /// [placed](Self::place) next, so that small replies all go through the same few cache lines.
    ///
    /// # Panics
    /// If there are fewer bytes to send.
    #[inline]
    pub fn consume(&mut self, n: usize) {
        assert!(n <= self.len, "no more is consumed than is queued");
        self.len -= n;
        if self.len == 0
            && self.pieces.len() == 1
            && let Some(Piece::Lease(lease)) = self.pieces.front_mut()
            && lease.is_one_segment()
        {
            return lease.recycle(0);
        }
        self.consume_pieces(n);
    }

    /// Lends the first bytes to `send` and [consumes](Self::consume) as many as it returns: the two
    /// in one look at the queue, which is mostly one short piece.
    ///
    /// # Errors
    /// Those of `send`; nothing is consumed then.
    ///
    /// # Panics
    /// If `send` returns more than it was lent.
    #[inline(always)]
    pub fn consume_with<E>(
        &mut self,
        send: impl FnOnce(&[u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        if self.pieces.len() != 1 {
            let count = send(self.front().unwrap_or_default())?;
            self.consume(count);
            return Ok(count);
        }
        let Some(piece) = self.pieces.front_mut() else { return Ok(0) };
        let count = send(piece.bytes())?;
        match piece {
            Piece::Lease(lease) if count == lease.len() && lease.is_one_segment() => {
                self.len = 0;
                lease.recycle(0);
            }
            _ => self.consume(count),
        }
        Ok(count)
    }

    fn consume_pieces(&mut self, mut n: usize) {
        while n > 0 {
            let piece = self.pieces.front_mut().expect("the length is the sum over the pieces");
            let len = n.min(piece.bytes().len());
            piece.advance(len);
            n -= len;
            if piece.bytes().is_empty() {
                self.pieces.pop_front();
            }
        }
        if self.len == 0 {
            self.pieces.clear();
        }
    }

    /// Moves what is still in the ring to the heap, so that a stalled peer holds no segment. Unused
    /// room is released. Returns the bytes copied, counted in [`Stats::copies`](crate::Stats).
    pub fn evacuate(&mut self) -> usize {
        let mut copied = 0;
        for piece in &mut self.pieces {
            if let Piece::Lease(lease) = piece {
                let bytes = lease.payload().to_vec();
                if !bytes.is_empty() {
                    lease.core.counters.copied(bytes.len());
                }
                copied += bytes.len();
                *piece = Piece::Heap(bytes, 0);
            }
        }
        self.pieces.retain(|piece| !piece.bytes().is_empty());
        copied
    }

    /// Drops all pieces and releases their segments. The queue keeps its own memory.
    pub fn clear(&mut self) {
        self.len = 0;
        self.pieces.clear();
    }

    fn push_piece(&mut self, piece: Piece) {
        if piece.bytes().is_empty() {
            return;
        }
        self.drop_room();
        self.len += piece.bytes().len();
        self.pieces.push_back(piece);
    }

    /// Releases room at the end that was never filled: what comes next is no part of it.
    pub(crate) fn drop_room(&mut self) {
        while self.pieces.back().is_some_and(|last| last.bytes().is_empty()) {
            self.pieces.pop_back();
        }
    }

    fn leases(&self) -> impl Iterator<Item = &Lease> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Lease(lease) => Some(lease),
            Piece::Heap(..) | Piece::Static(_) | Piece::Shared(..) => None,
        })
    }

    /// Index of the first piece where bytes can be added without coming in front of others.
    fn room_index(&self) -> usize {
        let last = self.pieces.iter().rposition(|piece| !piece.bytes().is_empty());
        match last {
            Some(last) if self.pieces[last].tailroom() == 0 => last + 1,
            Some(last) => last,
            None => 0,
        }
    }

    /// Most slices lent at once by [`append_with`](Self::append_with). Systems take up to 1,024 in
    /// one call; past 64 a call of many short pieces costs more than two.
    pub const IO_SLICES_MAX: usize = 64;
}

impl fmt::Debug for Runs {
    /// Shows the geometry, never the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.pieces).finish()
    }
}

/// Pieces of room are leases, for nothing else has a tailroom.
fn room(pieces: vec_deque::IterMut<'_, Piece>) -> impl Iterator<Item = &mut Lease> {
    pieces.filter_map(|piece| match piece {
        Piece::Lease(lease) => Some(lease),
        Piece::Heap(..) | Piece::Static(_) | Piece::Shared(..) => None,
    })
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
