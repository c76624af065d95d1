//! Sync and async handlers side by side, on one core: `cargo run --example sync_and_async`.
//!
//! Nothing here is `Send`. A handler that waits keeps nobody else waiting, and holds its body's
//! lease while it does.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use waterwheel::task::{sleep, spawn_local, timeout};
use waterwheel::{App, InPlace, Local, Path, Rejection, StartError};

/// How many requests this core has answered: one thread, so a `Cell` is enough.
#[derive(Default)]
struct Count(Rc<Cell<u64>>);

/// Computes on the loop.
fn square(Path(number): Path<u32>) -> String {
    format!("{}\n", u64::from(number) * u64::from(number))
}

/// Waits without a thread: `curl 127.0.0.1:8080/wait/250`.
async fn wait(Path(milliseconds): Path<u16>, count: Local<Count>) -> String {
    sleep(Duration::from_millis(milliseconds.into())).await;
    count.0.set(count.0.get() + 1);
    format!("waited {milliseconds} ms; number {} on this core\n", count.0.get())
}

/// The body stays in the ring over the await: `curl -d abc 127.0.0.1:8080/reversed`.
async fn reversed(mut body: InPlace<[u8]>) -> InPlace<[u8]> {
    sleep(Duration::from_millis(10)).await;
    body.reverse();
    body
}

/// Two waits at once, and a limit on both.
async fn impatient() -> Result<&'static str, Rejection> {
    let slow = spawn_local(sleep(Duration::from_secs(5)));
    match timeout(Duration::from_millis(100), slow).await {
        Ok(()) => Ok("in time\n"),
        Err(elapsed) => {
            Err(Rejection::new(waterwheel::http::StatusCode::GATEWAY_TIMEOUT, elapsed.to_string()))
        }
    }
}

fn main() -> Result<(), StartError> {
    let app = App::new()
        .per_core(|_| Count::default())
        .get("/square/{number}", square)
        .get("/wait/{milliseconds}", wait)
        .post("/reversed", reversed)
        .get("/impatient", impatient);
    app.listen("127.0.0.1:8080").run()?;
    Ok(())
}
