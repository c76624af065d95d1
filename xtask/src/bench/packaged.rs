//! Servers that come as packages of the distribution and take part by their configuration: nginx
//! and h2o. A template in benches/rivals/ is filled in for each start.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::folder;
use super::origin::Certificate;
use super::rows::Needs;
use crate::process::{find_program, root, target_dir};
use crate::server::Server;

/// A server that a package brings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    /// Of the entry, the program and the folder of the template.
    pub(crate) name: &'static str,
    /// The block that turns TLS on, with the words `@CHAIN@` and `@KEY@`.
    tls: &'static str,
    /// What keeps the worker from changing its user.
    user: &'static str,
    /// Arguments in front of the configuration's path.
    arguments: &'static [&'static str],
}

/// Every one that can take part.
pub(crate) const PACKAGES: [Package; 2] = [
    Package {
        name: "nginx",
        tls: "ssl_certificate @CHAIN@; ssl_certificate_key @KEY@;",
        user: "user root;",
        arguments: &["-e", "stderr", "-c"],
    },
    Package {
        name: "h2o",
        tls: "  ssl:\n    certificate-file: @CHAIN@\n    key-file: @KEY@\n    \
              minimum-version: TLSv1.2",
        user: "user: root",
        arguments: &["-c"],
    },
];

impl Package {
    pub(crate) fn find(name: &str) -> Option<Self> {
        PACKAGES.into_iter().find(|package| package.name == name)
    }

    pub(crate) fn program(&self) -> Option<PathBuf> {
        find_program(self.name)
    }

    /// Starts the server with the one worker that its template sets, on a free port; the caller has
    /// chosen the core.
    pub(crate) fn start(&self, needs: Needs, patience: Duration) -> Result<Server> {
        let program = self.program().context("it is not installed")?;
        let run = target_dir().join(format!("arena-{}", self.name));
        fs::create_dir_all(&run)?;
        for (name, text) in TEXTS {
            fs::write(run.join(name), text)?;
        }
        let address = free_address()?;
        let template = root().join(format!("benches/rivals/{0}/{0}.conf.in", self.name));
        let template = fs::read_to_string(template).context("its template is missing")?;
        let configuration = Filling::new(address, &run, needs)?.fill(self, &template);
        // Named by the port, so that two runs at a time do not read each other's.
        let path = run.join(format!("{}.conf", address.port()));
        fs::write(&path, configuration)?;

        let mut command = Command::new(program);
        // Notes about a start that went well are of no use; they are there for one that did not.
        let log = fs::File::create(run.join("log"))?;
        command.args(self.arguments).arg(&path).stdout(Stdio::null()).stderr(log);
        let started = Server::start_at(&mut command, address, patience);
        fs::remove_file(&path)?;
        started
    }
}

/// What a template's words between at signs become.
struct Filling {
    address: SocketAddr,
    run: PathBuf,
    files: PathBuf,
    is_root: bool,
    certificate: Option<Certificate>,
}

impl Filling {
    fn new(address: SocketAddr, run: &Path, needs: Needs) -> Result<Self> {
        let certificate = needs.tls.then(Certificate::get).transpose()?;
        let is_root = rustix::process::geteuid().is_root();
        Ok(Self { address, run: run.to_owned(), files: folder::create()?, is_root, certificate })
    }

    fn fill(&self, package: &Package, template: &str) -> String {
        let tls = self.certificate.as_ref().map_or(String::new(), |certificate| {
            let Certificate { chain, key } = certificate;
            let tls = package.tls.replace("@CHAIN@", &chain.display().to_string());
            tls.replace("@KEY@", &key.display().to_string())
        });
        template
            .replace("@ADDRESS@", &self.address.to_string())
            .replace("@HOST@", &self.address.ip().to_string())
            .replace("@PORT@", &self.address.port().to_string())
            .replace("@FILES@", &self.files.display().to_string())
            .replace("@RUN@", &self.run.display().to_string())
            .replace("@USER@", if self.is_root { package.user } else { "" })
            .replace("@SSL@", if self.certificate.is_some() { " ssl" } else { "" })
            .replace("@CERTIFICATE@", &tls)
    }
}

/// Files that stand for handlers, for the server that has none.
const TEXTS: [(&str, &str); 3] =
    [("plaintext", "Hello, World!"), ("json", r#"{"message":"Hello, World!"}"#), ("light", "ok")];

/// A port that was free a moment ago. Whoever takes it in between makes the start fail.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(package: &Package, is_tls: bool) -> String {
        let template = root().join(format!("benches/rivals/{0}/{0}.conf.in", package.name));
        let certificate = || Certificate { chain: "/c.pem".into(), key: "/c.key".into() };
        let filling = Filling {
            address: "127.0.0.1:8081".parse().unwrap(),
            run: "/run/arena".into(),
            files: "/files".into(),
            is_root: true,
            certificate: is_tls.then(certificate),
        };
        let text = filling.fill(package, &fs::read_to_string(template).unwrap());
        // What the comments say of the words is not meant.
        text.lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn templates_are_filled_to_the_last_word() {
        for package in &PACKAGES {
            for is_tls in [false, true] {
                let text = filled(package, is_tls);
                assert!(!text.contains('@'), "{text}");
                assert!(text.contains("8081") && text.contains("/files"), "{text}");
                assert_eq!(text.contains("/c.key"), is_tls, "{text}");
            }
        }
    }
}
