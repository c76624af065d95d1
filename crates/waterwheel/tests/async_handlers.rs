//! Async handlers: they wait without keeping anyone else waiting, hold what they like over an
//! await, and leave nothing behind however they end.

mod wire;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::panic::resume_unwind;
use std::pin::pin;
use std::rc::Rc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use waterwheel::lab::Lab;
use waterwheel::stages::base64::Base64;
use waterwheel::task::{interval, sleep, spawn_local, timeout};
use waterwheel::{App, Handler, InPlace, Local, Reply, Request, WhenGone};
use wire::{get, post, replies, statuses};

const SECOND: Duration = Duration::from_secs(1);

/// What handlers of a test did, on its one core.
#[derive(Default)]
struct Log {
    begun: Cell<usize>,
    ended: Cell<usize>,
    dropped: Cell<usize>,
}

struct CountDrop(Local<Log>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.dropped.set(self.0.dropped.get() + 1);
    }
}

async fn slow(log: Local<Log>) -> &'static str {
    log.begun.set(log.begun.get() + 1);
    let _count = CountDrop(log.clone());
    sleep(SECOND).await;
    log.ended.set(log.ended.get() + 1);
    "slow"
}

async fn reversed(mut body: InPlace<[u8]>) -> InPlace<[u8]> {
    sleep(Duration::from_millis(5)).await;
    body.reverse();
    body
}

fn app() -> App {
    App::new()
        .per_core(|_| Log::default())
        .get("/sync", || "sync")
        .get("/ready", async || "ready")
        .get("/slow", slow)
        .post("/slow", slow)
        .post("/kept", slow.when_gone(WhenGone::Cancel))
        .get("/log", |log: Local<Log>| {
            format!("{} {} {}", log.begun.get(), log.ended.get(), log.dropped.get())
        })
        .post("/reversed", reversed)
        .post("/reversed64", reversed.through(Base64::STANDARD))
        .get("/path", |request: &Request<'_>| {
            let path = request.path().to_owned();
            async move {
                sleep(SECOND).await;
                path
            }
        })
        .get("/panics", async || -> Reply { resume_unwind(Box::new("a handler's fault")) })
        .get("/panics-late", async || -> Reply {
            sleep(SECOND).await;
            resume_unwind(Box::new("a handler's fault"))
        })
        .get("/never", async || -> Reply { pending().await })
}

fn log(lab: &mut Lab) -> String {
    lab.get("/log").send().text().to_owned()
}

/// Nothing of the worker is kept by anyone.
fn assert_at_rest(lab: &Lab) {
    let worker = lab.worker();
    assert_eq!((worker.sleep_count(), worker.task_count(), lab.leased_segments()), (0, 0, 0));
}

#[test]
fn ready_future_is_answered_in_the_same_turn() {
    let mut lab = Lab::new(app());
    lab.get("/sync").send();
    let turns = |lab: &mut Lab, path: &str| {
        let before = lab.metrics().turns;
        assert_eq!(lab.get(path).send().status(), 200);
        lab.metrics().turns - before
    };
    assert_eq!(turns(&mut lab, "/ready"), turns(&mut lab, "/sync"));
}

#[test]
fn others_are_answered_while_one_waits() {
    let mut lab = Lab::new(app());
    let waiting = lab.connect();
    waiting.send(&get("/slow"));
    lab.advance(Duration::from_millis(900));
    assert_eq!(lab.get("/sync").send().text(), "sync");
    assert_eq!(waiting.received_len(), 0);
    lab.advance(Duration::from_millis(200));
    assert_eq!(replies(&waiting.received())[0].text(), "slow");
    assert_at_rest(&lab);
}

#[test]
fn lease_is_held_over_an_await_and_becomes_the_reply() {
    let mut lab = Lab::new(app());
    assert_eq!(lab.post("/reversed").body("abc").send().text(), "cba");
    assert_eq!(lab.post("/reversed64").body("YWJj").send().text(), "Y2Jh");
    assert_at_rest(&lab);
}

#[test]
fn borrowed_request_is_read_before_the_first_await() {
    let mut lab = Lab::new(app());
    assert_eq!(lab.get("/path").send().text(), "/path");
}

#[test]
fn pipelined_replies_keep_their_order() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(&[get("/sync"), get("/slow"), get("/ready"), get("/sync")].concat());
    lab.advance(Duration::from_millis(500));
    assert_eq!(statuses(&client.received()), [200]);
    lab.advance(SECOND);
    let replies = replies(&client.received());
    assert_eq!(
        replies.iter().map(|reply| reply.text()).collect::<Vec<_>>(),
        ["slow", "ready", "sync"]
    );
    assert_at_rest(&lab);
}

#[test]
fn client_that_leaves_cancels_a_safe_request_only() {
    let mut lab = Lab::new(app());
    for (request, expected) in
        [(get("/slow"), "1 0 1"), (post("/slow", b""), "2 1 2"), (post("/kept", b""), "3 1 3")]
    {
        let client = lab.connect();
        client.send(&request);
        lab.advance(Duration::from_millis(100));
        client.close();
        lab.advance(2 * SECOND);
        assert_eq!(log(&mut lab), expected);
        assert_at_rest(&lab);
    }
}

#[test]
fn panic_ends_its_own_request_and_no_other() {
    let mut lab = Lab::new(app());
    let waiting = lab.connect();
    waiting.send(&get("/slow"));
    for path in ["/panics", "/panics-late"] {
        let client = lab.connect();
        client.send(&get(path));
        lab.advance(SECOND + Duration::from_millis(10));
        assert_eq!(statuses(&client.received()), [500], "{path}");
        assert!(client.end().is_some(), "{path}");
    }
    assert_eq!(statuses(&waiting.received()), [200]);
    assert_at_rest(&lab);
}

#[test]
fn drain_lets_a_waiting_request_finish_and_cuts_one_that_never_does() {
    let mut lab = Lab::new(app());
    let (slow, never) = (lab.connect(), lab.connect());
    slow.send(&get("/slow"));
    never.send(&get("/never"));
    lab.advance(Duration::from_millis(100));
    lab.drain();
    lab.advance(60 * SECOND);
    let received = String::from_utf8(slow.received()).unwrap();
    assert!(received.contains("connection: close") && received.ends_with("slow"), "{received}");
    let report = lab.worker().report();
    assert_eq!((report.finished, report.cut), (1, 1));
    assert_at_rest(&lab);
}

#[test]
fn worker_that_ends_drops_what_waits() {
    thread_local!(static DROPPED: Cell<usize> = const { Cell::new(0) });
    struct Count;
    impl Drop for Count {
        fn drop(&mut self) {
            DROPPED.set(DROPPED.get() + 1);
        }
    }
    let mut lab = Lab::new(App::new().get("/", async || {
        let _count = Count;
        spawn_local(async {
            let _count = Count;
            sleep(SECOND).await;
        })
        .await;
        "never"
    }));
    let client = lab.connect();
    client.send(&get("/"));
    lab.advance(Duration::from_millis(10));
    drop(lab);
    assert_eq!(DROPPED.get(), 2);
}

#[test]
fn wake_from_another_thread_ends_the_wait() {
    let (sender, wakers) = channel::<Waker>();
    let (tell, woken) = channel();
    let waker_thread = thread::spawn(move || {
        for waker in wakers {
            waker.wake();
            tell.send(()).unwrap();
        }
    });
    let app = App::new().per_core(move |_| sender.clone()).get(
        "/",
        async |sender: Local<Sender<Waker>>| {
            let mut polls = 0;
            poll_fn(|context| {
                polls += 1;
                if polls == 2 {
                    return Poll::Ready(());
                }
                sender.send(context.waker().clone()).expect("the thread listens");
                Poll::Pending
            })
            .await;
            format!("{polls} polls")
        },
    );
    let mut lab = Lab::new(app);
    let client = lab.connect();
    client.send(&get("/"));
    lab.advance(Duration::from_millis(1));
    woken.recv().unwrap();
    lab.advance(Duration::from_millis(1));
    assert_eq!(replies(&client.received())[0].text(), "2 polls");
    drop(lab);
    waker_thread.join().unwrap();
}

#[test]
fn future_is_polled_only_when_woken() {
    thread_local!(static POLLS: Cell<usize> = const { Cell::new(0) });
    let mut lab = Lab::new(App::new().get("/sync", || "sync").get("/", async || {
        let mut sleep = pin!(sleep(SECOND));
        poll_fn(|context| {
            POLLS.set(POLLS.get() + 1);
            sleep.as_mut().poll(context)
        })
        .await;
        "done"
    }));
    let client = lab.connect();
    client.send(&get("/"));
    for _ in 0..50 {
        lab.get("/sync").send();
    }
    assert_eq!(POLLS.get(), 1);
    lab.advance(2 * SECOND);
    assert_eq!(POLLS.get(), 2);
    assert_eq!(statuses(&client.received()), [200]);
}

#[test]
fn requests_behind_a_waiting_one_are_not_read() {
    let mut lab = Lab::new(app());
    let client = lab.connect();
    client.send(&get("/slow"));
    lab.advance(Duration::from_millis(100));
    let before = lab.metrics().received_len;
    client.send(&get("/sync").repeat(1000));
    lab.advance(Duration::from_millis(100));
    assert_eq!(lab.metrics().received_len, before);
    lab.advance(2 * SECOND);
    assert_eq!(statuses(&client.received()).len(), 1001);
}

/// The future was not polled while earlier replies were unread, and kept its lease in the ring.
#[test]
fn future_behind_an_unread_reply_gives_its_lease_back() {
    let app = App::new().get("/long", || vec![b'x'; 100_000]).post("/reversed", reversed);
    let mut lab = Lab::new(app);
    let client = lab.connect();
    client.set_auto_read(false);
    client.set_receive_window(1000);
    client.send(&[get("/long"), post("/reversed", b"abc")].concat());
    lab.settle();
    assert_eq!(lab.leased_segments(), 0);
    client.set_auto_read(true);
    lab.settle();
    let replies = replies(&client.received());
    assert_eq!((replies[0].body().len(), replies[1].text()), (100_000, "cba"));
}

#[test]
fn tasks_timeouts_and_intervals_follow_the_virtual_clock() {
    let app = App::new().get("/", async || {
        let ticks = Rc::new(RefCell::new(Vec::new()));
        let written = Rc::clone(&ticks);
        let task = spawn_local(async move {
            let mut interval = interval(Duration::from_millis(100));
            for _ in 0..3 {
                let due = interval.tick().await;
                written.borrow_mut().push(due);
            }
            "ticked"
        });
        let late = timeout(Duration::from_millis(50), sleep(SECOND)).await.is_err();
        let output = timeout(SECOND, task).await;
        let ticks = ticks.borrow();
        let apart = ticks
            .windows(2)
            .all(|two| two[1].saturating_since(two[0]) == Duration::from_millis(100));
        format!("{late} {output:?} {} {apart}", ticks.len())
    });
    let mut lab = Lab::new(app);
    assert_eq!(lab.get("/").send().text(), "true Ok(\"ticked\") 3 true");
    assert_at_rest(&lab);
}

#[test]
fn tick_that_was_missed_is_left_out() {
    let app = App::new().get("/", async || {
        let mut interval = interval(Duration::from_millis(100));
        let first = interval.tick().await;
        sleep(Duration::from_millis(350)).await;
        let second = interval.tick().await;
        let third = interval.tick().await;
        format!("{:?} {:?}", second.saturating_since(first), third.saturating_since(first))
    });
    let mut lab = Lab::new(app);
    // The second tick was due while nobody waited; the next two were missed by then.
    assert_eq!(lab.get("/").send().text(), "100ms 400ms");
}

#[test]
fn task_that_panics_harms_nobody() {
    let app = App::new().get("/", async || {
        drop(spawn_local(async { resume_unwind(Box::new("a task's fault")) }));
        "fine"
    });
    let mut lab = Lab::new(app);
    assert_eq!(lab.get("/").send().text(), "fine");
    assert_at_rest(&lab);
}
