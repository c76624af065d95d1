//! What a TLS listener is configured with, and how it can be wrong.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, fs, io};

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::fault::HandshakeFault;

/// What a TLS listener is configured with.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Config {
    /// Certificates with their keys; at least one. The first that names the host that the client
    /// asks for (SNI) is used, and the very first for all other clients. A certificate is looked
    /// through in each handshake when there are several, so hundreds are too many.
    pub credentials: Vec<Credentials>,
    /// Whether clients are asked for certificates. Default [`ClientAuth::Off`].
    pub client_auth: ClientAuth,
    /// The oldest version that is spoken. Default [`Version::Tls12`].
    pub version_min: Version,
    /// Who opens and seals records of TLS 1.3. Default [`Layering::InPlace`].
    pub layering: Layering,
    /// Protocols offered by ALPN (RFC 7301), best first. A client that asks for others only is
    /// refused. Default `http/1.1`.
    pub alpn: Vec<Vec<u8>>,
    /// Session tickets sent after a TLS 1.3 handshake; 0 makes every handshake a full one, of
    /// TLS 1.2 too. Default 2.
    pub ticket_count: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            credentials: Vec::new(),
            client_auth: ClientAuth::Off,
            version_min: Version::Tls12,
            layering: Layering::InPlace,
            alpn: vec![b"http/1.1".to_vec()],
            ticket_count: 2,
        }
    }
}

/// A version of TLS that is offered.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// RFC 5246, with forward-secret AEAD suites only.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// Who opens and seals records after a TLS 1.3 handshake.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layering {
    /// waterwheel, where the records lie.
    InPlace,
    /// rustls, as for TLS 1.2; for comparison, and as an escape.
    Stock,
}

/// A certificate chain with its key.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub(crate) key: Arc<CertifiedKey>,
}

impl Credentials {
    /// Reads a chain, the server's own certificate first, and a PKCS#8, PKCS#1 or SEC1 key, both in
    /// PEM.
    ///
    /// # Errors
    /// [`ConfigError`] when either has nothing of the kind, cannot be read, or when the key is not
    /// that of the certificate.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, ConfigError> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| ConfigError::Key)?;
        Self::from_der(chain, key)
    }

    /// The same from files, read once.
    ///
    /// # Errors
    /// Those of [`from_pem`](Self::from_pem), and [`ConfigError::File`] for a file that cannot be
    /// read or has nothing of the kind.
    pub fn from_pem_files(chain: &Path, key: &Path) -> Result<Self, ConfigError> {
        let empty = |path: &Path, error: &ConfigError| ConfigError::File {
            path: path.to_owned(),
            cause: io::Error::new(io::ErrorKind::InvalidData, error.to_string()),
        };
        Self::from_pem(&read(chain)?, &read(key)?).map_err(|error| match error {
            ConfigError::Certificate => empty(chain, &error),
            ConfigError::Key => empty(key, &error),
            error => error,
        })
    }

    pub(crate) fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, ConfigError> {
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => ConfigError::Mismatch,
            error => ConfigError::Refused(HandshakeFault(error)),
        })?;
        Ok(Self { key: Arc::new(key) })
    }
}

/// Whether clients are asked for certificates.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub enum ClientAuth {
    /// No client is asked.
    #[default]
    Off,
    /// Clients are asked and may refuse; what they send must be signed by one of these.
    Optional(ClientRoots),
    /// Clients without a certificate signed by one of these are refused.
    Required(ClientRoots),
}

/// Certificates that clients' certificates are traced back to.
#[derive(Clone, Debug)]
pub struct ClientRoots {
    pub(crate) store: Arc<RootCertStore>,
}

impl ClientRoots {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// [`ConfigError`] when there is none, or one cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, ConfigError> {
        let mut store = RootCertStore::empty();
        for certificate in certificates(pem)? {
            store.add(certificate).map_err(|error| ConfigError::Refused(HandshakeFault(error)))?;
        }
        Ok(Self { store: Arc::new(store) })
    }

    /// The same from a file, read once.
    ///
    /// # Errors
    /// Those of [`from_pem`](Self::from_pem), and [`ConfigError::File`].
    pub fn from_pem_file(path: &Path) -> Result<Self, ConfigError> {
        Self::from_pem(&read(path)?)
    }
}

/// Why a configuration cannot be used. A listener that has another one keeps it.
#[non_exhaustive]
#[derive(Debug)]
pub enum ConfigError {
    /// A file cannot be read, or has nothing of the kind.
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// There is no certificate where one is needed, or it is no PEM.
    Certificate,
    /// There is no key where one is needed, or it is no PEM.
    Key,
    /// The key is not that of the certificate.
    Mismatch,
    /// There are no credentials.
    NoCredentials,
    /// The TLS library refuses; the source says why.
    Refused(HandshakeFault),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File { path, .. } => {
                return write!(f, "file `{}` cannot be read", path.display());
            }
            Self::Certificate => "no PEM certificate",
            Self::Key => "no PEM key",
            Self::Mismatch => "key and certificate do not belong together",
            Self::NoCredentials => "no certificate configured",
            Self::Refused(_) => "certificate or key refused",
        })
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File { cause, .. } => Some(cause),
            Self::Refused(cause) => Some(cause),
            _ => None,
        }
    }
}

/// The one cryptographic library, named rather than found: what the process has installed for other
/// uses of rustls changes nothing here.
pub(crate) fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    chain.ok().filter(|chain| !chain.is_empty()).ok_or(ConfigError::Certificate)
}

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    fs::read(path).map_err(|cause| ConfigError::File { path: path.to_owned(), cause })
}
