//! Expensive requests stand back behind cheap ones, and let them pass when they breathe.
//!
//! Handlers here take as long as they say by moving the world's clock.

use std::cell::RefCell;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

use waterwheel::lab::{Lab, LabConfig};
use waterwheel::reactor::sim::{Client, World};
use waterwheel::{App, Gauges, Handler, Json, Watchdog, breathe};

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
    /// What has happened, in order.
    static LOG: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    /// Runs once, at a heavy handler's third breath.
    static MEANWHILE: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
    static WAKER: RefCell<Option<Waker>> = const { RefCell::new(None) };
}

fn note(what: &'static str) {
    LOG.with_borrow_mut(|log| log.push(what));
}

fn log() -> Vec<&'static str> {
    LOG.take()
}

fn pass(time: Duration) {
    WORLD.with_borrow(|world| world.as_ref().expect("a lab was made").advance(time));
}

fn meanwhile(action: impl FnOnce() + 'static) {
    MEANWHILE.set(Some(Box::new(action)));
}

fn light() -> &'static str {
    note("light");
    "light"
}

/// Takes 2 ms, and breathes.
fn heavy() -> &'static str {
    note("heavy begins");
    for breath in 0..20 {
        pass(Duration::from_micros(100));
        if breath == 2
            && let Some(action) = MEANWHILE.take()
        {
            action();
        }
        breathe();
    }
    note("heavy ends");
    "heavy"
}

/// Takes 2 ms, and does not breathe.
fn dull() -> &'static str {
    note("dull");
    pass(Duration::from_millis(2));
    "dull"
}

fn panicking() -> &'static str {
    heavy();
    panic!("the handler fails after breathing");
}

fn lab() -> Lab {
    let app = App::new()
        .get("/light", light)
        .get("/dull", dull)
        .get("/heavy", heavy.expensive())
        .post("/heavy", (|body: Vec<u8>| (heavy(), body).1).expensive())
        .get("/panicking", panicking.expensive())
        .get("/async", async_heavy.expensive())
        .get("/await", await_heavy);
    let lab = Lab::new(app);
    WORLD.set(Some(lab.world().clone()));
    log();
    lab
}

fn get(client: &Client, path: &str) {
    client.send(format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes());
}

/// Makes the worker know what `/dull` costs.
fn learn(lab: &mut Lab, client: &Client) {
    for _ in 0..5 {
        get(client, "/dull");
        lab.settle();
    }
}

/// The bodies of the replies that have come.
fn replies(client: &Client) -> Vec<String> {
    let text = String::from_utf8(client.received()).expect("replies here are text");
    let ends = text.split("HTTP/1.1 ").skip(1).map(|reply| reply.rsplit("\r\n\r\n").next());
    ends.map(|body| body.unwrap_or_default().to_owned()).collect()
}

#[test]
fn cheap_requests_go_before_expensive_ones_of_the_same_turn() {
    let mut lab = lab();
    let (first, second) = (lab.connect(), lab.connect());
    get(&first, "/heavy");
    get(&second, "/light");
    lab.settle();
    assert_eq!(log(), ["light", "heavy begins", "heavy ends"]);
    assert_eq!((replies(&first), replies(&second)), (vec!["heavy".into()], vec!["light".into()]));
}

#[test]
fn a_route_is_found_to_be_expensive_by_its_first_requests() {
    let mut lab = lab();
    let (first, second) = (lab.connect(), lab.connect());
    learn(&mut lab, &first);
    assert_eq!(lab.metrics().deferred, 0);
    log();
    get(&first, "/dull");
    get(&second, "/light");
    lab.settle();
    assert_eq!(lab.metrics().deferred, 1);
    assert_eq!(log(), ["light", "dull"]);
}

#[test]
fn between_two_expensive_requests_the_reactor_is_looked_at() {
    let mut lab = lab();
    let clients = [lab.connect(), lab.connect(), lab.connect()];
    learn(&mut lab, &clients[0]);
    log();
    get(&clients[0], "/dull");
    get(&clients[1], "/dull");
    let now = lab.world().now();
    clients[2].send_at(now + Duration::from_millis(1), b"GET /light HTTP/1.1\r\nhost: h\r\n\r\n");
    lab.settle();
    assert_eq!(log(), ["dull", "light", "dull"]);
}

#[test]
fn a_breathing_handler_lets_light_requests_pass() {
    let mut lab = lab();
    let (first, second) = (lab.connect(), lab.connect());
    lab.settle();
    get(&first, "/heavy");
    let second = std::rc::Rc::new(second);
    let sender = std::rc::Rc::clone(&second);
    meanwhile(move || get(&sender, "/light"));
    lab.settle();
    assert_eq!(log(), ["heavy begins", "light", "heavy ends"]);
    assert_eq!(replies(&second), ["light"]);
    assert_eq!(lab.metrics().nested_turns, 20);
}

#[test]
fn a_breathing_handler_lets_no_other_expensive_request_begin() {
    let mut lab = lab();
    let (first, second) = (lab.connect(), lab.connect());
    get(&first, "/heavy");
    meanwhile(move || {
        get(&second, "/heavy");
        // It stays open until the world ends.
        std::mem::forget(second);
    });
    lab.settle();
    assert_eq!(log(), ["heavy begins", "heavy ends", "heavy begins", "heavy ends"]);
}

#[test]
fn what_arrives_for_the_connection_itself_waits_for_its_turn() {
    let mut lab = lab();
    let client = std::rc::Rc::new(lab.connect());
    get(&client, "/heavy");
    let sender = std::rc::Rc::clone(&client);
    meanwhile(move || get(&sender, "/light"));
    lab.settle();
    assert_eq!(log(), ["heavy begins", "heavy ends", "light"]);
    assert_eq!(replies(&client), ["heavy", "light"]);
}

#[test]
fn pipelined_requests_keep_their_order() {
    let mut lab = lab();
    let client = lab.connect();
    ["/light", "/heavy", "/light", "/heavy"].iter().for_each(|path| get(&client, path));
    lab.settle();
    assert_eq!(replies(&client), ["light", "heavy", "light", "heavy"]);
}

#[test]
fn a_body_waits_with_its_request() {
    let mut lab = lab();
    lab.deliver(waterwheel::lab::Delivery::ByteByByte);
    let reply = lab.post("/heavy").body(vec![7; 3000]).send();
    assert_eq!((reply.status(), reply.body()), (200, &[7; 3000][..]));
    let chunked = b"POST /heavy HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n\
        3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
    let (received, _) = lab.raw(chunked);
    assert!(received.ends_with(b"abcdefg"), "{:?}", String::from_utf8_lossy(&received));
    assert_eq!(lab.leased_segments(), 0);
}

#[test]
fn a_client_that_leaves_meanwhile_leaves_nothing_behind() {
    let mut lab = lab();
    let client = lab.connect();
    get(&client, "/heavy");
    meanwhile(move || client.reset());
    lab.settle();
    assert_eq!(log(), ["heavy begins", "heavy ends"]);
    assert_eq!((lab.open_connections(), lab.leased_segments()), (0, 0));
    assert_eq!(lab.get("/light").send().text(), "light");
}

#[test]
fn a_panic_after_breathing_stays_in_its_request() {
    let mut lab = lab();
    let (first, second) = (lab.connect(), lab.connect());
    get(&first, "/panicking");
    let second = std::rc::Rc::new(second);
    let sender = std::rc::Rc::clone(&second);
    meanwhile(move || get(&sender, "/light"));
    lab.settle();
    assert!(first.received().starts_with(b"HTTP/1.1 500 "));
    assert_eq!(replies(&second), ["light"]);
    assert_eq!(lab.leased_segments(), 0);
}

#[test]
fn a_drain_that_begins_meanwhile_ends_the_connection() {
    let mut lab = lab();
    let client = lab.connect();
    get(&client, "/heavy");
    lab.turn();
    lab.settle();
    log();
    get(&client, "/heavy");
    let control = lab.control();
    meanwhile(move || control.drain());
    lab.advance(Duration::from_secs(5));
    assert_eq!(replies(&client), ["heavy", "heavy"]);
    assert!(lab.worker().is_finished());
    assert_eq!((lab.worker().report().finished, lab.worker().report().cut), (1, 0));
}

async fn async_heavy() -> &'static str {
    note("async begins");
    poll_fn(|context| {
        WAKER.set(Some(context.waker().clone()));
        Poll::Ready(())
    })
    .await;
    let mut is_woken = false;
    poll_fn(move |_| {
        if is_woken {
            return Poll::Ready(());
        }
        is_woken = true;
        // The wake comes while the connection is lent.
        WAKER.with_borrow(|waker| waker.as_ref().expect("polled before").wake_by_ref());
        pass(Duration::from_micros(200));
        breathe();
        Poll::Pending
    })
    .await;
    note("async ends");
    "async"
}

#[test]
fn a_wake_of_the_request_that_runs_is_not_lost() {
    let mut lab = lab();
    assert_eq!(lab.get("/async").send().text(), "async");
    assert_eq!(log(), ["async begins", "async ends"]);
}

async fn await_heavy() -> &'static str {
    note("await begins");
    for _ in 0..20 {
        pass(Duration::from_micros(60));
        breathe().await;
    }
    note("await ends");
    "await"
}

#[test]
fn an_async_handler_gives_way_once_its_slice_is_spent() {
    let mut lab = lab();
    let (first, second) = (lab.connect(), lab.connect());
    get(&first, "/await");
    let now = lab.world().now();
    second.send_at(now + Duration::from_micros(300), b"GET /light HTTP/1.1\r\nhost: h\r\n\r\n");
    lab.settle();
    assert_eq!(log(), ["await begins", "light", "await ends"]);
    assert_eq!(replies(&first), ["await"]);
}

#[test]
fn breathing_does_nothing_where_nothing_is_lent() {
    breathe();
    let mut lab = lab();
    assert_eq!(lab.get("/light").send().text(), "light");
    assert_eq!(lab.metrics().nested_turns, 0);
}

fn slow() -> &'static str {
    pass(Duration::from_millis(50));
    "slow"
}

#[test]
fn the_watchdog_names_route_and_time() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&heard);
    let mut config = LabConfig::default();
    config.worker.watchdog = Watchdog::new(Duration::from_millis(20), move |call| {
        hearing.lock().unwrap().push(call.to_string());
    });
    let app = App::new().get("/slow", slow).get("/light", light).get("/gauges", Json::<Gauges>);
    let mut lab = Lab::with(app, config);
    WORLD.set(Some(lab.world().clone()));
    for path in ["/light", "/slow", "/slow", "/light", "/slow"] {
        lab.get(path).send();
    }
    lab.advance(Duration::from_secs(1));
    lab.get("/slow").send();
    assert_eq!(lab.metrics().slow_calls, 4);
    let gauges = lab.get("/gauges").send();
    assert!(gauges.text().contains("\"slow_calls\":4,\"longest_call_micros\":50000,"));
    assert_eq!(lab.metrics().longest_call_micros, 50_000);
    let expected = [
        "worker 0: GET /slow took 50 ms",
        "worker 0: GET /slow took 50 ms, and 2 more since the last report took long",
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}
