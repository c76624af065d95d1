//! Connections counted by the address that they come from, where there is a cap.

use waterwheel_reactor::{Driver, PeerAddress};

use super::engine::{Engine, Served};
use crate::Protocol;
use crate::connection::Flags;

impl<D: Driver, P: Protocol> Engine<D, P> {
    /// Counts a connection from `peer`. False when there are too many from there.
    pub(super) fn enter_address(&mut self, peer: PeerAddress, flags: &mut Flags) -> bool {
        let Some(cap) = &self.config.address_cap else { return true };
        match cap.enter(peer) {
            Some(counted) => {
                flags.counted = counted;
                true
            }
            None => {
                self.meter.address_capped.add(1);
                false
            }
        }
    }

    /// Forgets what a connection has counted for.
    pub(super) fn leave_address(&self, connection: &Served<D, P>) {
        if connection.flags.counted
            && let Some(cap) = &self.config.address_cap
        {
            cap.leave(self.protocol.peer(&connection.state));
        }
    }
}
