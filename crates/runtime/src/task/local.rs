//! One worker's wakers, timers and tasks, and how futures find those of the worker that polls them.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use waterwheel_reactor::disk::Disk;
use waterwheel_reactor::{Clock, Instant, Slab, Sources, Token};
use waterwheel_ring::Ring;

use super::poll_budget::PollBudget;
use super::source::{Entries, SOURCES_MAX};
use super::spawn::Tasks;
use super::timers::{TimerKey, Timers};
use super::wakes::{Sleeper, Wakes};
use crate::SLICE;
use crate::fs::Operations;
use crate::net::Names;

/// What the futures of one worker share with it.
#[derive(Debug)]
pub(crate) struct Local {
    wakes: Arc<Wakes>,
    /// The worker's clock, as it was read once for this turn.
    now: Cell<Instant>,
    /// The driver's ticks at that moment.
    turn_ticks: Cell<u64>,
    /// And when the work on the connection at hand began.
    visit_ticks: Cell<u64>,
    clock: Clock,
    /// Civil time, read a few times a second.
    wall: Cell<SystemTime>,
    budget: PollBudget,
    timers: RefCell<Timers>,
    /// When the first of them comes up: asked in every turn.
    next_timer: Cell<Instant>,
    tasks: RefCell<Tasks>,
    /// What futures wait for in the driver, and how they reach it.
    entries: RefCell<Entries>,
    driver_sources: Rc<dyn Sources>,
    files: Operations,
    ring: Ring,
    names: RefCell<Names>,
    /// By slot of the connection: its waker, made when it is asked for first.
    wakers: RefCell<Vec<Option<(u32, Waker)>>>,
}

thread_local! {
    /// Of the worker whose turn it is, or whose turn was last.
    static CURRENT: RefCell<Option<Rc<Local>>> = const { RefCell::new(None) };
    /// Its address, which is found faster; 0 for none.
    static CURRENT_ADDRESS: Cell<usize> = const { Cell::new(0) };
}

impl Local {
    pub(crate) fn new(
        clock: Clock,
        driver_sources: Rc<dyn Sources>,
        disk: Rc<dyn Disk>,
        ring: Ring,
        unpark: impl Fn() + Send + Sync + 'static,
    ) -> Rc<Self> {
        let (now, ticks) = (clock.now(), clock.ticks());
        Rc::new(Self {
            wakes: Arc::new(Wakes::new(unpark)),
            now: Cell::new(now),
            turn_ticks: Cell::new(ticks),
            visit_ticks: Cell::new(ticks),
            clock,
            wall: Cell::new(SystemTime::UNIX_EPOCH),
            budget: PollBudget::new(),
            timers: RefCell::default(),
            next_timer: Cell::new(Instant::MAX),
            tasks: RefCell::new(Slab::new(TASKS_MAX)),
            entries: RefCell::new(Slab::new(SOURCES_MAX)),
            driver_sources,
            files: Operations::new(disk),
            ring,
            names: RefCell::default(),
            wakers: RefCell::default(),
        })
    }

    /// Makes this worker the one that futures find.
    #[inline]
    pub(crate) fn enter(self: &Rc<Self>) {
        if CURRENT_ADDRESS.get() != Rc::as_ptr(self).addr() {
            self.become_current();
        }
    }

    #[cold]
    fn become_current(self: &Rc<Self>) {
        CURRENT_ADDRESS.set(Rc::as_ptr(self).addr());
        // Dropped after the new one is in place: it may be the last to know its worker.
        let _last = CURRENT.replace(Some(Rc::clone(self)));
    }

    /// No future finds this worker any more.
    pub(crate) fn leave(self: &Rc<Self>) {
        // The thread may be ending, and its variables gone.
        let own = CURRENT
            .try_with(|current| current.borrow_mut().take_if(|current| Rc::ptr_eq(current, self)));
        if let Ok(Some(_)) = own {
            CURRENT_ADDRESS.set(0);
        }
    }

    /// The worker of the calling future.
    ///
    /// # Panics
    /// On a thread that runs no worker.
    pub(crate) fn current() -> Rc<Self> {
        let current = CURRENT.with_borrow(Clone::clone);
        current.expect("timers and tasks belong to a worker; no worker runs on this thread")
    }

    /// Begins a turn.
    #[inline]
    pub(crate) fn set_now(&self, now: Instant, ticks: u64) {
        self.now.set(now);
        self.turn_ticks.set(ticks);
        self.visit_ticks.set(ticks);
    }

    /// Ends the work on a connection: returns the ticks that it took.
    #[inline]
    pub(crate) fn end_visit(&self, ticks: u64) -> u64 {
        ticks.wrapping_sub(self.visit_ticks.replace(ticks))
    }

    /// How long `visit_ticks` of this turn took, whose ticks are `ticks` at `now`: as large a part
    /// of its time as of its ticks. Nobody need know how fast they are.
    pub(crate) fn time_of(&self, visit_ticks: u64, ticks: u64, now: Instant) -> Duration {
        let turn_time = now.saturating_since(self.now.get());
        share(turn_time, visit_ticks, ticks.wrapping_sub(self.turn_ticks.get()))
    }

    /// How long the work on the connection or the task at hand has taken so far.
    fn visit_time(&self) -> Duration {
        let ticks = self.clock.ticks();
        self.time_of(ticks.wrapping_sub(self.visit_ticks.get()), ticks, self.clock.now())
    }

    /// Whether what runs on this thread's worker now has taken so long; never without one.
    pub(crate) fn is_slice_spent(slice: Duration) -> bool {
        CURRENT.with_borrow(|current| {
            current.as_ref().is_some_and(|local| local.visit_time() >= slice)
        })
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    pub(crate) fn set_wall(&self, wall: SystemTime) {
        self.wall.set(wall);
    }

    pub(super) fn wall(&self) -> SystemTime {
        self.wall.get()
    }

    pub(crate) fn now(&self) -> Instant {
        self.now.get()
    }

    /// Wakes whoever waits for an instant that has come.
    #[inline]
    pub(crate) fn fire_timers(&self) {
        if self.next_timer.get() <= self.now.get() {
            self.fire_due();
        }
    }

    #[cold]
    fn fire_due(&self) {
        loop {
            // Released first: a waker is foreign code.
            let due = self.timers.borrow_mut().pop_due(self.now.get());
            let Some(waker) = due else { break };
            waker.wake();
        }
        self.note_next_timer();
    }

    /// When the first timer comes up.
    #[inline]
    pub(crate) fn next_timer(&self) -> Instant {
        self.next_timer.get()
    }

    fn note_next_timer(&self) {
        self.next_timer.set(self.timers.borrow().next_due().unwrap_or(Instant::MAX));
    }

    /// Timers that are set now.
    pub(crate) fn timer_count(&self) -> usize {
        self.timers.borrow().len()
    }

    pub(super) fn set_timer(&self, due: Instant, waker: Waker) -> TimerKey {
        self.next_timer.set(self.next_timer.get().min(due));
        self.timers.borrow_mut().set(due, waker)
    }

    pub(super) fn rewake_timer(&self, key: TimerKey, waker: &Waker) {
        self.timers.borrow_mut().rewake(key, waker);
    }

    pub(super) fn cancel_timer(&self, key: TimerKey) {
        self.timers.borrow_mut().cancel(key);
        if key.0 == self.next_timer.get() {
            self.note_next_timer();
        }
    }

    /// Whether anyone was woken that was not taken yet.
    #[inline]
    pub(crate) fn has_woken(&self) -> bool {
        self.wakes.is_pending()
    }

    /// Polls the woken tasks, and appends the woken connections to `connections`. Tasks that come
    /// behind others which have done much already are left for the next turn.
    #[cold]
    pub(crate) fn run_woken(&self, connections: &mut Vec<Token>) {
        let mut woken = Vec::new();
        self.wakes.take(&mut woken);
        let mut is_spent = false;
        woken.retain(|&sleeper| match sleeper {
            Sleeper::Connection(token) => {
                connections.push(token);
                false
            }
            Sleeper::Task(_) if is_spent => true,
            Sleeper::Task(token) => {
                self.budget.begin_poll();
                self.run_task(token);
                is_spent = self.budget.take_spent() || self.visit_time() >= SLICE;
                false
            }
        });
        if !woken.is_empty() {
            self.wakes.put_back(woken);
        }
    }

    /// Ready while the future that is being polled may go on, and an operation less is left then.
    /// Always ready on a thread without a worker.
    pub(super) fn poll_budget_left(context: &Context<'_>) -> Poll<()> {
        CURRENT.with_borrow(|current| match current {
            Some(local) => local.budget.poll_left(context).map(|()| local.budget.charge(0)),
            None => Poll::Ready(()),
        })
    }

    /// Completes while the future that is being polled may go on, else in its next poll.
    pub(crate) async fn budget_left(&self) {
        poll_fn(|context| self.budget.poll_left(context)).await;
    }

    /// What the future that is being polled may still do.
    pub(crate) const fn budget(&self) -> &PollBudget {
        &self.budget
    }

    pub(super) fn tasks(&self) -> &RefCell<Tasks> {
        &self.tasks
    }

    /// What futures wait for on the disk.
    #[inline]
    pub(crate) fn files(&self) -> &Operations {
        &self.files
    }

    pub(super) fn entries(&self) -> &RefCell<Entries> {
        &self.entries
    }

    pub(crate) fn driver_sources(&self) -> &dyn Sources {
        &*self.driver_sources
    }

    /// Names that were looked up not long ago.
    pub(crate) fn names(&self) -> &RefCell<Names> {
        &self.names
    }

    pub(super) const fn ring(&self) -> &Ring {
        &self.ring
    }

    pub(super) fn task_waker(&self, token: Token) -> Waker {
        self.wakes.waker(Sleeper::Task(token))
    }

    /// The waker of a connection, for a poll that begins. It is kept, so that a connection that
    /// waits often pays for it once.
    fn connection_waker(&self, token: Token) -> Waker {
        self.budget.begin_poll();
        let mut wakers = self.wakers.borrow_mut();
        let slot = token.index as usize;
        if wakers.len() <= slot {
            wakers.resize(slot + 1, None);
        }
        match &wakers[slot] {
            Some((generation, waker)) if *generation == token.generation => waker.clone(),
            _ => {
                let waker = self.wakes.waker(Sleeper::Connection(token));
                wakers[slot] = Some((token.generation, waker.clone()));
                waker
            }
        }
    }
}

/// As much of `time` as `part` is of `whole`; all of it where a count has jumped.
fn share(time: Duration, part: u64, whole: u64) -> Duration {
    if part >= whole { time } else { time.mul_f64(part as f64 / whole as f64) }
}

/// Makes the waker that brings the connection at hand back to its protocol.
#[derive(Clone, Copy, Debug)]
pub struct Waking<'w> {
    local: &'w Local,
    token: Token,
}

impl<'w> Waking<'w> {
    #[inline]
    pub(crate) fn new(local: &'w Local, token: Token) -> Self {
        Self { local, token }
    }

    /// A waker after whose [`wake`](Waker::wake), from any thread, the protocol is called again for
    /// this connection; to be asked for before each poll of its future, which may do so much and
    /// no more before it gives way. Allocates the first time it is asked for by a connection.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.local.connection_waker(self.token)
    }
}

/// Most tasks of one worker at a time.
pub(super) const TASKS_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_takes_its_share_of_the_turn_and_never_more_than_all() {
        let time = Duration::from_millis(8);
        assert_eq!(share(time, 1_000, 4_000), Duration::from_millis(2));
        assert_eq!(share(time, 0, 4_000), Duration::ZERO);
        assert_eq!(share(time, 4_000, 4_000), time);
        // The count went back, or stood still.
        assert_eq!(share(time, u64::MAX - 5, 7), time);
        assert_eq!(share(time, 0, 0), time);
    }
}
