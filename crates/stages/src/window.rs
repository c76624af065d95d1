//! The part of a lease that a stage may touch.

use std::ops::Range;

use waterwheel_ring::Lease;

use crate::NoRoom;

/// `headroom | payload | tailroom`: the bytes of one body and the free room around them.
///
/// A lease that is put into a window holds bytes of this body only. Whoever runs a chain splits the
/// request's head and the next request off beforehand, so a stage is free to use both rooms.
#[derive(Debug)]
pub struct Window<'a> {
    lease: &'a mut Lease,
}

impl<'a> Window<'a> {
    /// Opens a window over a whole lease.
    #[inline]
    #[must_use]
    pub const fn new(lease: &'a mut Lease) -> Self {
        Self { lease }
    }

    /// Free bytes before the payload.
    #[inline]
    #[must_use]
    pub fn headroom(&self) -> usize {
        self.lease.headroom()
    }

    /// Free bytes behind the payload.
    #[inline]
    #[must_use]
    pub fn tailroom(&self) -> usize {
        self.lease.tailroom()
    }

    /// Bytes of the payload.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.lease.len()
    }

    /// Whether the payload has no bytes.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lease.is_empty()
    }

    /// The payload.
    #[inline]
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.lease.payload()
    }

    /// The payload, to be changed.
    #[inline]
    #[must_use]
    pub fn payload_mut(&mut self) -> &mut [u8] {
        self.lease.payload_mut()
    }

    /// Keeps the first `len` bytes of the payload; nothing happens when it is not longer.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.lease.truncate(len);
    }

    /// Gives the first `len` bytes of the payload to the headroom.
    ///
    /// # Panics
    /// When the payload is shorter.
    #[inline]
    pub fn advance(&mut self, len: usize) {
        self.lease.advance(len);
    }

    /// Takes `len` bytes of tailroom into the payload. What they hold is unspecified: write them.
    ///
    /// # Errors
    /// [`NoRoom`] when the tailroom is shorter; the payload is then as before.
    #[inline]
    pub fn grow_back(&mut self, len: usize) -> Result<(), NoRoom> {
        self.lease.grow_back(len)
    }

    /// Takes `len` bytes of headroom into the payload. What they hold is unspecified: write them.
    ///
    /// # Errors
    /// [`NoRoom`] when the headroom is shorter; the payload is then as before.
    #[inline]
    pub fn grow_front(&mut self, len: usize) -> Result<(), NoRoom> {
        self.lease.grow_front(len)
    }

    /// Copies payload bytes to another place in the payload. The ring counts such copies, and a
    /// chain that needs none is the aim.
    ///
    /// # Panics
    /// When source or target reach past the payload.
    #[inline]
    pub fn copy_within(&mut self, source: Range<usize>, target: usize) {
        self.lease.copy_within(source, target);
    }
}
