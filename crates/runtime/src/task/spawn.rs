//! Futures that run beside the requests of their worker.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use waterwheel_reactor::{Slab, Token};

use super::local::Local;

/// The tasks of one worker. One is taken out while it is polled.
pub(super) type Tasks = Slab<Option<Task>>;

/// A future that writes its output where its handle finds it, and what wakes it.
pub(super) struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    waker: Waker,
}

/// Runs `future` on this worker, beside whatever else it does, and returns a handle that can wait
/// for its output. It is polled for the first time before this returns, and goes on when the handle
/// is dropped; when the worker ends it is dropped.
///
/// A future that panics is dropped; its handle then never completes.
///
/// # Panics
/// On a thread that runs no worker, and when the worker has a million tasks already.
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let local = Local::current();
    let slot = Rc::new(RefCell::new(Slot { output: None, waiter: None }));
    let filled = Rc::clone(&slot);
    let future = Box::pin(async move {
        let output = future.await;
        let waiter = {
            let mut slot = filled.borrow_mut();
            slot.output = Some(output);
            slot.waiter.take()
        };
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    });
    let token = local
        .tasks()
        .borrow_mut()
        .insert_with(|token| Some(Task { future, waker: local.task_waker(token) }));
    local.run_task(token.expect("a worker has fewer than a million tasks"));
    JoinHandle { slot }
}

impl Local {
    /// Polls one task, if it is still there and not being polled right now.
    pub(super) fn run_task(&self, token: Token) {
        let taken = self.tasks().borrow_mut().get_mut(token).and_then(Option::take);
        let Some(mut task) = taken else { return };
        let Task { future, waker } = &mut task;
        // What a panic leaves torn is the future's own, and that is dropped.
        let poll = AssertUnwindSafe(|| future.as_mut().poll(&mut Context::from_waker(waker)));
        let polled = catch_unwind(poll);
        let is_pending = matches!(polled, Ok(Poll::Pending));
        let ended = {
            let mut tasks = self.tasks().borrow_mut();
            match tasks.get_mut(token) {
                Some(place) if is_pending => place.replace(task),
                _ => {
                    tasks.remove(token);
                    Some(task)
                }
            }
        };
        // Dropped last: it may spawn, or drop a handle.
        drop(ended);
    }

    /// Tasks that have not ended.
    pub(crate) fn task_count(&self) -> usize {
        self.tasks().borrow().len()
    }

    /// Drops all tasks.
    pub(crate) fn end_tasks(&self) {
        loop {
            let tokens: Vec<_> = self.tasks().borrow().tokens().collect();
            if tokens.is_empty() {
                return;
            }
            for token in tokens {
                let task = self.tasks().borrow_mut().remove(token);
                drop(task);
            }
        }
    }
}

/// Waits for the output of a task of [`spawn_local`].
#[must_use = "the task goes on without it, but its output is lost"]
pub struct JoinHandle<T> {
    slot: Rc<RefCell<Slot<T>>>,
}

struct Slot<T> {
    output: Option<T>,
    waiter: Option<Waker>,
}

impl<T> Future for JoinHandle<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut slot = self.slot.borrow_mut();
        if slot.output.is_none() {
            slot.waiter = Some(context.waker().clone());
            return Poll::Pending;
        }
        // Tasks that end at once could be spawned and awaited for ever.
        ready!(Local::poll_budget_left(context));
        slot.output.take().map_or(Poll::Pending, Poll::Ready)
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").finish_non_exhaustive()
    }
}
