//! What rustls tells while it shakes hands, and only to those that all connections share: to the
//! certificate resolver the host's name, and to the key log the secrets from which later keys come.
//!
//! Both are called on the thread and within the call in which the handshake goes a step further, so
//! a variable of the thread carries what they hear to the handshake.

use std::cell::Cell;
use std::sync::Arc;

use rustls::KeyLog;
use zeroize::Zeroize;

/// What was told in one step of a handshake.
#[derive(Default)]
pub(crate) struct Aside {
    /// The host that the client asks for.
    pub(crate) server_name: Option<Arc<str>>,
    /// The secrets of application data (RFC 8446 §7.1).
    pub(crate) inbound: Option<TrafficSecret>,
    pub(crate) outbound: Option<TrafficSecret>,
}

thread_local! {
    static ASIDE: Cell<Option<Box<Aside>>> = const { Cell::new(None) };
}

impl Aside {
    /// What was told on this thread since the last call, if anything was.
    pub(crate) fn take() -> Option<Box<Self>> {
        ASIDE.take()
    }

    fn add(tell: impl FnOnce(&mut Self)) {
        let mut aside = ASIDE.take().unwrap_or_default();
        tell(&mut aside);
        ASIDE.set(Some(aside));
    }

    pub(crate) fn add_server_name(name: &str) {
        Self::add(|aside| aside.server_name = Some(name.into()));
    }

    /// Takes what a later step told beside what earlier ones did.
    pub(crate) fn merge(&mut self, later: Self) {
        self.server_name = later.server_name.or(self.server_name.take());
        self.inbound = later.inbound.or(self.inbound.take());
        self.outbound = later.outbound.or(self.outbound.take());
    }
}

/// Hears the traffic secrets and keeps them from everybody else. rustls hands over keys only, from
/// which those after a KeyUpdate cannot be made, or keeps 800 bytes for each connection to make
/// them itself.
#[derive(Debug)]
pub(crate) struct Secrets;

impl KeyLog for Secrets {
    fn log(&self, label: &str, _client_random: &[u8], secret: &[u8]) {
        let Some(secret) = TrafficSecret::new(secret) else { return };
        Aside::add(|aside| match label {
            CLIENT_LABEL => aside.inbound = Some(secret),
            _ => aside.outbound = Some(secret),
        });
    }

    fn will_log(&self, label: &str) -> bool {
        matches!(label, CLIENT_LABEL | SERVER_LABEL)
    }
}

/// `application_traffic_secret_N` of one direction (RFC 8446 §7.2), as long as the suite's hash.
pub(crate) struct TrafficSecret {
    bytes: [u8; SECRET_LEN_MAX],
    len: u8,
}

impl TrafficSecret {
    pub(crate) fn new(secret: &[u8]) -> Option<Self> {
        let mut bytes = [0; SECRET_LEN_MAX];
        bytes.get_mut(..secret.len())?.copy_from_slice(secret);
        Some(Self { bytes, len: u8::try_from(secret.len()).ok()? })
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl Drop for TrafficSecret {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// SHA-384 is the longest hash of a suite of TLS 1.3.
const SECRET_LEN_MAX: usize = 48;

const CLIENT_LABEL: &str = "CLIENT_TRAFFIC_SECRET_0";
const SERVER_LABEL: &str = "SERVER_TRAFFIC_SECRET_0";
