//! A worker that is behind its requests refuses those that come, cheaply and for as long as it has
//! to; one that is only busy refuses nobody.
//!
//! Handlers here take as long as they say by moving the world's clock.

mod wire;

use std::cell::RefCell;
use std::time::Duration;

use waterwheel::lab::{Lab, LabConfig};
use waterwheel::reactor::sim::{Client, World};
use waterwheel::{App, Gauges, Handler, Json, Limits};
use wire::{get, post, replies, statuses};

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

fn pass(time: Duration) {
    WORLD.with_borrow(|world| world.as_ref().expect("a lab was made").advance(time));
}

fn work() -> &'static str {
    pass(Duration::from_millis(2));
    "worked"
}

/// A lab of one worker that has seen how long `/work` takes.
fn lab(expensive_after: Duration) -> Lab {
    let mut limits = Limits::default();
    limits.expensive_after = expensive_after;
    let app = App::new()
        .limits(limits)
        .get("/", || "home")
        .get("/work", work)
        .get("/step", || pass(Duration::from_micros(50)))
        .post("/work", |body: Vec<u8>| (work(), body).1)
        .get("/vital", work.vital())
        .get("/gauges", Json::<Gauges>);
    // A segment for each that waits, and some more: memory is another matter.
    let mut config = LabConfig::default();
    config.ring.segment_count = 1024;
    let mut lab = Lab::with(app, config);
    WORLD.set(Some(lab.world().clone()));
    for target in ["/work", "/vital"] {
        let client = lab.connect();
        for _ in 0..60 {
            client.send(&get(target));
            lab.settle();
        }
        assert_eq!(statuses(&client.received()), [200; 60]);
    }
    lab
}

fn crowd(lab: &mut Lab, count: usize) -> Vec<Client> {
    let clients: Vec<_> = (0..count).map(|_| lab.connect()).collect();
    lab.settle();
    clients
}

/// All of them ask at once. How many were served and how many were refused.
fn ask_all(lab: &mut Lab, clients: &[Client], request: &[u8]) -> (usize, usize) {
    clients.iter().for_each(|client| client.send(request));
    let mut answers = Vec::new();
    // One turn for each that has to wait for its own; more would let time pass.
    for _ in 0..2 * clients.len() {
        if answers.len() == clients.len() {
            break;
        }
        lab.turn();
        answers.extend(clients.iter().flat_map(|client| statuses(&client.received())));
    }
    assert_eq!(answers.len(), clients.len());
    let served = answers.iter().filter(|status| **status == 200).count();
    assert!(answers.iter().all(|status| [200, 503].contains(status)));
    (served, answers.len() - served)
}

fn shed_count(lab: &mut Lab) -> u64 {
    let client = lab.connect();
    client.send(&get("/gauges"));
    lab.settle();
    let received = client.received();
    let text = replies(&received)[0].text().to_owned();
    let (_, rest) = text.split_once("\"shed\":").expect("the gauges tell of it");
    rest.split(',').next().and_then(|count| count.parse().ok()).expect("a number")
}

const NEVER: Duration = Duration::MAX;
const USUALLY: Duration = Duration::from_micros(100);

#[test]
fn expensive_requests_that_would_wait_too_long_are_refused() {
    let mut lab = lab(USUALLY);
    let clients = crowd(&mut lab, 400);
    let (served, refused) = ask_all(&mut lab, &clients, &get("/work"));
    // 500 ms at 2 ms each.
    assert!((245..=275).contains(&served) && served + refused == 400, "{served}");
    assert_eq!(shed_count(&mut lab), refused as u64);

    // Their connections are as good as before, and so is the worker.
    let few = &clients[200..];
    for _ in 0..3 {
        assert_eq!(ask_all(&mut lab, few, &get("/work")), (200, 0));
    }
}

#[test]
fn bodies_of_refused_requests_are_passed_over() {
    let mut lab = lab(USUALLY);
    let clients = crowd(&mut lab, 400);
    let body = post("/work", &[b'x'; 3000]);
    let (_, refused) = ask_all(&mut lab, &clients, &body);
    assert!(refused > 100);
    assert_eq!(ask_all(&mut lab, &clients, &get("/")), (400, 0));
}

#[test]
fn cheap_and_vital_requests_are_served_while_expensive_ones_are_refused() {
    let mut lab = lab(USUALLY);
    let clients = crowd(&mut lab, 400);
    let (light, vital) = (lab.connect(), lab.connect());
    lab.settle();
    clients.iter().for_each(|client| client.send(&get("/work")));
    let mut refused = 0;
    while refused < 100 {
        lab.turn();
        let answers = clients.iter().flat_map(|client| statuses(&client.received()));
        refused += answers.filter(|status| *status == 503).count();
    }
    light.send(&get("/"));
    vital.send(&get("/vital"));
    lab.turn();
    assert_eq!(statuses(&light.received()), [200]);
    // Behind those that were let in.
    let answers = (0..300).flat_map(|_| {
        lab.turn();
        statuses(&vital.received())
    });
    assert_eq!(answers.collect::<Vec<_>>(), [200]);
}

#[test]
fn cheap_requests_that_never_end_leave_half_of_the_time_to_expensive_ones() {
    let mut lab = lab(USUALLY);
    let (workers, steppers) = (crowd(&mut lab, 60), crowd(&mut lab, 200));
    workers.iter().for_each(|client| client.send(&get("/work")));
    for turn in 1..=10 {
        // 10 ms.
        steppers.iter().for_each(|client| client.send(&get("/step")));
        lab.turn();
        let stepped: usize = steppers.iter().map(|client| statuses(&client.received()).len()).sum();
        let worked: usize = workers.iter().map(|client| statuses(&client.received()).len()).sum();
        assert_eq!((stepped, worked), (200, 5), "in turn {turn}");
    }
}

#[test]
fn loop_that_stays_late_refuses_all_but_vital_requests_until_it_has_caught_up() {
    let mut lab = lab(NEVER);
    let clients = crowd(&mut lab, 600);
    let vital = lab.connect();
    lab.settle();
    let mut rounds = Vec::new();
    for _ in 0..4 {
        // Each waits for all others, 1.2 s.
        clients.iter().for_each(|client| client.send(&get("/work")));
        vital.send(&get("/vital"));
        lab.turn();
        let answers: Vec<_> =
            clients.iter().flat_map(|client| statuses(&client.received())).collect();
        assert_eq!(answers.len(), clients.len());
        assert!(answers.iter().all(|status| *status == answers[0]));
        rounds.push((answers[0], statuses(&vital.received())));
    }
    let served = (200, vec![200]);
    assert_eq!(rounds, [served.clone(), served.clone(), (503, vec![200]), served]);
    assert_eq!(lab.metrics().late_turns, 1);
    assert_eq!(shed_count(&mut lab), 600);
}

#[test]
fn burst_is_served_whole() {
    let mut lab = lab(NEVER);
    let clients = crowd(&mut lab, 600);
    assert_eq!(ask_all(&mut lab, &clients, &get("/work")), (600, 0));
    assert_eq!(shed_count(&mut lab), 0);
}
