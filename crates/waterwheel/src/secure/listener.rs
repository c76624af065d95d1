//! TLS for a listener: certificates and settings, and how to read them again.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use waterwheel_tls::{Acceptor, Config, ConfigError, Credentials};

/// TLS for a listener, see [`Server::listen_tls`](crate::Server::listen_tls). Clones are the same
/// one: kept aside, it reloads the certificates of a server that runs.
///
/// TLS 1.3 and 1.2, ALPN `http/1.1`, session tickets; [`tls::Config`](Config) has the settings.
///
/// ```
/// use waterwheel::tls::{Config, Credentials};
/// use waterwheel::{App, Tls};
///
/// let (credentials, certificate_pem) = Credentials::self_signed(&["localhost".into()])?;
/// let mut config = Config::default();
/// config.credentials.push(credentials);
/// let tls = Tls::new(config)?;
/// let server = App::new().get("/", || "sealed\n").listen_tls("127.0.0.1:0", &tls);
/// assert!(server.bind()?.urls().next().is_some_and(|url| url.starts_with("https://")));
/// # let _ = certificate_pem;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Tls {
    acceptor: Acceptor,
    load: Arc<Load>,
}

type Load = dyn Fn() -> Result<Config, ConfigError> + Send + Sync;

impl Tls {
    /// From a certificate chain, the server's own first, and its key, in files in PEM. They are
    /// read now, and by each [`reload`](Self::reload).
    ///
    /// # Errors
    /// [`ConfigError`] when a file cannot be read or holds something else, or the key is not that
    /// of the certificate.
    pub fn from_pem_files(
        chain: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, ConfigError> {
        let (chain, key) = (chain.into(), key.into());
        Self::load(move || {
            let mut config = Config::default();
            config.credentials.push(Credentials::from_pem_files(&chain, &key)?);
            Ok(config)
        })
    }

    /// From settings that stay as they are.
    ///
    /// # Errors
    /// [`ConfigError`] when they cannot be used.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Self::load(move || Ok(config.clone()))
    }

    /// With a certificate for these host names or addresses that is made on the spot and signed by
    /// itself: for a first try, since clients must be told not to mind.
    ///
    /// # Errors
    /// [`ConfigError`] when a name is none.
    #[cfg(feature = "self-signed")]
    pub fn self_signed(names: &[&str]) -> Result<Self, ConfigError> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut config = Config::default();
        config.credentials.push(Credentials::self_signed(&names)?.0);
        Self::new(config)
    }

    /// From settings that `load` makes, now and for each [`reload`](Self::reload): several
    /// certificates, client certificates, or whatever is not in two files.
    ///
    /// # Errors
    /// Those of `load`, and [`ConfigError`] when its settings cannot be used.
    pub fn load(
        load: impl Fn() -> Result<Config, ConfigError> + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        let acceptor = Acceptor::new(&load()?)?;
        Ok(Self { acceptor, load: Arc::new(load) })
    }

    /// Makes the settings anew, reading files again, for the connections to come. Those there are
    /// go on as they are. May be called from any thread.
    ///
    /// # Errors
    /// [`ConfigError`] when they cannot be used. The old ones stay.
    pub fn reload(&self) -> Result<(), ConfigError> {
        self.acceptor.reload(&(self.load)()?)
    }

    pub(crate) fn acceptor(&self) -> Acceptor {
        self.acceptor.clone()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}
