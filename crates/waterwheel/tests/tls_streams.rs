//! What takes time over TLS: bodies that are read while they come, replies that are written while
//! they are sent, and connections that go to another worker before their request has begun.

mod sealed;
mod workers;

use std::net::SocketAddr;
use std::time::Duration;

use sealed::{Sealed, VERSIONS, client_config, config};
use waterwheel::http::Http;
use waterwheel::lab::{Lab, LabConfig, LabReply};
use waterwheel::reactor::sim::{Fault, Faults, World};
use waterwheel::runtime::{Secured, Worker};
use waterwheel::task::sleep;
use waterwheel::tls::Acceptor;
use waterwheel::{
    App, BodyError, BodyReader, BodyWriter, Event, Handler, IntoRoute, Limits, Path, Reply, Tls,
};
use workers::{Workers, registration};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// One event every second.
fn ticks() -> Reply {
    Reply::events(async |mut events| {
        for number in 0..5 {
            events.send(Event::data(&format!("tick {number}"))).await?;
            sleep(SECOND).await;
        }
        Ok(())
    })
}

/// The sum of a body that is longer than the ring.
async fn count(mut body: BodyReader) -> Result<String, BodyError> {
    let (mut len, mut sum) = (0, 0_u64);
    while let Some(window) = body.next().await {
        let window = window?;
        len += window.len();
        sum += window.payload().iter().map(|byte| u64::from(*byte)).sum::<u64>();
    }
    Ok(format!("{len} {sum}"))
}

/// Sends back what comes, while it comes.
fn relay(mut body: BodyReader) -> Reply {
    Reply::stream(async move |mut out: BodyWriter| {
        while let Some(window) = body.next().await {
            out.write_lease(window?).await?;
        }
        Ok(())
    })
}

fn lab(config: waterwheel::tls::Config, seed: u64, faults: Faults) -> Lab {
    let mut limits = Limits::default();
    limits.body_len_max = 64 << 10;
    let app = App::new().limits(limits).get("/ticks", ticks);
    let app = app.post("/count", count).post("/relay", relay);
    let mut lab = LabConfig::default();
    lab.tls = Some(Tls::new(config).expect("good settings"));
    (lab.seed, lab.faults) = (seed, faults);
    // 256 KiB: less than the bodies.
    lab.ring.segment_count = 64;
    Lab::with(app, lab)
}

/// Faults that end no connection.
fn harmless() -> Faults {
    let mut faults = Faults::none();
    for fault in [
        Fault::DelayedEvent,
        Fault::SpuriousEvent,
        Fault::DuplicateEvent,
        Fault::InterruptedCall,
        Fault::ShortRead,
        Fault::ShortWrite,
    ] {
        faults = faults.with(fault, 0.1);
    }
    faults
}

fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let len = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn body(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

/// Waits for one reply as long as it takes.
fn reply(client: &mut Sealed, lab: &mut Lab) -> LabReply {
    for _ in 0..100 {
        client.settle(lab);
        if let Some(reply) = LabReply::parse(&client.plain, false, false) {
            client.plain.drain(..reply.wire_len());
            return reply;
        }
    }
    panic!("no reply: {} bytes, {:?}", client.plain.len(), client.fault)
}

#[test]
fn events_arrive_one_by_one() {
    for version in VERSIONS {
        let (config, certificate) = config();
        let mut lab = lab(config, 0, Faults::none());
        let mut client = Sealed::connect(&lab, &client_config(&certificate, version));
        let sealed = {
            client.settle(&mut lab);
            client.seal(b"GET /ticks HTTP/1.1\r\nhost: localhost\r\n\r\n")
        };
        client.wire.send(&sealed);
        for number in 0..5 {
            lab.advance(if number == 0 { MS } else { SECOND });
            client.take();
            let text = String::from_utf8_lossy(&client.plain);
            let last = format!("data: tick {number}\n\n\r\n");
            assert!(text.ends_with(&last), "{version:?} {number}: {text}");
        }
        lab.advance(SECOND * 2);
        client.take();
        assert!(client.plain.ends_with(b"0\r\n\r\n"));
        assert_eq!(lab.leased_segments(), 0);
    }
}

#[test]
fn uploads_longer_than_the_ring_are_read_while_they_come() {
    for (seed, version) in (0..6).flat_map(|seed| VERSIONS.map(|version| (seed, version))) {
        let (config, certificate) = config();
        let faults = if seed == 0 { Faults::none() } else { harmless() };
        let mut lab = lab(config, seed, faults);
        let mut client = Sealed::connect(&lab, &client_config(&certificate, version));
        let body = body(700_000);
        let sum: u64 = body.iter().map(|byte| u64::from(*byte)).sum();
        for _ in 0..2 {
            let sealed = client.seal(&post("/count", &body));
            client.wire.send(&sealed);
            let reply = reply(&mut client, &mut lab);
            assert_eq!(reply.text(), format!("700000 {sum}"), "seed {seed}, {version:?}");
        }
        client.settle(&mut lab);
        assert_eq!(lab.leased_segments(), 0, "seed {seed}, {version:?}");
    }
}

#[test]
fn what_comes_goes_back_while_it_comes() {
    for (seed, version) in (0..6).flat_map(|seed| VERSIONS.map(|version| (seed, version))) {
        let (config, certificate) = config();
        let faults = if seed == 0 { Faults::none() } else { harmless() };
        let mut lab = lab(config, seed, faults);
        let mut client = Sealed::connect(&lab, &client_config(&certificate, version));
        let body = body(700_000);
        let sealed = client.seal(&post("/relay", &body));
        client.wire.send(&sealed);
        let reply = reply(&mut client, &mut lab);
        assert!(reply.body() == body, "seed {seed}, {version:?}: {} bytes", reply.body().len());
        client.settle(&mut lab);
        assert_eq!(lab.leased_segments(), 0, "seed {seed}, {version:?}");
    }
}

/// Two workers over TLS.
fn pair(acceptor: &Acceptor) -> Workers<Secured<Http>> {
    let heavy = |Path(number): Path<String>| format!("{number}.");
    let routes = vec![
        registration("GET", "/light/{number}", heavy.into_route()),
        registration("GET", "/heavy/{number}", heavy.expensive()),
    ];
    Workers::new(World::new(0, Faults::none()), routes, 2, |http| {
        Secured::new(http, vec![Some(acceptor.clone())], <_>::default())
    })
}

/// Turns each worker, and has the clients answer before the next: a worker that finds nothing to do
/// takes the clock on to its next deadline, where a handshake may have too little time.
fn turn(workers: &mut Workers<Secured<Http>>, clients: &mut [Sealed]) {
    workers.turn(|| clients.iter_mut().for_each(Sealed::exchange));
}

#[test]
fn sessions_go_on_at_another_worker() {
    for version in VERSIONS {
        let (config, certificate) = config();
        let acceptor = Acceptor::new(&config).expect("good settings");
        let mut workers = pair(&acceptor);
        let settings = client_config(&certificate, version);
        let mut clients: Vec<_> = (0..6)
            .map(|port| {
                let peer = SocketAddr::from(([10, 0, 0, 1], 1000 + port));
                Sealed::over(workers.world.connect_to(0, peer), &settings)
            })
            .collect();
        let mut expected = String::new();
        for number in 0..20 {
            // All at once, so that one runs while the others wait at the first worker.
            let path = if number % 4 == 3 { "light" } else { "heavy" };
            let request = format!("GET /{path}/{number} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            expected += &format!("{number}.");
            clients.iter_mut().for_each(|client| {
                let sealed = client.seal(request.as_bytes());
                client.wire.send(&sealed);
            });
            let answered = |client: &Sealed| {
                let text = String::from_utf8_lossy(&client.plain).into_owned();
                let replies = text.split("HTTP/1.1 ").skip(1);
                replies
                    .filter_map(|reply| Some(reply.split_once("\r\n\r\n")?.1.to_owned()))
                    .collect::<String>()
            };
            let mut turns = 0;
            while clients.iter().any(|client| answered(client) != expected) {
                turn(&mut workers, &mut clients);
                turns += 1;
                assert!(turns < 1000, "{version:?}: request {number} is not answered");
            }
        }
        assert!(workers.sum(|metrics| metrics.taken_over) > 0, "{version:?}: no connection moved");
        assert!(clients.iter().all(|client| client.fault.is_none()), "{version:?}");
        workers.control.drain();
        let mut turns = 0;
        while !workers.all.iter().all(Worker::is_finished) {
            turn(&mut workers, &mut clients);
            turns += 1;
            assert!(turns < 20_000, "{version:?}: the drain does not end");
        }
        for worker in &workers.all {
            assert_eq!(worker.ring().leased(), worker.spare_segments(), "{version:?}");
        }
    }
}
