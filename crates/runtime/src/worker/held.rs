//! What a connection keeps while it waits: its own, and what its protocol's state keeps.

use waterwheel_reactor::Driver;

use super::engine::{Engine, Outcome, Served};
use crate::Protocol;

impl<D: Driver, P: Protocol> Engine<D, P> {
    /// Segments that the protocol's state of the connection keeps.
    #[inline]
    pub(super) fn kept(&self, connection: &Served<D, P>) -> usize {
        self.protocol.segment_count(&connection.state)
    }

    /// Segments of the ring that a connection keeps from others.
    pub(super) fn segment_count(&self, connection: &Served<D, P>) -> usize {
        connection.segment_count() + self.kept(connection)
    }

    /// Moves what a connection holds in the ring out of it. Closes one for which there is no room.
    pub(super) fn park(&mut self, connection: &mut Served<D, P>) -> Outcome {
        let parked_before = connection.parked_len();
        let moved_len = connection.park() + self.protocol.park(&mut connection.state);
        self.meter.parked_len.add(moved_len as u64);
        self.note_parked(parked_before, connection.parked_len(), Outcome::Wait)
    }

    /// True when closing now would cut a request or a reply short.
    pub(super) fn is_busy(&self, connection: &Served<D, P>) -> bool {
        connection.is_busy() || self.protocol.is_busy(&connection.state)
    }
}
