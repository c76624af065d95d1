//! Futures that are made of futures: `futures-util` on the worker's own wakers, and panics at every
//! point at which a handler can wait.

mod wire;

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select, select_all, try_join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::{FutureExt, join, select_biased};
use waterwheel::lab::Lab;
use waterwheel::net::Stream;
use waterwheel::task::{interval, offload, sleep, spawn_local, timeout};
use waterwheel::{App, InPlace, Local, Path};
use wire::{get, post, replies};

const MS: Duration = Duration::from_millis(1);

/// What a lab with one route answers, and after how much virtual time.
fn answer(app: App) -> (String, Duration) {
    let mut lab = Lab::new(app);
    let client = lab.connect();
    let start = lab.world().now();
    client.send(&get("/"));
    let mut turns = 0;
    while client.received_len() == 0 {
        lab.turn();
        turns += 1;
        assert!(turns < 1000, "no answer");
    }
    let time = lab.world().now() - start;
    let text = replies(&client.received())[0].text().to_owned();
    lab.settle();
    let worker = lab.worker();
    assert_eq!((worker.sleep_count(), worker.task_count()), (0, 0), "something is left");
    (text, time)
}

#[test]
fn join_waits_for_the_longest() {
    let app = App::new().get("/", async || {
        let first = async {
            sleep(MS * 30).await;
            1
        };
        let (first, second) = join!(first, offload(|| 2));
        format!("{first} {second:?}")
    });
    assert_eq!(answer(app), ("1 Ok(2)".to_owned(), MS * 30));
}

#[test]
fn select_takes_the_first_and_drops_the_rest() {
    let app = App::new().get("/", async || {
        let slow = Box::pin(sleep(MS * 500));
        match select(slow, Box::pin(sleep(MS * 7))).await {
            Either::Left(_) => "slow",
            Either::Right(_) => "fast",
        }
    });
    assert_eq!(answer(app), ("fast".to_owned(), MS * 7));
    let app = App::new().get("/", async || {
        let mut ticks = 0;
        let mut tick = interval(MS * 10);
        let mut end = Box::pin(sleep(MS * 45)).fuse();
        loop {
            select_biased! {
                () = end => return ticks.to_string(),
                _ = Box::pin(tick.tick()).fuse() => ticks += 1,
            }
        }
    });
    assert_eq!(answer(app), ("4".to_owned(), MS * 45));
}

#[test]
fn many_futures_are_polled_only_where_they_were_woken() {
    thread_local!(static POLLS: Cell<usize> = const { Cell::new(0) });
    let app = App::new().get("/", async || {
        let mut sleeps: FuturesUnordered<_> = (1..=100)
            .map(|index| {
                let mut sleep = Box::pin(sleep(MS * index));
                std::future::poll_fn(move |context| {
                    POLLS.set(POLLS.get() + 1);
                    sleep.poll_unpin(context).map(|()| index)
                })
            })
            .collect();
        let mut order = Vec::new();
        while let Some(index) = sleeps.next().await {
            order.push(index);
        }
        format!("{} {}", order.is_sorted(), order.len())
    });
    assert_eq!(answer(app), ("true 100".to_owned(), MS * 100));
    assert_eq!(POLLS.get(), 200, "once to begin with, once when it is due");
}

#[test]
fn tasks_are_joined_and_raced() {
    let app = App::new().get("/", async || {
        let tasks = (1..=5).map(|index| {
            spawn_local(async move {
                sleep(MS * index).await;
                index
            })
        });
        let (first, _, rest) = select_all(tasks).await;
        let rest = rest.into_iter().map(|task| task.map(Ok::<u32, ()>));
        let rest: u32 = try_join_all(rest).await.unwrap_or_default().iter().sum();
        format!("{first} {rest}")
    });
    assert_eq!(answer(app), ("1 14".to_owned(), MS * 5));
}

fn far() -> SocketAddr {
    SocketAddr::from(([10, 9, 8, 7], 6379))
}

#[derive(Default)]
struct Log {
    dropped: Cell<usize>,
    finished: Cell<usize>,
}

struct CountDrop(Local<Log>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.dropped.set(self.0.dropped.get() + 1);
    }
}

/// Waits in every way there is, holding something of every kind, and fails at `point`.
async fn wait_everywhere(Path(point): Path<usize>, log: Local<Log>, body: InPlace<[u8]>) -> String {
    let _count = CountDrop(log.clone());
    let fail_at = |here: usize| {
        if here == point {
            std::panic::resume_unwind(Box::new("planned"));
        }
    };
    fail_at(0);
    sleep(MS).await;
    fail_at(1);
    let stream = Rc::new(Stream::connect(far()).await.expect("the backend listens"));
    fail_at(2);
    stream.write_all(&body).await.expect("the backend reads");
    let mut room = [0; 16];
    let reading = stream.read(&mut room);
    let (read, ()) = join!(reading, async {
        sleep(MS).await;
        fail_at(3);
    });
    fail_at(4);
    let shared = Rc::clone(&stream);
    let task = spawn_local(async move {
        sleep(MS).await;
        drop(shared);
    });
    timeout(MS * 50, task).await.expect("the task ends");
    fail_at(5);
    let offloaded = offload(|| 7).await;
    fail_at(6);
    log.finished.set(log.finished.get() + 1);
    format!("{read:?} {offloaded:?} {}", body.len())
}

/// One past the last.
const POINTS: usize = 7;

#[test]
fn panic_at_any_point_is_a_500_and_touches_nobody_else() {
    for point in 0..=POINTS {
        let app = App::new()
            .per_core(|_| Log::default())
            .post("/{point}", wait_everywhere)
            .get("/log", async |log: Local<Log>| {
                format!("{} {}", log.dropped.get(), log.finished.get())
            });
        let mut lab = Lab::new(app);
        let backend = lab.world().backend(far());
        let (failing, other) = (lab.connect(), lab.connect());
        failing.send(&[post(&format!("/{point}"), b"body"), post("/99", b"next")].concat());
        other.send(&post("/99", b"other"));
        let mut ends = Vec::new();
        for _ in 0..100 {
            lab.advance(MS);
            ends.extend(std::iter::from_fn(|| backend.accept()));
            for end in &ends {
                let bytes = end.received();
                end.send(&bytes);
            }
        }
        assert_eq!(replies(&other.received())[0].text(), "Ok(5) Ok(7) 5", "point {point}");
        let failed = replies(&failing.received());
        let status = if point < POINTS { 500 } else { 200 };
        assert_eq!(failed[0].status(), status, "point {point}");
        // The connection of a failed request ends or goes on; in no case is the next one torn.
        assert!(failed[1..].iter().all(|reply| reply.text() == "Ok(4) Ok(7) 4"), "point {point}");
        let finished = 1 + failed.iter().filter(|reply| reply.status() == 200).count();
        let log = lab.get("/log").send().text().to_owned();
        assert_eq!(log, format!("{} {finished}", 1 + failed.len()), "point {point}");
        let worker = lab.worker();
        let left = (worker.sleep_count(), worker.task_count(), worker.source_count());
        assert_eq!(left, (0, 0, 0), "point {point}");
        assert_eq!(
            (lab.leased_segments(), lab.world().outgoing_sockets()),
            (0, 0),
            "point {point}"
        );
    }
}
