//! Where the next keys of a connection come from.

use rustls::ConnectionTrafficSecrets;
use rustls::kernel::KernelConnection;
use rustls::server::ServerConnectionData;

use crate::fault::Fault;

/// Derives the keys that follow a KeyUpdate (RFC 8446 §7.2).
#[cfg_attr(
    feature = "testing",
    expect(clippy::large_enum_variant, reason = "the small variant exists in tests only")
)]
pub(super) enum Rekey {
    /// What is left of the rustls connection after the handshake.
    Rustls(KernelConnection<ServerConnectionData>),
    /// Keys that count up, for fuzzing: a handshake for each input would take most of the time.
    #[cfg(feature = "testing")]
    Counted { inbound: u8, outbound: u8 },
}

impl Rekey {
    pub(super) fn next_inbound(&mut self) -> Result<ConnectionTrafficSecrets, Fault> {
        match self {
            Self::Rustls(connection) => {
                connection.update_rx_secret().map(|(_, secrets)| secrets).map_err(refused)
            }
            #[cfg(feature = "testing")]
            Self::Counted { inbound, .. } => Ok(counted(inbound)),
        }
    }

    pub(super) fn next_outbound(&mut self) -> Result<ConnectionTrafficSecrets, Fault> {
        match self {
            Self::Rustls(connection) => {
                connection.update_tx_secret().map(|(_, secrets)| secrets).map_err(refused)
            }
            #[cfg(feature = "testing")]
            Self::Counted { outbound, .. } => Ok(counted(outbound)),
        }
    }
}

fn refused(_: rustls::Error) -> Fault {
    Fault::Internal
}

#[cfg(feature = "testing")]
pub(super) fn counted(last: &mut u8) -> ConnectionTrafficSecrets {
    *last = last.wrapping_add(1);
    ConnectionTrafficSecrets::Chacha20Poly1305 { key: [*last; 32].into(), iv: [*last; 12].into() }
}
