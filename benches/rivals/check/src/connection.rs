//! A connection of the check, with or without TLS, and the answers that come over it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// How long an answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// Opens connections to one server.
pub(crate) struct Connector {
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
}

pub(crate) struct Connection {
    stream: BufReader<Box<dyn Transport>>,
}

pub(crate) trait Transport: Read + Write {}

impl<T: Read + Write> Transport for T {}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Connector {
    pub(crate) fn new(address: SocketAddr, certificate: Option<&Path>) -> Result<Self> {
        let tls = certificate.map(trust).transpose()?.map(Arc::new);
        Ok(Self { address, tls })
    }

    pub(crate) fn open(&self) -> Result<Connection> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        stream.set_write_timeout(Some(ANSWER_WAIT))?;
        let stream: Box<dyn Transport> = match &self.tls {
            None => Box::new(stream),
            Some(config) => {
                let name = ServerName::try_from("localhost")?;
                let client = ClientConnection::new(Arc::clone(config), name)?;
                Box::new(StreamOwned::new(client, stream))
            }
        };
        Ok(Connection { stream: BufReader::new(stream) })
    }
}

fn trust(certificate: &Path) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(certificate)? {
        roots.add(certificate?)?;
    }
    let mut config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

impl Connection {
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(bytes)?;
        stream.flush()?;
        Ok(())
    }

    pub(crate) fn receive(&mut self) -> Result<Answer> {
        let line = self.line()?;
        let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
        let status = status.context("no status line")?.parse()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, body: Vec::new() };
        let len = answer.header("content-length").context("no content-length")?.parse()?;
        answer.body.resize(len, 0);
        self.stream.read_exact(&mut answer.body).context("the body ends early")?;
        Ok(answer)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("connection closed");
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}
