//! Both ends of a connection in memory: the session under test with its ring, a rustls client, and
//! a client that seals whatever it is told to.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "only tests call this, and a panic is how they fail")]

pub(crate) mod forger;
pub(crate) mod server;

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use waterwheel_tls::{Acceptor, Config, Credentials, Layering};

use server::Server;

pub(crate) const LAYERINGS: [Layering; 2] = [Layering::InPlace, Layering::Stock];

/// A server's configuration for `localhost`, and the certificate that its clients trust.
pub(crate) fn config(layering: Layering) -> (Config, CertificateDer<'static>) {
    let (credentials, certificate) = credentials("localhost");
    let mut config = Config::default();
    config.credentials.push(credentials);
    config.layering = layering;
    (config, certificate)
}

pub(crate) fn credentials(name: &str) -> (Credentials, CertificateDer<'static>) {
    let (credentials, pem) = Credentials::self_signed(&[name.to_owned()]).unwrap();
    (credentials, CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
}

pub(crate) fn acceptor(config: &Config) -> Acceptor {
    let acceptor = Acceptor::new(config).unwrap();
    acceptor.set_wall(SystemTime::now());
    acceptor
}

/// A client that trusts these certificates, with these versions and all suites.
pub(crate) fn client_config(
    trusted: &[CertificateDer<'static>],
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    client_config_with(aws_lc_rs::default_provider(), trusted, versions)
}

pub(crate) fn client_config_with(
    provider: CryptoProvider,
    trusted: &[CertificateDer<'static>],
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add(certificate.clone()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.enable_secret_extraction = true;
    config
}

pub(crate) fn name(host: &str) -> ServerName<'static> {
    ServerName::try_from(host.to_owned()).unwrap()
}

/// A rustls client and the server it talks to.
pub(crate) struct Pair {
    pub(crate) client: ClientConnection,
    pub(crate) server: Server,
}

impl Pair {
    pub(crate) fn new(config: &Arc<ClientConfig>, server: Server) -> Self {
        let client = ClientConnection::new(Arc::clone(config), name("localhost")).unwrap();
        Self { client, server }
    }

    /// A pair whose handshake is done.
    pub(crate) fn open(layering: Layering, version: &'static SupportedProtocolVersion) -> Self {
        let (config, certificate) = config(layering);
        let client = client_config(&[certificate], &[version]);
        let mut pair = Self::new(&Arc::new(client), Server::new(acceptor(&config).accept()));
        pair.settle();
        assert!(!pair.client.is_handshaking() && !pair.server.session.is_handshaking());
        pair
    }

    /// What the client wants sent.
    pub(crate) fn sent_by_client(&mut self) -> Vec<u8> {
        let mut wire = Vec::new();
        while self.client.wants_write() {
            self.client.write_tls(&mut wire).unwrap();
        }
        wire
    }

    /// Carries bytes to and fro until neither side has any.
    pub(crate) fn settle(&mut self) {
        self.settle_in_pieces(usize::MAX);
    }

    pub(crate) fn settle_in_pieces(&mut self, len: usize) {
        loop {
            let wire = self.sent_by_client();
            for piece in wire.chunks(len) {
                self.server.read(piece);
            }
            let back = self.server.take_sent();
            if wire.is_empty() && back.is_empty() {
                return;
            }
            for piece in back.chunks(len.min(16 * 1024)) {
                self.hand_to_client(piece);
            }
        }
    }

    pub(crate) fn hand_to_client(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.client.read_tls(&mut bytes).unwrap() == 0 {
                return;
            }
            // What a client says of an alert is looked at where it matters.
            let _ = self.client.process_new_packets();
        }
    }

    /// Sends from the client to the server's reader.
    pub(crate) fn upload(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut seen = Vec::new();
        for part in bytes.chunks(32 * 1024) {
            self.client.writer().write_all(part).unwrap();
            let wire = self.sent_by_client();
            self.server.read(&wire);
            seen.extend(self.server.take_plain());
        }
        seen
    }

    /// Sends what the server has queued to the client's reader.
    pub(crate) fn download(&mut self) -> Vec<u8> {
        let mut seen = Vec::new();
        for piece in self.server.take_sent().chunks(4096) {
            self.hand_to_client(piece);
            let mut part = [0; 16 * 1024];
            while let Ok(len) = self.client.reader().read(&mut part)
                && len > 0
            {
                seen.extend_from_slice(&part[..len]);
            }
        }
        seen
    }
}
