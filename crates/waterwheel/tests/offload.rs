//! Code that blocks, on helper threads: the worker goes on, and nothing is lost when it fails.

mod running;
mod wire;

use std::io::Write;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use running::{Running, read_reply};
use waterwheel::App;
use waterwheel::http::StatusCode;
use waterwheel::lab::Lab;
use waterwheel::task::{OffloadError, offload};
use wire::get;

fn thread_name() -> String {
    thread::current().name().unwrap_or("none").to_owned()
}

/// A route that blocks a helper until the test sends something.
fn blocking(app: App, released: Receiver<()>) -> App {
    let released = Arc::new(Mutex::new(released));
    app.get("/block", move || {
        let released = Arc::clone(&released);
        async move {
            let waited =
                offload(move || released.lock().is_ok_and(|released| released.recv().is_ok()))
                    .await;
            waited.map_or("failed", |ok| if ok { "released" } else { "given up" })
        }
    })
}

#[test]
fn worker_goes_on_while_a_helper_blocks() {
    let (release, released) = channel();
    let server = Running::start(blocking(App::new().get("/", || "at once"), released));
    let mut blocked = server.connect();
    blocked.write_all(&get("/block")).unwrap();
    for _ in 0..10 {
        assert_eq!(server.ask(&get("/")).text(), "at once");
    }
    release.send(()).unwrap();
    assert_eq!(read_reply(&mut blocked).text(), "released");
    server.stop();
}

#[test]
fn work_runs_on_a_helper_and_its_panic_is_an_error() {
    let app = App::new().get("/", async || offload(thread_name).await.unwrap_or_default()).get(
        "/panic",
        async || {
            let panicked = offload(|| std::panic::resume_unwind(Box::new("planned"))).await;
            match panicked {
                Err(OffloadError::Panicked) => StatusCode::NOT_IMPLEMENTED,
                _ => StatusCode::OK,
            }
        },
    );
    let server = Running::start(app);
    assert_eq!(server.ask(&get("/panic")).status(), 501);
    assert_eq!(server.ask(&get("/")).text(), "offload");
    server.stop();
}

#[test]
fn client_that_leaves_does_not_stop_the_work() {
    let (release, released) = channel();
    let (report, reported) = channel();
    let once = Mutex::new(Some((report, released)));
    let server = Running::start(App::new().get("/", move || {
        let (report, released) = once.lock().unwrap().take().expect("asked once");
        async move {
            let work = offload(move || {
                report.send("begun").unwrap();
                released.recv().unwrap();
                report.send("done").unwrap();
            });
            work.await.unwrap_or(());
        }
    }));
    let mut stream = server.connect();
    stream.write_all(&get("/")).unwrap();
    assert_eq!(reported.recv(), Ok("begun"));
    drop(stream);
    release.send(()).unwrap();
    assert_eq!(reported.recv(), Ok("done"));
    server.stop();
}

#[test]
fn in_the_lab_work_runs_at_once() {
    let app = App::new().get("/", async || offload(|| 6 * 7).await.map_or(0, |n| n).to_string());
    let reply = Lab::new(app).get("/").send();
    assert_eq!(reply.text(), "42");
}
