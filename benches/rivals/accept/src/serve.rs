//! Accepts connections and hands each one to hyper.

use hyper::body::{Body, Incoming};
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, sleep};
use tokio_rustls::TlsAcceptor;

/// How long to wait when no connection can be accepted, usually for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

pub(crate) async fn accept<S, B>(listener: TcpListener, acceptor: Option<TlsAcceptor>, service: S)
where
    S: HttpService<Incoming, ResBody = B> + Clone + Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let service = service.clone();
        match acceptor.clone() {
            None => tokio::spawn(connection(stream, service)),
            Some(acceptor) => tokio::spawn(secured(stream, acceptor, service)),
        };
    }
}

async fn secured<S, B>(stream: TcpStream, acceptor: TlsAcceptor, service: S)
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // A peer that fails the handshake has been told why by rustls.
    if let Ok(stream) = acceptor.accept(stream).await {
        connection(stream, service).await;
    }
}

async fn connection<T, S, B>(stream: T, service: S)
where
    TokioIo<T>: Read + Write + Unpin,
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // Pipelined requests get their answers in one write. A connection that breaks needs no word.
    let _ = http1::Builder::new()
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
