//! Peers that are programs of their own: Python, Node, Chromium.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::command::Site;
use super::verdicts::Verdicts;
use crate::process::{output, root, run};

/// The Python in a virtual environment with what the scripts import, made if it is not there.
pub(crate) fn python(folder: &Path) -> Result<PathBuf> {
    let environment = folder.join("venv");
    let python = environment.join("bin/python");
    if !environment.join("installed").is_file() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        let install = ["-m", "pip", "--quiet", "install", "tlslite-ng==0.8.2", "requests"];
        run(Command::new(&python).args(install))?;
        std::fs::write(environment.join("installed"), "")?;
    }
    Ok(python)
}

pub(crate) fn run_all(site: &Site<'_>, python: &Path, verdicts: &mut Verdicts) {
    let port = site.address.port().to_string();
    let mut script = |name: &str, command: &mut Command| {
        // Each prints its cases itself.
        verdicts.note(&format!("{name}, {}", site.kind), run(command));
    };
    script("hostile.py", Command::new(python).arg(file("hostile.py")).args(["127.0.0.1", &port]));
    let mut clients = Command::new(python);
    clients.arg(file("clients.py")).args(["127.0.0.1", &port]).arg(&site.certificate);
    script("clients.py", &mut clients);
    script(
        "client.mjs",
        Command::new("node").arg(file("client.mjs")).arg(&port).arg(&site.certificate),
    );
    verdicts.note(&format!("chromium, {}: a mebibyte both ways", site.kind), chromium(site));
}

fn chromium(site: &Site<'_>) -> Result<()> {
    let program = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find_map(crate::process::find_program)
        .context("there is no Chromium")?;
    let page = file("page.html");
    let page = format!("file://{}#https://localhost:{}", page.display(), site.address.port());
    let mut command = Command::new(program);
    // The page is a file, so that asking the server is asking another site.
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-web-security"]);
    command.arg(format!("--user-data-dir={}", site.folder.join("chromium").display()));
    command.arg(format!("--ignore-certificate-errors-spki-list={}", fingerprint(site)?));
    command.args(["--virtual-time-budget=30000", "--dump-dom", &page]);
    command.stderr(std::process::Stdio::null());
    let seen = command.output().context("cannot start Chromium")?;
    let seen = String::from_utf8_lossy(&seen.stdout);
    ensure!(seen.contains("Hello, World! And all bytes came back."), "the page shows {seen}");
    Ok(())
}

/// The digest of the certificate's key, which Chromium is told to trust.
fn fingerprint(site: &Site<'_>) -> Result<String> {
    let chain = "openssl x509 -in \"$0\" -pubkey -noout | openssl pkey -pubin -outform der \
        | openssl dgst -sha256 -binary | openssl base64";
    let digest = output(Command::new("sh").arg("-c").arg(chain).arg(&site.certificate))?;
    Ok(digest.trim().to_owned())
}

fn file(name: &str) -> PathBuf {
    root().join("xtask/tls_peers").join(name)
}
