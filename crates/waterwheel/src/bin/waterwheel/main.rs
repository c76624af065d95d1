//! The ready-made server: a welcome site that explains itself, with live demos, or a folder.

mod demo;
mod flags;
mod report;
mod serve;

use std::error::Error;
use std::io::{self, Write as _};
use std::iter;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use waterwheel::runtime::RunError;
use waterwheel::{Server, StartError};

use flags::Flags;
use serve::Command;

fn main() -> ExitCode {
    match serve(Flags::parse()) {
        Ok(code) => code,
        Err(error) => {
            complain(&told(&*error));
            ExitCode::FAILURE
        }
    }
}

fn serve(flags: Flags) -> Result<ExitCode, Box<dyn Error>> {
    let app = match &flags.command {
        Some(Command::Serve(files)) => files.app()?,
        None => demo::app(),
    };
    let mut server = Server::new(app).pin(flags.pinning()).ring(flags.ring()?);
    let tls = flags.tls()?;
    for address in &flags.listen {
        server = match &tls {
            Some(tls) => server.listen_tls(address.as_str(), tls),
            None => server.listen(address.as_str()),
        };
    }
    if flags.unlink_stale {
        server = server.unlink_stale();
    }
    for network in &flags.trust_proxy {
        server = server.trust_proxy(*network);
    }
    if let Some(path) = &flags.restart_socket {
        server = server.restart_socket(path);
    }
    server = server.drain_grace(Duration::from_secs(flags.drain_grace.into()));
    if let Some(bytes) = flags.memory {
        server = server.memory(bytes);
    }
    if let Some(workers) = flags.workers {
        server = server.workers(workers);
    }
    if flags.unshare_fds {
        server = unshare_fds(server);
    }
    let mut bound = server.bind().map_err(hint)?;
    if let Some(route) = &flags.explain {
        tell(&report::explain(&bound, route)?);
        return Ok(ExitCode::SUCCESS);
    }
    tell(&report::start(&bound));
    if let Some(Command::Serve(files)) = &flags.command {
        tell(&files.report());
    }
    if flags.check {
        tell("settings are good; not serving because of --check\n");
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(tls) = tls {
        bound = bound.on_hangup(move || match tls.reload() {
            Ok(()) => tell("certificate reloaded\n"),
            Err(error) => complain(&format!("certificate kept: {}", told(&error))),
        });
    }
    let report = bound.run()?;
    tell(&format!("drained: {} connections finished, {} cut\n", report.finished, report.cut));
    Ok(if report.cut == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints, unless nobody reads any more: a server does not end because its log did.
fn tell(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

/// The same for what is wrong.
fn complain(fault: &str) {
    let _ = writeln!(io::stderr(), "waterwheel: {fault}");
}

#[expect(unsafe_code, reason = "gives a promise about this program")]
fn unshare_fds(server: Server) -> Server {
    // SAFETY: the folder that is served, standard output and error are open before. What is opened
    // later stays where it was opened: files are remembered per worker, and certificates are read
    // by the thread that reloads them.
    unsafe { server.unshare_fds() }
}

/// The error, with what lies under it.
fn told(error: &dyn Error) -> String {
    let texts: Vec<_> =
        iter::successors(Some(error), |&error| error.source()).map(ToString::to_string).collect();
    texts.join(": ")
}

/// The error, with what to do about it where that is known.
fn hint(error: StartError) -> Box<dyn Error> {
    let hint = match &error {
        StartError::Run(RunError::Listen { .. }) => "try another address with --listen",
        StartError::Address(_) => "--listen takes ADDRESS:PORT, unix:PATH or systemd:NAME",
        StartError::Run(RunError::Ring(_)) => "see --ring-size",
        StartError::App(_) => {
            "a segment is 4 KiB, and each worker has a ring of them: see --ring-size and --memory"
        }
        _ => return error.into(),
    };
    format!("{}\n{hint}", told(&error)).into()
}
