//! A TLS 1.3 client that seals what it is told to: any type, padding and content, whole or split.

use std::sync::Arc;

use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey,
};
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::kernel::KernelConnection;
use rustls::unbuffered::ConnectionState;
use rustls::{ClientConfig, ConnectionTrafficSecrets};
use waterwheel_tls::Layering;

use super::server::Server;
use super::{acceptor, client_config, config, name};

pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const DATA: u8 = 23;

pub(crate) const KEY_UPDATE: [u8; 5] = [24, 0, 0, 1, 0];
pub(crate) const KEY_UPDATE_REQUESTED: [u8; 5] = [24, 0, 0, 1, 1];

pub(crate) struct Half {
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
}

impl Half {
    fn new((sequence, secrets): (u64, ConnectionTrafficSecrets)) -> Self {
        let (algorithm, key, iv) = match &secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (&CHACHA20_POLY1305, key, iv),
            _ => panic!("a suite of TLS 1.3"),
        };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).unwrap());
        Self { key, iv: iv.as_ref().try_into().unwrap(), sequence }
    }

    fn nonce(&mut self) -> Nonce {
        let mut nonce = self.iv;
        for (byte, count) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= count;
        }
        self.sequence += 1;
        Nonce::assume_unique_for_key(nonce)
    }
}

pub(crate) struct Forger {
    outbound: Half,
    inbound: Half,
    connection: KernelConnection<ClientConnectionData>,
    received: Vec<u8>,
}

/// A server and a client that are past their handshake.
pub(crate) fn open(layering: Layering) -> (Forger, Server) {
    let (config, certificate) = config(layering);
    let client = Arc::new(client_config(&[certificate], &[&rustls::version::TLS13]));
    let mut server = Server::new(acceptor(&config).accept());
    let forger = Forger::shake_hands(client, &mut server);
    (forger, server)
}

impl Forger {
    pub(crate) fn shake_hands(client: Arc<ClientConfig>, server: &mut Server) -> Self {
        let mut client = UnbufferedClientConnection::new(client, name("localhost")).unwrap();
        let (mut received, mut sent) = (Vec::new(), Vec::new());
        let mut is_done = false;
        for _ in 0..32 {
            let status = client.process_tls_records(&mut received);
            let discard = status.discard;
            match status.state.unwrap() {
                ConnectionState::EncodeTlsData(mut data) => {
                    let mut record = vec![0; 4096];
                    let len = data.encode(&mut record).unwrap();
                    sent.extend_from_slice(&record[..len]);
                }
                ConnectionState::TransmitTlsData(data) => {
                    data.done();
                    server.read(&sent);
                    sent.clear();
                }
                ConnectionState::WriteTraffic(_) => is_done = true,
                _ => {}
            }
            received.drain(..discard);
            if is_done {
                break;
            }
            received.extend(server.take_sent());
        }
        assert!(is_done && !server.session.is_handshaking(), "{:?}", server.last);
        let (secrets, connection) = client.dangerous_into_kernel_connection().unwrap();
        let (outbound, inbound) = (Half::new(secrets.tx), Half::new(secrets.rx));
        // Tickets that the client has not read yet.
        received.extend(server.take_sent());
        let mut forger = Self { outbound, inbound, connection, received };
        forger.read_all();
        forger
    }

    /// One record of this type.
    pub(crate) fn seal(&mut self, content_type: u8, content: &[u8]) -> Vec<u8> {
        self.seal_padded(content_type, content, 0)
    }

    pub(crate) fn seal_padded(
        &mut self,
        content_type: u8,
        content: &[u8],
        padding: usize,
    ) -> Vec<u8> {
        let mut inner = content.to_vec();
        inner.push(content_type);
        inner.resize(inner.len() + padding, 0);
        self.seal_inner(&inner)
    }

    /// One record with this inner plaintext, type and padding included.
    pub(crate) fn seal_inner(&mut self, inner: &[u8]) -> Vec<u8> {
        let [high, low] = u16::try_from(inner.len() + 16).unwrap().to_be_bytes();
        let header = [23, 3, 3, high, low];
        let mut body = inner.to_vec();
        let nonce = self.outbound.nonce();
        self.outbound.key.seal_in_place_append_tag(nonce, Aad::from(header), &mut body).unwrap();
        [&header[..], &body].concat()
    }

    /// Sends a KeyUpdate and goes on with the next keys.
    pub(crate) fn key_update(&mut self, message: &[u8]) -> Vec<u8> {
        let record = self.seal(HANDSHAKE, message);
        self.rekey();
        record
    }

    pub(crate) fn rekey(&mut self) {
        self.outbound = Half::new(self.connection.update_tx_secret().unwrap());
    }

    /// Takes what the server has sent; each record as its type and content. Follows KeyUpdates.
    pub(crate) fn take(&mut self, server: &mut Server) -> Vec<(u8, Vec<u8>)> {
        self.received.extend(server.take_sent());
        self.read_all()
    }

    fn read_all(&mut self) -> Vec<(u8, Vec<u8>)> {
        let mut records = Vec::new();
        while let Some(&[_, _, _, high, low]) = self.received.first_chunk::<5>() {
            let len = 5 + usize::from(u16::from_be_bytes([high, low]));
            let mut record: Vec<u8> = self.received.drain(..len).collect();
            let (header, body) = record.split_first_chunk_mut::<5>().unwrap();
            let nonce = self.inbound.nonce();
            let inner = self.inbound.key.open_in_place(nonce, Aad::from(*header), body).unwrap();
            let end = inner.iter().rposition(|byte| *byte != 0).unwrap();
            let (content_type, content) = (inner[end], inner[..end].to_vec());
            if content_type == HANDSHAKE && content == KEY_UPDATE {
                self.inbound = Half::new(self.connection.update_rx_secret().unwrap());
            }
            records.push((content_type, content));
        }
        assert!(self.received.is_empty(), "the server sends whole records");
        records
    }
}
