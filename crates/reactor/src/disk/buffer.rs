//! Bytes that travel with the work on them.

use std::any::Any;
use std::fmt;

/// Owned bytes that the kernel or another thread may read and write while they are away.
///
/// # Safety
/// Until the value is dropped or used through `&mut`, the slices that [`payload`](Self::payload)
/// and [`room`](Self::room) return stay where they are, however the value itself is moved; nobody
/// else reads or writes them; and a forgotten value leaves them in place for ever.
#[expect(unsafe_code, reason = "the kernel writes behind the compiler's back, so it is a promise")]
pub unsafe trait Buffer: fmt::Debug + Send + 'static {
    /// The bytes to be written to a file.
    fn payload(&self) -> &[u8];

    /// Where bytes that are read from a file go.
    fn room(&mut self) -> &mut [u8];

    /// Makes the first `len` bytes of the room payload: they were just read.
    fn commit(&mut self, len: usize);

    /// For whoever knows what it is to take it back.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

/// A buffer on the heap.
#[derive(Debug, Default)]
pub struct HeapBuffer {
    bytes: Vec<u8>,
    len: usize,
}

impl HeapBuffer {
    /// Payload without room.
    #[must_use]
    pub fn holding(bytes: Vec<u8>) -> Self {
        let len = bytes.len();
        Self { bytes, len }
    }

    /// Room without payload.
    #[must_use]
    pub fn with_room(len: usize) -> Self {
        Self { bytes: vec![0; len], len: 0 }
    }

    /// Bytes of the payload.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no payload.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes the room at least `len` bytes long.
    pub fn make_room(&mut self, len: usize) {
        if self.bytes.len() - self.len < len {
            self.bytes.resize(self.len + len, 0);
        }
    }

    /// The payload.
    #[must_use]
    pub fn into_payload(mut self) -> Vec<u8> {
        self.bytes.truncate(self.len);
        self.bytes
    }
}

// SAFETY: the bytes are a vector's own, which nothing here shares, and whose place on the heap
// stays when the vector is moved; it never grows.
#[expect(unsafe_code, reason = "keeps the promise of the trait, by owning a vector")]
unsafe impl Buffer for HeapBuffer {
    fn payload(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[self.len..]
    }

    fn commit(&mut self, len: usize) {
        assert!(len <= self.bytes.len() - self.len, "no more bytes are read than there was room");
        self.len += len;
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
