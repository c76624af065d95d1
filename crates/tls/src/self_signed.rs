//! A certificate made on the spot, for a first try.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;

use crate::config::{ConfigError, Credentials};
use crate::fault::HandshakeFault;

impl Credentials {
    /// Makes a key and a certificate for these host names or addresses, signed by itself. Clients
    /// trust it only when told to. Returns the certificate in PEM as well, for them.
    ///
    /// # Errors
    /// [`ConfigError::Refused`] when a name is none.
    pub fn self_signed(names: &[String]) -> Result<(Self, String), ConfigError> {
        let refused = |error: rcgen::Error| {
            ConfigError::Refused(HandshakeFault(rustls::Error::General(error.to_string())))
        };
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).map_err(refused)?;
        let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
        Ok((Self::from_der(vec![cert.der().clone()], key)?, cert.pem()))
    }
}
