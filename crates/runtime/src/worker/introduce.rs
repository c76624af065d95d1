//! Connections of trusted proxies: the header that says whom they speak for comes before the first
//! byte of the protocol, TLS included.

use std::mem;
use std::time::Duration;

use waterwheel_reactor::{Driver, PeerAddress};

use super::engine::{Engine, Outcome, Served, place_of};
use crate::connection::{Connection, Phase};
use crate::proxy_header::{self, BINARY_LEN_MAX};
use crate::{Instant, Protocol};

impl<D: Driver, P: Protocol> Engine<D, P> {
    /// Whether this peer is one of the proxies that are believed.
    pub(super) fn is_proxy(&self, peer: PeerAddress) -> bool {
        self.config.proxies.iter().any(|network| network.contains(peer))
    }

    /// Reads until the header is whole, and tells the protocol of the client. A proxy that sends
    /// none is closed: its bytes cannot be told from a client's.
    #[cold]
    pub(super) fn introduce(
        &mut self,
        connection: &mut Served<D, P>,
        budget: &mut usize,
    ) -> Result<(), Outcome> {
        self.receive(connection, budget)?;
        let inbound = place_of(&mut connection.inbound, &mut self.inbound);
        match proxy_header::parse(inbound.bytes()) {
            Ok(Some(header)) => {
                inbound.consume(header.len);
                connection.phase = Phase::Serving;
                if let Some(client) = header.client {
                    let client = client.into();
                    self.protocol.introduce(&mut connection.state, client);
                    if !self.enter_address(client, &mut connection.flags) {
                        return Err(Outcome::Close);
                    }
                }
                Ok(())
            }
            Ok(None) if !connection.flags.ended && inbound.len() < BINARY_LEN_MAX => {
                if !self.inbound.is_empty() {
                    connection.inbound = mem::take(&mut self.inbound);
                }
                Ok(())
            }
            _ => {
                self.meter.proxy_header_failed.add(1);
                drop(mem::take(inbound));
                Err(Outcome::Close)
            }
        }
    }
}

/// Has a proxy's connection begin with its header.
pub(super) fn await_header<S, C>(connection: &mut Connection<S, C>, now: Instant) {
    connection.phase = Phase::Introducing;
    connection.deadline = now + HEADER_TIMEOUT;
}

/// The least that the protocol's document allows (§2): proxies send the header with the first
/// packet.
const HEADER_TIMEOUT: Duration = Duration::from_secs(3);
