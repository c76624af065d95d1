//! Work on files that futures wait for.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use waterwheel_reactor::disk::{Disk, Done, Finished, Work};
use waterwheel_reactor::{Slab, Token};

use crate::task::Local;

/// One worker's disk, and who waits for it.
#[derive(Debug)]
pub(crate) struct Operations {
    disk: Rc<dyn Disk>,
    open: RefCell<Slab<State>>,
    /// Works that the disk has, those whose future is gone included.
    outstanding: Cell<usize>,
    /// The disk wants to be called: work was started, or it had too much of it.
    is_due: Cell<bool>,
    /// Empty between turns, kept for its capacity.
    finished: RefCell<Vec<Finished>>,
}

#[derive(Debug)]
enum State {
    Waiting(Waker),
    Done(io::Result<Done>),
}

impl Operations {
    pub(crate) fn new(disk: Rc<dyn Disk>) -> Self {
        Self {
            disk,
            open: RefCell::new(Slab::new(OPERATIONS_MAX)),
            outstanding: Cell::new(0),
            is_due: Cell::new(false),
            finished: RefCell::default(),
        }
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// Works that have not come back from the disk.
    #[inline]
    pub(crate) fn outstanding(&self) -> usize {
        self.outstanding.get()
    }

    /// Works that have not come back, or whose results nobody has taken.
    pub(crate) fn count(&self) -> usize {
        self.outstanding.get().max(self.open.borrow().len())
    }

    /// Whether the disk wants to be called before the worker waits.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.is_due.get()
    }

    /// Lets the disk take up work, and wakes those whose work is done.
    #[cold]
    pub(crate) fn turn(&self) {
        let mut finished = mem::take(&mut *self.finished.borrow_mut());
        self.is_due.set(self.disk.turn(&mut finished));
        self.outstanding.set(self.outstanding.get() - finished.len());
        for Finished { token, result } in finished.drain(..) {
            // The borrow ends before anything foreign runs: a waker, or the drop of a buffer that
            // nobody waits for any more.
            let noted = match self.open.borrow_mut().get_mut(token) {
                Some(state) => Ok(mem::replace(state, State::Done(result))),
                None => Err(result),
            };
            if let Ok(State::Waiting(waker)) = noted {
                waker.wake();
            }
        }
        *self.finished.borrow_mut() = finished;
    }

    fn start(&self, work: Work, waker: &Waker) -> io::Result<Token> {
        let state = |_| State::Waiting(waker.clone());
        let token = self.open.borrow_mut().insert_with(state);
        let token = token.ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        self.disk.start(token, work);
        self.outstanding.set(self.outstanding.get() + 1);
        self.is_due.set(true);
        Ok(token)
    }

    fn forget(&self, token: Token) {
        let state = self.open.borrow_mut().remove(token);
        if matches!(state, Some(State::Waiting(_))) && self.disk.forget(token) {
            self.outstanding.set(self.outstanding.get() - 1);
        }
    }

    fn poll(&self, token: Token, waker: &Waker) -> Poll<io::Result<Done>> {
        let mut open = self.open.borrow_mut();
        match open.get_mut(token) {
            Some(State::Waiting(known)) => {
                known.clone_from(waker);
                return Poll::Pending;
            }
            Some(State::Done(_)) => {}
            None => return Poll::Ready(Err(io::ErrorKind::NotFound.into())),
        }
        match open.remove(token) {
            Some(State::Done(result)) => Poll::Ready(result),
            _ => Poll::Pending,
        }
    }
}

/// Work on a file, awaited. Dropped before it is done, it is taken back, or left to end by itself
/// where it has begun.
#[must_use = "a future does nothing unless it is awaited"]
pub(super) struct Operation {
    local: Rc<Local>,
    stage: Stage,
}

enum Stage {
    New(Work),
    Started(Token),
    Over,
}

impl Operation {
    /// For the worker of the calling future.
    pub(super) fn new(local: &Rc<Local>, work: Work) -> Self {
        Self { local: Rc::clone(local), stage: Stage::New(work) }
    }
}

impl Future for Operation {
    type Output = io::Result<Done>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let files = this.local.files();
        match mem::replace(&mut this.stage, Stage::Over) {
            Stage::New(work) => match files.start(work, context.waker()) {
                Ok(token) => {
                    this.stage = Stage::Started(token);
                    Poll::Pending
                }
                Err(error) => Poll::Ready(Err(error)),
            },
            Stage::Started(token) => {
                let polled = files.poll(token, context.waker());
                if polled.is_pending() {
                    this.stage = Stage::Started(token);
                }
                polled
            }
            Stage::Over => Poll::Pending,
        }
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        if let Stage::Started(token) = self.stage {
            self.local.files().forget(token);
        }
    }
}

/// Most works of one worker's futures at a time. Each is a request that waits.
const OPERATIONS_MAX: usize = 1 << 16;
