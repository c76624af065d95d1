//! A run of the ring in the hands of the disk.

use std::any::Any;

use waterwheel_reactor::disk::Buffer;
use waterwheel_ring::{Lease, RemoteLease, Ring};

/// A travelling lease, and how much of its room may be filled.
#[derive(Debug)]
pub(super) struct RunBuffer {
    lease: RemoteLease,
    len_max: usize,
}

impl RunBuffer {
    pub(super) const fn new(lease: RemoteLease, len_max: usize) -> Self {
        Self { lease, len_max }
    }

    /// Takes the lease home to the ring that it came from.
    pub(super) fn come_home(self, ring: &Ring) -> Lease {
        ring.receive(self.lease).expect("a lease comes home to the ring that it came from")
    }
}

// SAFETY: the bytes are a run's, which nobody else reads or writes while the lease lives (R4), and
// which stay where they are however the lease is moved. They live as long as it (R9), for ever if
// it is forgotten.
unsafe impl Buffer for RunBuffer {
    fn payload(&self) -> &[u8] {
        self.lease.payload()
    }

    fn room(&mut self) -> &mut [u8] {
        let room = self.lease.room_mut();
        let len = room.len().min(self.len_max);
        &mut room[..len]
    }

    fn commit(&mut self, len: usize) {
        self.lease.commit(len);
        self.len_max -= len;
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
