//! Who the client is, as its certificate says.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;

/// A client's certificate chain, verified against the configured roots during the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    chain: Arc<[CertificateDer<'static>]>,
}

impl Identity {
    pub(crate) fn new(chain: &[CertificateDer<'static>]) -> Self {
        Self { chain: chain.into() }
    }

    /// The client's own certificate in DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        self.chain.first().map_or(&[], AsRef::as_ref)
    }

    /// Every certificate that the client sent, in DER, its own first.
    pub fn chain(&self) -> impl Iterator<Item = &[u8]> {
        self.chain.iter().map(AsRef::as_ref)
    }
}
