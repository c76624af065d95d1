//! Worlds that speak TLS: their settings, and rustls as the client's side of one connection.

use std::io::{Read, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fastrand::Rng;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore};
use waterwheel::Tls;
use waterwheel::runtime::SecuredConfig;
use waterwheel::tls::{Config, Credentials, Layering};

use super::setting::pick;

/// What a world over TLS has drawn.
pub(crate) struct Secured {
    pub(crate) tls: Tls,
    pub(crate) handshakes: SecuredConfig,
    /// Of all clients of this world, so that they come back with each other's tickets.
    client: Arc<ClientConfig>,
}

impl Secured {
    /// One world in three is one over TLS, and one in ten of these has rustls seal for the server.
    pub(crate) fn draw(seed: u64) -> Option<Self> {
        if !seed.is_multiple_of(SEEDS_PER_SECURED) {
            return None;
        }
        let mut rng = Rng::with_seed(seed ^ SECURED_SALT);
        let party = Party::get();
        let mut config = party.server.clone();
        config.ticket_count = pick(&mut rng, &[0, 1, 2, 2]);
        if rng.u8(..10) == 0 {
            config.layering = Layering::Stock;
        }
        let mut handshakes = SecuredConfig::default();
        handshakes.handshakes_per_turn_max = pick(&mut rng, &[1, 4]);
        let rests_after = [Duration::ZERO, Duration::from_millis(1), Duration::from_secs(1)];
        handshakes.rest_after = pick(&mut rng, &rests_after);
        let mut client = party.clients[usize::from(rng.u8(..3) == 0)].clone();
        client.resumption = Resumption::in_memory_sessions(32);
        client.max_fragment_size = pick(&mut rng, &[None, None, Some(100), Some(1000)]);
        let tls = Tls::new(config).expect("good settings");
        Some(Self { tls, handshakes, client: Arc::new(client) })
    }
}

/// The certificate that all worlds share, and the clients that trust it, one for each version.
struct Party {
    server: Config,
    clients: [ClientConfig; 2],
}

impl Party {
    fn get() -> &'static Self {
        static PARTY: OnceLock<Party> = OnceLock::new();
        PARTY.get_or_init(Self::new)
    }

    /// Signatures of Ed25519 have one length only, and so a seed has one history, though its keys
    /// are others each time.
    fn new() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key can be made");
        let names = rcgen::CertificateParams::new([NAME.to_owned()]).expect("a name");
        let certificate = names.self_signed(&key).expect("a certificate can be made");
        let credentials =
            Credentials::from_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes());
        let mut server = Config::default();
        server.credentials.push(credentials.expect("key and certificate belong together"));
        let clients = [&TLS13, &TLS12].map(|version| client(certificate.der(), version));
        Self { server, clients }
    }
}

fn client(
    certificate: &CertificateDer<'static>,
    version: &'static rustls::SupportedProtocolVersion,
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a certificate");
    // The cheapest: which one it is, is rustls' affair.
    let provider = rustls::crypto::CryptoProvider {
        kx_groups: vec![kx_group::X25519],
        ..aws_lc_rs::default_provider()
    };
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .expect("the version is known")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// The client's side of one session.
pub(crate) struct Session {
    tls: ClientConnection,
    rng: Rng,
    /// All that came, sealed.
    pub(crate) sealed: Vec<u8>,
}

/// How a client ends what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// It says so (RFC 8446 §6.1).
    Said,
    Unsaid,
    /// In the middle of a record.
    MidRecord,
}

impl Session {
    pub(crate) fn new(secured: &Secured, seed: u64) -> Self {
        let name = ServerName::try_from(NAME).expect("a name");
        let tls = ClientConnection::new(Arc::clone(&secured.client), name);
        let mut tls = tls.expect("good settings");
        tls.set_buffer_limit(None);
        Self { tls, rng: Rng::with_seed(seed), sealed: Vec::new() }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.tls.is_handshaking()
    }

    pub(crate) fn is_resumed(&self) -> bool {
        self.tls.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// What the client wants sent by itself.
    pub(crate) fn outgoing(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut bytes).expect("a vector takes all");
        }
        bytes
    }

    /// `plain` in records, now and then with new keys from there on.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        if self.rng.u8(..40) == 0 {
            // There is no such thing in TLS 1.2.
            let _ = self.tls.refresh_traffic_keys();
        }
        self.tls.writer().write_all(plain).expect("there is no limit");
        self.outgoing()
    }

    /// What is in the records that have come.
    pub(crate) fn open(&mut self, mut sealed: &[u8]) -> Result<Vec<u8>, String> {
        self.sealed.extend_from_slice(sealed);
        let mut plain = Vec::new();
        while !sealed.is_empty() {
            self.tls.read_tls(&mut sealed).map_err(|error| format!("records: {error}"))?;
            let state = self.tls.process_new_packets();
            let state = state.map_err(|error| format!("records: {error}"))?;
            let kept = plain.len();
            plain.resize(kept + state.plaintext_bytes_to_read(), 0);
            let read = self.tls.reader().read_exact(&mut plain[kept..]);
            read.expect("as much as there is");
            if state.peer_has_closed() && !sealed.is_empty() {
                return Err("records behind close_notify".to_owned());
            }
        }
        Ok(plain)
    }

    /// Whether the server has said that nothing more follows.
    pub(crate) fn is_ended(&mut self) -> bool {
        self.tls.process_new_packets().is_ok_and(|state| state.peer_has_closed())
    }

    /// The last bytes that are sent.
    pub(crate) fn farewell(&mut self, can_break: bool) -> Vec<u8> {
        let ways = [Farewell::Said, Farewell::Said, Farewell::Unsaid, Farewell::MidRecord];
        match pick(&mut self.rng, &ways) {
            Farewell::Said => {
                self.tls.send_close_notify();
                self.outgoing()
            }
            Farewell::MidRecord if can_break && self.is_open() => {
                let mut record = self.seal(b"GET / HTTP/1.1\r\n");
                record.truncate(self.rng.usize(..record.len()));
                record
            }
            _ => Vec::new(),
        }
    }
}

const NAME: &str = "localhost";
const SEEDS_PER_SECURED: u64 = 3;
/// Keeps what is drawn here apart from what is drawn elsewhere from the same seed.
const SECURED_SALT: u64 = 0x7365_616c_6564;
