//! How the load tool reaches a server: TCP, with TLS on it where asked for. A load tool has no
//! secret to keep, so it trusts every certificate.

use std::io::{ErrorKind, Read, Result as IoResult, Write};
use std::net::{IpAddr, SocketAddr, TcpStream as StdTcpStream};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use socket2::{Domain, Protocol, Socket, Type};

/// A connection whose calls wait.
pub(crate) trait Blocking: Read + Write {}

impl<S: Read + Write> Blocking for S {}

/// Connects; no later call waits longer than `patience` either.
pub(crate) fn connect(
    address: SocketAddr,
    is_tls: bool,
    patience: Duration,
) -> Result<Box<dyn Blocking>> {
    connect_from(None, address, is_tls, patience)
}

/// The same from an address of one's own.
pub(super) fn connect_from(
    source: Option<IpAddr>,
    address: SocketAddr,
    is_tls: bool,
    patience: Duration,
) -> Result<Box<dyn Blocking>> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(source) = source {
        socket.bind(&SocketAddr::new(source, 0).into()).context("no port is left")?;
    }
    socket.connect_timeout(&address.into(), patience).context("the server refuses")?;
    let stream = StdTcpStream::from(socket);
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    if is_tls {
        Ok(Box::new(StreamOwned::new(shake_hands(&stream)?, stream)))
    } else {
        Ok(Box::new(stream))
    }
}

/// A session that has yet to shake hands, which it does with whatever is sent and received first.
pub(crate) fn start_session(peer: SocketAddr) -> Result<ClientConnection> {
    let name = ServerName::IpAddress(peer.ip().into());
    Ok(ClientConnection::new(CONFIG.clone(), name)?)
}

/// A session over a stream that waits.
pub(super) fn shake_hands(mut stream: &StdTcpStream) -> Result<ClientConnection> {
    let mut session = start_session(stream.peer_addr()?)?;
    while session.is_handshaking() {
        session.complete_io(&mut stream).context("the server does not speak TLS 1.3")?;
    }
    Ok(session)
}

/// A connection whose calls do not wait.
#[derive(Debug)]
pub(crate) enum Stream<S> {
    Plain(S),
    Tls(Box<TlsStream<S>>),
}

impl<S: Read + Write> Stream<S> {
    pub(crate) fn new(socket: S, session: Option<ClientConnection>) -> Self {
        let Some(mut session) = session else { return Self::Plain(socket) };
        // A request is taken whole; there is never more than the few that are open.
        session.set_buffer_limit(None);
        Self::Tls(Box::new(TlsStream { session, socket }))
    }

    /// What is underneath.
    pub(crate) fn socket(&self) -> &S {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.socket,
        }
    }
}

impl<S: Read + Write> Read for Stream<S> {
    fn read(&mut self, room: &mut [u8]) -> IoResult<usize> {
        match self {
            Self::Plain(socket) => socket.read(room),
            Self::Tls(stream) => stream.read(room),
        }
    }
}

impl<S: Read + Write> Write for Stream<S> {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> IoResult<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.push(),
        }
    }
}

/// TLS over a socket that does not wait.
#[derive(Debug)]
pub(crate) struct TlsStream<S> {
    session: ClientConnection,
    socket: S,
}

impl<S: Read + Write> TlsStream<S> {
    /// Fills the room as far as the socket's bytes reach, so that a short read has emptied the
    /// socket, as one without TLS has.
    fn read(&mut self, room: &mut [u8]) -> IoResult<usize> {
        let mut filled_len = 0;
        while filled_len < room.len() {
            match self.session.reader().read(&mut room[filled_len..]) {
                Ok(0) => break,
                Ok(len) => filled_len += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => match self.pull() {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) if error.kind() == ErrorKind::WouldBlock && filled_len > 0 => break,
                    Err(error) => return Err(error),
                },
                Err(error) => return Err(error),
            }
        }
        Ok(filled_len)
    }

    /// Reads from the socket and opens what came; whether it can go on.
    fn pull(&mut self) -> IoResult<bool> {
        if self.session.read_tls(&mut self.socket)? == 0 {
            return Ok(false);
        }
        self.session.process_new_packets().map_err(std::io::Error::other)?;
        self.push()?;
        Ok(true)
    }

    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        let len = self.session.writer().write(bytes)?;
        self.push()?;
        Ok(len)
    }

    /// Writes sealed records as far as the socket takes them. The rest goes with the next call.
    fn push(&mut self) -> IoResult<()> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// TLS 1.3 alone, so that no row compares two versions.
static CONFIG: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let provider: Arc<CryptoProvider> = aws_lc_rs::default_provider().into();
    let trust = TrustAll(provider.signature_verification_algorithms);
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider has cipher suites of TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
});

/// Asks for no more than a handshake that fits the certificate shown, whoever it is from.
#[derive(Debug)]
struct TrustAll(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for TrustAll {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.2 is not offered".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
