//! A TLS client of rustls in front of a lab's server.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "only tests call this, and a panic is how they fail")]

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use waterwheel::lab::{Lab, LabReply};
use waterwheel::reactor::sim;
use waterwheel::tls::{Config, Credentials};

pub const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// Settings for `localhost`, and the certificate that clients trust.
pub fn config() -> (Config, CertificateDer<'static>) {
    let (credentials, pem) = Credentials::self_signed(&["localhost".into()]).unwrap();
    let mut config = Config::default();
    config.credentials.push(credentials);
    (config, CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
}

/// A client's settings: it trusts `certificate` and speaks `version`.
pub fn client_config(
    certificate: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    Arc::new(client_builder(certificate, version).with_no_client_auth())
}

pub fn client_builder(
    certificate: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
}

/// A connection over TLS to a lab.
pub struct Sealed {
    pub wire: sim::Client,
    pub tls: ClientConnection,
    /// Opened and not looked at.
    pub plain: Vec<u8>,
    /// What was wrong with what the server sent.
    pub fault: Option<rustls::Error>,
}

impl Sealed {
    pub fn connect(lab: &Lab, config: &Arc<ClientConfig>) -> Self {
        Self::over(lab.connect(), config)
    }

    /// Over a connection that is there.
    pub fn over(wire: sim::Client, config: &Arc<ClientConfig>) -> Self {
        let name = ServerName::try_from("localhost").unwrap();
        let mut tls = ClientConnection::new(Arc::clone(config), name).unwrap();
        tls.set_buffer_limit(None);
        Self { wire, tls, plain: Vec::new(), fault: None }
    }

    /// What the client wants sent.
    pub fn outgoing(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    /// Seals `plain`, without sending it.
    pub fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        self.tls.writer().write_all(plain).unwrap();
        self.outgoing()
    }

    /// Sends what the client wants sent, and takes what came.
    pub fn exchange(&mut self) {
        let bytes = self.outgoing();
        if !bytes.is_empty() {
            self.wire.send(&bytes);
        }
        self.take();
    }

    /// Opens what the server has sent.
    pub fn take(&mut self) {
        let received = self.wire.received();
        let mut rest = &received[..];
        while !rest.is_empty() && self.fault.is_none() {
            self.tls.read_tls(&mut rest).unwrap();
            match self.tls.process_new_packets() {
                Ok(state) => {
                    let kept = self.plain.len();
                    self.plain.resize(kept + state.plaintext_bytes_to_read(), 0);
                    self.tls.reader().read_exact(&mut self.plain[kept..]).unwrap();
                }
                Err(fault) => self.fault = Some(fault),
            }
        }
    }

    /// Turns the server until neither side has more to say.
    pub fn settle(&mut self, lab: &mut Lab) {
        loop {
            self.exchange();
            lab.settle();
            if self.wire.received_len() == 0 && !self.tls.wants_write() {
                return;
            }
        }
    }

    /// Sends one request and returns the reply to it.
    pub fn ask(&mut self, lab: &mut Lab, request: &[u8]) -> LabReply {
        self.tls.writer().write_all(request).unwrap();
        self.settle(lab);
        self.reply()
    }

    /// The next reply that has come.
    pub fn reply(&mut self) -> LabReply {
        let reply = LabReply::parse(&self.plain, false, false).unwrap_or_else(|| {
            panic!("no reply: {:?}, {:?}", String::from_utf8_lossy(&self.plain), self.fault)
        });
        self.plain.drain(..reply.wire_len());
        reply
    }
}
