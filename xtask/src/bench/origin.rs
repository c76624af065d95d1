//! Where a server is reached, and with or without TLS; and the certificate for a run.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::{fmt, fs};

use anyhow::{Context, Result};
#[cfg(test)]
use rustls::pki_types::pem::PemObject;
#[cfg(test)]
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

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

static CREATING: Mutex<()> = Mutex::new(());

/// A certificate that nobody has to trust, with its key.
#[derive(Debug)]
pub(crate) struct Certificate {
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificate {
    /// The one for all runs, created by the first that needs it.
    pub(crate) fn get() -> Result<Self> {
        let stem = target_dir().join("arena-certificate");
        let own = Self { chain: stem.with_extension("pem"), key: stem.with_extension("key") };
        // Tests ask on several threads, and half a file is none.
        let _creating = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
        if !own.chain.exists() || !own.key.exists() {
            own.create()?;
        }
        Ok(own)
    }

    /// ECDSA on P-256, which is what most public servers have.
    fn create(&self) -> Result<()> {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let own = rcgen::generate_simple_self_signed(names).context("no certificate is made")?;
        fs::write(&self.key, own.signing_key.serialize_pem())?;
        fs::write(&self.chain, own.cert.pem())?;
        Ok(())
    }

    /// Both as rustls takes them.
    #[cfg(test)]
    pub(crate) fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let chain = CertificateDer::pem_file_iter(&self.chain)?.collect::<Result<_, _>>()?;
        Ok((chain, PrivateKeyDer::from_pem_file(&self.key)?))
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
