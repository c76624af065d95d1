//! What all workers count can be read from any of them.

mod running;
mod wire;

use std::io::Write;
use std::num::NonZeroUsize;

use running::{Running, read_reply};
use waterwheel::lab::Lab;
use waterwheel::runtime::Pinning;
use waterwheel::{App, Path, Reply, Server};

fn app() -> App {
    App::new().get("/items/{id}", |Path(id): Path<u64>| id.to_string()).metrics("/metrics")
}

/// The value of a series.
fn value(text: &str, series: &str) -> f64 {
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {series} in {text}")).parse().expect("a number")
}

/// The sum of the workers' values, and their number.
fn sum(text: &str, name: &str) -> (f64, usize) {
    let start = format!("{name}{{worker=");
    let values = text.lines().filter(|line| line.starts_with(&start)).map(|line| {
        let (_, value) = line.rsplit_once(' ').expect("a value");
        value.parse::<f64>().expect("a number")
    });
    values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1))
}

#[test]
fn calls_and_replies_are_counted_by_route_and_class() {
    let mut lab = Lab::new(app());
    for target in ["/items/1", "/items/2", "/items/none", "/nowhere"] {
        lab.get(target).send();
    }
    let client = lab.connect();
    client.send(b"GET / HTTP/1.1\r\n\r\n");
    lab.settle();
    let reply = lab.get("/metrics").send();
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = reply.text();
    assert_eq!(value(text, r#"waterwheel_calls_total{route="GET /items/{id}"}"#), 3.0);
    assert_eq!(value(text, r#"waterwheel_calls_total{route="GET /metrics"}"#), 1.0);
    assert_eq!(value(text, r#"waterwheel_replies_total{status="2xx"}"#), 2.0);
    // No number, no such path, no host.
    assert_eq!(value(text, r#"waterwheel_replies_total{status="4xx"}"#), 3.0);
    assert_eq!(value(text, "waterwheel_shed_total"), 0.0);
    assert!(sum(text, "waterwheel_received_bytes_total").0 > 100.0, "{text}");
}

#[test]
fn streamed_and_refused_replies_are_counted_too() {
    let stream = || Reply::stream(|mut out| async move { Ok(out.write("a").await?) });
    let app = App::new().get("/stream", stream).metrics("/metrics");
    let mut lab = Lab::new(app);
    assert_eq!(lab.get("/stream").send().text(), "a");
    assert_eq!(lab.post("/stream").send().status(), 405);
    let reply = lab.get("/metrics").send();
    let text = reply.text();
    assert_eq!(value(text, r#"waterwheel_replies_total{status="2xx"}"#), 1.0);
    assert_eq!(value(text, r#"waterwheel_replies_total{status="4xx"}"#), 1.0);
}

#[test]
fn every_worker_is_told_of() {
    let workers = NonZeroUsize::new(3).unwrap();
    let server = Server::new(app()).listen("127.0.0.1:0").workers(workers);
    let server = Running::serve(server.pin(Pinning::Off).ignore_signals());
    let mut streams: Vec<_> = (0..12).map(|_| server.connect()).collect();
    for stream in &mut streams {
        stream.write_all(&wire::get("/items/7")).unwrap();
        assert_eq!(read_reply(stream).text(), "7");
    }
    streams[0].write_all(&wire::get("/metrics")).unwrap();
    let reply = read_reply(&mut streams[0]);
    let text = reply.text();
    assert_eq!(sum(text, "waterwheel_open"), (12.0, 3), "{text}");
    assert_eq!(sum(text, "waterwheel_accepted_total"), (12.0, 3), "{text}");
    assert_eq!(value(text, r#"waterwheel_calls_total{route="GET /items/{id}"}"#), 12.0);
    drop(streams);
    server.stop();
}
