//! Buffers that go back to the thread they are dropped on, so that a warm worker allocates none.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;

/// Buffers kept per thread: more than a worker has in hand at once between two reads.
const KEPT_COUNT_MAX: usize = 32;

/// A buffer that grew beyond this is freed, so that one huge request does not stay in memory.
const KEPT_LEN_MAX: usize = 4 << 20;

thread_local! {
    static KEPT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A byte vector from the thread's pool, given back when dropped.
#[derive(Debug)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// An empty buffer.
    #[must_use]
    pub fn take() -> Self {
        Self(take())
    }

    /// Hands the buffer to a framework without a copy; it returns to the pool after the last use.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        give(std::mem::take(&mut self.0));
    }
}

// Not inlined, here and below: a stackful coroutine may resume on another thread, and its caller
// must not keep the address of this thread's pool in a register over that.
#[inline(never)]
fn take() -> Vec<u8> {
    KEPT.with_borrow_mut(Vec::pop).unwrap_or_default()
}

#[inline(never)]
fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() == 0 || buffer.capacity() > KEPT_LEN_MAX {
        return;
    }
    buffer.clear();
    // An answer may outlive the thread's pool when the process ends; then it is simply freed.
    let _ = KEPT.try_with(|kept| {
        let mut kept = kept.borrow_mut();
        if kept.len() < KEPT_COUNT_MAX {
            kept.push(buffer);
        }
    });
}
