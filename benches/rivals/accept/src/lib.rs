//! Owns the accept loop of the entries on hyper and tokio: which runtime, which worker, TLS or not.
//! Knows nothing of what is served.

mod serve;

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::{Context, Result};
use hyper::body::{Body, Incoming};
use hyper::service::HttpService;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;

/// The command line of an entry on tokio.
#[derive(Debug, Clone, clap::Parser)]
pub struct Arguments {
    /// What all entries have.
    #[command(flatten)]
    pub entry: entry::Arguments,
    /// Run one single-threaded runtime per worker, each with a listener of its own, instead of one
    /// runtime whose workers steal from each other.
    #[arg(long)]
    pub current_thread: bool,
}

/// Serves every connection with a clone of `service` until SIGTERM or SIGINT.
///
/// # Errors
/// When the server cannot start.
pub fn run<S, B>(arguments: &Arguments, service: S) -> Result<()>
where
    S: HttpService<Incoming, ResBody = B> + Clone + Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let entry = &arguments.entry;
    entry.pin_process()?;
    let acceptor = entry.tls()?.map(|config| TlsAcceptor::from(Arc::new(config)));
    if !arguments.current_thread {
        let runtime = Builder::new_multi_thread()
            .worker_threads(entry.worker_count())
            .enable_all()
            .build()?;
        let listener = entry.listener()?;
        entry.announce(listener.local_addr()?);
        return serve(&runtime, listener, acceptor, service);
    }

    let mut listeners = entry.listeners()?.into_iter().enumerate();
    let (_, own) = listeners.next().context("there is no worker")?;
    let address = own.local_addr()?;
    for (index, listener) in listeners {
        let (entry, acceptor, service) = (entry.clone(), acceptor.clone(), service.clone());
        std::thread::Builder::new().name(format!("worker-{index}")).spawn(move || {
            entry.pin_worker(index)?;
            serve(&current_thread()?, listener, acceptor, service)
        })?;
    }
    entry.pin_worker(0)?;
    let runtime = current_thread()?;
    entry.announce(address);
    serve(&runtime, own, acceptor, service)
}

fn current_thread() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn serve<S, B>(
    runtime: &Runtime,
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    service: S,
) -> Result<()>
where
    S: HttpService<Incoming, ResBody = B> + Clone + Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    runtime.block_on(async move {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        // A task, not this future: in a runtime with threads, this one is not a worker's.
        let accepting = tokio::spawn(serve::accept(listener, acceptor, service));
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
            end = accepting => Ok(end?),
        }
    })
}
