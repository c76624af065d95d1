//! A server under check: one that was started for it, or one that was there.

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::cases::Outcome;
use crate::connection::Connector;

/// How long a server may take to end.
const END_WAIT: Duration = Duration::from_secs(5);

pub(crate) struct Server {
    pub(crate) name: String,
    connector: Connector,
    child: Cell<Option<Child>>,
}

impl Server {
    pub(crate) fn spawn(
        command: &str,
        certificate: Option<(&Path, &Path)>,
        folder: Option<&Path>,
    ) -> Result<Self> {
        let mut words = command.split_whitespace();
        let program = words.next().context("the command is empty")?;
        let stem = Path::new(program).file_stem().context("the command has no name")?;
        let mut name = stem.to_string_lossy().into_owned();
        let mut process = Command::new(program);
        process.args(["--listen", "127.0.0.1:0", "--workers", "1"]).stdout(Stdio::piped());
        for word in words {
            process.arg(word);
            name = format!("{name} {word}");
        }
        if let Some((chain, key)) = certificate {
            process.arg("--tls-cert").arg(chain).arg("--tls-key").arg(key);
        }
        if let Some(folder) = folder {
            process.arg("--files").arg(folder);
        }
        let mut child = process.spawn().with_context(|| format!("cannot start {program}"))?;
        let address = announced(&mut child).with_context(|| format!("{program} does not start"))?;
        let connector = Connector::new(address, certificate.map(|(chain, _)| chain))?;
        Ok(Self { name, connector, child: Cell::new(Some(child)) })
    }

    pub(crate) fn connect(target: &str, certificate: Option<&Path>) -> Result<Self> {
        let (name, address) = target.split_once('=').context("NAME=ADDRESS is needed")?;
        let connector = Connector::new(address.parse()?, certificate)?;
        Ok(Self { name: name.to_owned(), connector, child: Cell::new(None) })
    }

    pub(crate) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Asks the server to end, and waits for it to have done so with success.
    pub(crate) fn end(self) -> Outcome {
        let Some(mut child) = self.child.take() else { return Outcome::Absent };
        match end(&mut child) {
            Ok(()) => Outcome::Right,
            Err(error) => {
                // It did not end by itself; nothing is lost if it has by now.
                let _ = child.kill();
                Outcome::Wrong(error.to_string())
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
        }
    }
}

fn announced(child: &mut Child) -> Result<SocketAddr> {
    let output = child.stdout.take().context("there is no output")?;
    let mut output = BufReader::new(output);
    let mut line = String::new();
    output.read_line(&mut line)?;
    let Some((_, address)) = line.trim_end().split_once("://") else {
        bail!("expected an address, got {line:?}");
    };
    let address = address.parse()?;
    // Whatever else the server says must find a reader.
    std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    Ok(address)
}

fn end(child: &mut Child) -> Result<()> {
    let id = i32::try_from(child.id())?;
    kill_process(Pid::from_raw(id).context("the process has no number")?, Signal::TERM)?;
    let start = Instant::now();
    while start.elapsed() < END_WAIT {
        if let Some(status) = child.try_wait()? {
            anyhow::ensure!(status.success(), "ended with {status}");
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    bail!("still there after {} s", END_WAIT.as_secs())
}
