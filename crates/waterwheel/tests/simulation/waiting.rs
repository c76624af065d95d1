//! Handlers that wait: for time, for tasks of their own and for a backend, while they hold what
//! they were given. Their replies are those of handlers that do not.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use waterwheel::lab::Lab;
use waterwheel::net::TcpStream;
use waterwheel::reactor::sim::{Backend, Client};
use waterwheel::task::{sleep, spawn_local, timeout};
use waterwheel::{InPlace, Local, Path, Request};

use super::application::{Journal, mirrored};

/// Waits twice, once beside a task, and answers as `/mirror` does.
pub(crate) fn waited(
    request: &Request<'_>,
    journal: Local<Journal>,
    Path(word): Path<String>,
) -> impl Future<Output = String> + use<> {
    journal.note(request);
    let text = mirrored(request, &word);
    PolledToItsEnd::new(async move {
        let pause = MILLISECOND * u32::try_from(word.len()).unwrap_or(u32::MAX);
        let beside = spawn_local(PolledToItsEnd::new(sleep(pause / 2)));
        let in_time = timeout(pause * 2, sleep(pause)).await.is_ok();
        let too_late = timeout(MILLISECOND, sleep(Duration::MAX)).await.is_err();
        beside.await;
        // Where the clock jumps over both, what was to come first is asked first.
        if in_time && too_late { text } else { "timers came in a wrong order".to_owned() }
    })
}

/// Keeps the body in its segments while it waits, and answers with it.
pub(crate) fn held(
    request: &Request<'_>,
    journal: Local<Journal>,
    body: InPlace<[u8]>,
) -> impl Future<Output = InPlace<[u8]>> + use<> {
    journal.note(request);
    PolledToItsEnd::new(async move {
        sleep(MILLISECOND * 3).await;
        body
    })
}

/// Asks the backend, which may refuse, break or say nothing, and answers as `/mirror` does. What
/// the backend says must be what it was told.
pub(crate) fn asked(
    request: &Request<'_>,
    journal: Local<Journal>,
    Path(word): Path<String>,
) -> impl Future<Output = String> + use<> {
    journal.note(request);
    let text = mirrored(request, &word);
    PolledToItsEnd::new(async move {
        match timeout(MILLISECOND * 60, echoed(&text)).await {
            Ok(Ok(echo)) if !text.as_bytes().starts_with(&echo) => "foreign bytes".to_owned(),
            _ => text,
        }
    })
}

/// What comes back from the backend, up to the length of `text`.
async fn echoed(text: &str) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect_timeout(backend_address(), MILLISECOND * 30).await?;
    stream.write_all(text.as_bytes()).await?;
    let mut echo = Vec::new();
    let mut room = [0; 50];
    while echo.len() < text.len() {
        match stream.read(&mut room).await? {
            0 => break,
            count => echo.extend_from_slice(&room[..count]),
        }
    }
    Ok(echo)
}

fn backend_address() -> SocketAddr {
    SocketAddr::from(([10, 255, 0, 1], 7))
}

/// The backend, played between the server's turns.
pub(crate) struct Echoes {
    backend: Backend,
    ends: Vec<(Temper, Client)>,
    accepted: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Temper {
    Echoing,
    Silent,
    Breaking,
}

impl Echoes {
    pub(crate) fn new(lab: &Lab) -> Self {
        Self { backend: lab.world().backend(backend_address()), ends: Vec::new(), accepted: 0 }
    }

    pub(crate) fn act(&mut self) {
        while let Some(end) = self.backend.accept() {
            let temper = match self.accepted % 8 {
                3 => Temper::Silent,
                6 => Temper::Breaking,
                _ => Temper::Echoing,
            };
            self.ends.push((temper, end));
            self.accepted += 1;
        }
        self.ends.retain(|(temper, end)| {
            let bytes = end.received();
            match temper {
                _ if bytes.is_empty() => {}
                Temper::Echoing => end.send(&bytes),
                Temper::Silent => {}
                Temper::Breaking => end.reset(),
            }
            end.end().is_none()
        });
    }
}

/// Fails when the future within is polled once more after it has completed.
pub(crate) struct PolledToItsEnd<F> {
    future: Pin<Box<F>>,
    is_complete: Cell<bool>,
}

impl<F> PolledToItsEnd<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future: Box::pin(future), is_complete: Cell::new(false) }
    }
}

impl<F: Future> Future for PolledToItsEnd<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        assert!(!self.is_complete.get(), "polled after it has completed");
        let polled = self.future.as_mut().poll(context);
        self.is_complete.set(polled.is_ready());
        polled
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);
