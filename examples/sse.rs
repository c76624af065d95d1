//! Server-sent events, each one sent at once: `cargo run --example sse`, then open
//! <http://127.0.0.1:8080>, or `curl -N --compressed 127.0.0.1:8080/events`.
//!
//! A browser that loses the connection comes back and says which event it saw last.

use std::time::Duration;

use waterwheel::task::sleep;
use waterwheel::{App, Event, Handler, LastEventId, Reply, StartError};

/// Counts, a number a second, from where the client has left off.
fn count(LastEventId(id): LastEventId) -> Reply {
    let first = id.and_then(|id| id.parse().ok()).map_or(1, |last: u64| last.saturating_add(1));
    Reply::events(move |mut events| async move {
        for number in first.. {
            let text = format!("number {number}");
            events.send(Event::data(&text).id(&number.to_string())).await?;
            sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    })
}

fn main() -> Result<(), StartError> {
    let app = App::new()
        .get("/", || Reply::html(PAGE))
        // Through a compressor every event is flushed too.
        .get("/events", count.compressed());
    app.listen("127.0.0.1:8080").run()?;
    Ok(())
}

const PAGE: &str = "<!doctype html><title>Events</title><ol id=list></ol><script>
new EventSource('/events').onmessage = event =>
    document.getElementById('list').append(Object.assign(document.createElement('li'),
        { textContent: event.data }));
</script>
";
