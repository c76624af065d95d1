//! What all connections of a TLS listener share, and its exchange while they live on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rustls::client::verify_server_name;
use rustls::pki_types::ServerName;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{
    ClientHello, NoClientAuth, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert,
    WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};

use crate::aside::{Aside, Secrets};
use crate::config::{ClientAuth, Config, ConfigError, Credentials, Layering, Version, provider};
use crate::fault::HandshakeFault;
use crate::session::Session;
use crate::ticket::{Tickets, Wall};

/// What all connections of a TLS listener share. Clones are the same acceptor.
#[derive(Clone, Debug)]
pub struct Acceptor {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    wall: Arc<Wall>,
    /// Taken by workers for each accepted connection, written by a reload.
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    template: Template,
    tickets: Arc<Tickets>,
    /// Whom clients were verified against when the tickets were issued.
    roots: Option<Arc<RootCertStore>>,
    must_verify: bool,
}

/// What a connection starts from.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) rustls: Arc<ServerConfig>,
    pub(crate) layering: Layering,
}

impl Acceptor {
    /// Checks the configuration and takes it.
    ///
    /// # Errors
    /// [`ConfigError`] when it cannot be used.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let wall = Arc::new(Wall::default());
        let tickets = Arc::new(Tickets::new(Arc::clone(&wall)).map_err(ConfigError::Refused)?);
        let current = Current::new(config, &wall, tickets)?;
        Ok(Self { shared: Arc::new(Shared { wall, current: Mutex::new(current) }) })
    }

    /// Takes another configuration for the connections to come; those there are go on as they are.
    /// Tickets stay good, unless it changed who clients must be: then a ticket must not stand for
    /// a check that was never made.
    ///
    /// # Errors
    /// [`ConfigError`] when it cannot be used. The old one stays.
    pub fn reload(&self, config: &Config) -> Result<(), ConfigError> {
        let fresh = Tickets::new(Arc::clone(&self.shared.wall)).map_err(ConfigError::Refused)?;
        let mut next = Current::new(config, &self.shared.wall, Arc::new(fresh))?;
        let mut current = lock(&self.shared.current);
        if next.verifies_as(&current) {
            next = Current::new(config, &self.shared.wall, Arc::clone(&current.tickets))?;
        }
        *current = next;
        Ok(())
    }

    /// Tells the time, which ages tickets and client certificates. A worker calls it when it has
    /// read its wall clock; before the first call no client certificate is valid.
    pub fn set_wall(&self, wall: SystemTime) {
        self.shared.wall.set(wall);
    }

    /// A connection that has received nothing yet. It costs a reference until its first byte.
    #[must_use]
    pub fn accept(&self) -> Session {
        Session::new(lock(&self.shared.current).template.clone())
    }
}

impl Current {
    fn new(config: &Config, wall: &Arc<Wall>, tickets: Arc<Tickets>) -> Result<Self, ConfigError> {
        if config.credentials.is_empty() {
            return Err(ConfigError::NoCredentials);
        }
        let refused = |error| ConfigError::Refused(HandshakeFault(error));
        let versions: &[_] = match config.version_min {
            Version::Tls12 => &[&TLS13, &TLS12],
            Version::Tls13 => &[&TLS13],
        };
        let (verifier, roots, must_verify) = verifier(&config.client_auth)?;
        let mut rustls =
            ServerConfig::builder_with_details(Arc::new(provider()), Arc::clone(wall) as _)
                .with_protocol_versions(versions)
                .map_err(refused)?
                .with_client_cert_verifier(verifier)
                .with_cert_resolver(Arc::new(Resolver { credentials: config.credentials.clone() }));
        rustls.alpn_protocols.clone_from(&config.alpn);
        rustls.session_storage = Arc::new(NoServerSessionStorage {});
        rustls.send_tls13_tickets = config.ticket_count;
        if config.ticket_count > 0 {
            rustls.ticketer = Arc::clone(&tickets) as _;
        }
        // Early data can be replayed (RFC 8446 §8); it is never accepted.
        rustls.max_early_data_size = 0;
        if config.layering == Layering::InPlace {
            rustls.enable_secret_extraction = true;
            rustls.key_log = Arc::new(Secrets);
        }
        let template = Template { rustls: Arc::new(rustls), layering: config.layering };
        Ok(Self { template, tickets, roots, must_verify })
    }

    /// Whether clients are verified in the same way.
    fn verifies_as(&self, other: &Self) -> bool {
        let roots = |current: &Self| current.roots.as_ref().map(|store| store.roots.clone());
        self.must_verify == other.must_verify && roots(self) == roots(other)
    }
}

type Verifier = (Arc<dyn ClientCertVerifier>, Option<Arc<RootCertStore>>, bool);

fn verifier(client_auth: &ClientAuth) -> Result<Verifier, ConfigError> {
    let (roots, must_verify) = match client_auth {
        ClientAuth::Off => return Ok((Arc::new(NoClientAuth), None, false)),
        ClientAuth::Optional(roots) => (Arc::clone(&roots.store), false),
        ClientAuth::Required(roots) => (Arc::clone(&roots.store), true),
    };
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::new(provider()));
    let builder = if must_verify { builder } else { builder.allow_unauthenticated() };
    let verifier = builder.build().map_err(|error| {
        ConfigError::Refused(HandshakeFault(rustls::Error::General(error.to_string())))
    })?;
    Ok((verifier, Some(roots), must_verify))
}

/// Chooses the certificate by the name that the client asks for.
#[derive(Debug)]
struct Resolver {
    credentials: Vec<Credentials>,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Some(name) = hello.server_name() {
            Aside::add_server_name(name);
        }
        let first = self.credentials.first()?;
        let named = match hello.server_name() {
            Some(name) if self.credentials.len() > 1 => {
                let name = ServerName::try_from(name).ok()?;
                self.credentials.iter().find(|credentials| names(credentials, &name))
            }
            _ => None,
        };
        Some(Arc::clone(&named.unwrap_or(first).key))
    }
}

fn names(credentials: &Credentials, name: &ServerName<'_>) -> bool {
    let certificate = credentials.key.cert.first().map(ParsedCertificate::try_from);
    matches!(certificate, Some(Ok(certificate)) if verify_server_name(&certificate, name).is_ok())
}

/// Nothing panics while a lock is held, and what it guards is replaced whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
