//! Where in the worker's memory bytes came in and left from. Owns a short ring of them.

use std::collections::VecDeque;

/// The last few places, oldest first; a place is an address and a length.
#[derive(Debug)]
pub(super) struct Places {
    ring: VecDeque<(usize, usize)>,
    count_max: usize,
}

impl Places {
    pub(super) fn new(count_max: usize) -> Self {
        Self { ring: VecDeque::with_capacity(count_max), count_max }
    }

    pub(super) fn record(&mut self, bytes: &[u8]) {
        if self.count_max == 0 {
            return;
        }
        if self.ring.len() == self.count_max {
            self.ring.pop_front();
        }
        self.ring.push_back((bytes.as_ptr().addr(), bytes.len()));
    }

    pub(super) fn list(&self) -> Vec<(usize, usize)> {
        self.ring.iter().copied().collect()
    }
}
