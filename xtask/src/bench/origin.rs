//! Where a server is reached, and with or without TLS; and the certificate for a run.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::target_dir;

/// An address with its scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    pub(crate) is_tls: bool,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.address)
    }
}

/// The arguments that make an entry serve over TLS, with a certificate that nobody has to trust.
pub(crate) fn tls_arguments() -> Result<Vec<String>> {
    let certificate = Certificate::in_target_dir();
    if !certificate.chain.exists() {
        certificate.create()?;
    }
    let Certificate { chain, key } = certificate;
    Ok(vec![format!("--tls-cert={}", chain.display()), format!("--tls-key={}", key.display())])
}

struct Certificate {
    chain: PathBuf,
    key: PathBuf,
}

impl Certificate {
    fn in_target_dir() -> Self {
        let stem = target_dir().join("arena-certificate");
        Self { chain: stem.with_extension("pem"), key: stem.with_extension("key") }
    }

    /// ECDSA on P-256, which is what most public servers have.
    fn create(&self) -> Result<()> {
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-nodes", "-days", "3650", "-subj", "/CN=localhost"]);
        command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        command.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
        command.arg("-keyout").arg(&self.key).arg("-out").arg(&self.chain);
        match command.output() {
            Ok(output) if output.status.success() => Ok(()),
            Ok(_) => bail!("openssl makes no certificate"),
            Err(_) => bail!("openssl is missing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_follows_tls() {
        let address = "127.0.0.1:80".parse().unwrap();
        assert_eq!(Origin { address, is_tls: false }.to_string(), "http://127.0.0.1:80");
        assert_eq!(Origin { address, is_tls: true }.to_string(), "https://127.0.0.1:80");
    }
}
