//! The connections of one core: in use, kept for the next request, and waited for.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use waterwheel_runtime::Instant;
use waterwheel_runtime::net::Stream;
use waterwheel_runtime::task::{now, sleep, spawn_local, timeout};

use crate::{ClientError, Config, Origin};

/// The connections of one client.
pub(crate) struct Pool {
    config: Rc<Config>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    hosts: HashMap<Rc<Origin>, Host>,
    /// A task looks after idle connections.
    is_swept: bool,
    waits: u64,
}

#[derive(Default)]
struct Host {
    /// The one used last is at the end.
    idle: Vec<Idle>,
    /// Connections in use, kept, or being made.
    open: usize,
    /// Requests that wait for a connection, oldest first.
    waiting: Vec<(u64, Waker)>,
}

struct Idle {
    stream: Stream,
    until: Instant,
}

impl Pool {
    pub(crate) fn new(config: Rc<Config>) -> Rc<Self> {
        Rc::new(Self { config, state: RefCell::default() })
    }

    /// A connection to `origin`: one that is kept, unless `is_fresh` is asked for, or a new one.
    pub(crate) async fn take(
        self: &Rc<Self>,
        origin: &Rc<Origin>,
        is_fresh: bool,
    ) -> Result<Checkout, ClientError> {
        let taking = async {
            let (permit, kept) = Taking { pool: self, origin, is_fresh, wait: None }.await;
            if let Some(stream) = kept {
                return Ok(Checkout { stream: Rc::new(stream), permit, is_reused: true });
            }
            // Its own limit of time is the one around it.
            match origin.connect(self.config.connect_timeout).await {
                Ok(stream) => Ok(Checkout { stream: Rc::new(stream), permit, is_reused: false }),
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    Err(ClientError::ConnectTimeout)
                }
                Err(error) => Err(ClientError::Connect(error)),
            }
        };
        let taken = timeout(self.config.connect_timeout, taking).await;
        taken.unwrap_or(Err(ClientError::ConnectTimeout))
    }

    /// Connections that are kept for the next request.
    pub(crate) fn idle_count(&self) -> usize {
        self.state.borrow().hosts.values().map(|host| host.idle.len()).sum()
    }

    /// One that is kept, or the right to make one; `None` when there are too many.
    fn try_take(
        self: &Rc<Self>,
        origin: &Rc<Origin>,
        is_fresh: bool,
    ) -> Option<(Permit, Option<Stream>)> {
        let now = now();
        let mut state = self.state.borrow_mut();
        let host = state.hosts.entry(Rc::clone(origin)).or_default();
        let permit = || {
            let (pool, origin) = (Rc::clone(self), Rc::clone(origin));
            Permit { pool, origin, is_kept: false }
        };
        while !is_fresh && let Some(idle) = host.idle.pop() {
            if idle.until > now && !is_stale(&idle.stream) {
                return Some((permit(), Some(idle.stream)));
            }
            host.open -= 1;
        }
        if host.open >= self.config.connections_max {
            // One that is kept makes room for one that must be fresh.
            host.idle.pop()?;
            host.open -= 1;
        }
        host.open += 1;
        Some((permit(), None))
    }

    /// Keeps a connection for the next request, if there is room and it is quiet.
    fn keep(self: &Rc<Self>, origin: &Rc<Origin>, stream: Stream) {
        if is_stale(&stream) {
            return self.forget(origin);
        }
        let mut state = self.state.borrow_mut();
        let is_swept = std::mem::replace(&mut state.is_swept, true);
        let Some(host) = state.hosts.get_mut(origin) else { return };
        if host.idle.len() < self.config.idle_max {
            host.idle.push(Idle { stream, until: now() + self.config.idle_timeout });
        } else {
            host.open -= 1;
        }
        wake_next(host);
        drop(state);
        if !is_swept {
            // It goes on by itself while anything is kept.
            drop(spawn_local(sweep(Rc::downgrade(self))));
        }
    }

    /// A connection is closed.
    fn forget(&self, origin: &Rc<Origin>) {
        let mut state = self.state.borrow_mut();
        if let Some(host) = state.hosts.get_mut(origin) {
            host.open -= 1;
            wake_next(host);
            if host.open == 0 && host.waiting.is_empty() {
                state.hosts.remove(origin);
            }
        }
    }

    /// Closes what nobody wanted for too long, and what its backend has closed. Returns whether
    /// anything is still kept.
    fn sweep(&self) -> bool {
        let now = now();
        let mut state = self.state.borrow_mut();
        let mut is_any_left = false;
        state.hosts.retain(|_, host| {
            let before = host.idle.len();
            host.idle.retain(|idle| idle.until > now && !is_stale(&idle.stream));
            host.open -= before - host.idle.len();
            is_any_left |= !host.idle.is_empty();
            host.open > 0 || !host.waiting.is_empty()
        });
        state.is_swept = is_any_left;
        is_any_left
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("idle", &self.idle_count()).finish_non_exhaustive()
    }
}

/// Looks after the idle connections of a pool until it keeps none.
async fn sweep(pool: Weak<Pool>) {
    while let Some(alive) = pool.upgrade() {
        let period = alive.config.idle_timeout / SWEEPS_PER_TIMEOUT;
        drop(alive);
        sleep(period).await;
        if !pool.upgrade().is_some_and(|pool| pool.sweep()) {
            return;
        }
    }
}

/// Whether a connection that nobody uses has something to read: its end, or bytes that answer
/// nothing. No system call unless an event has said so.
fn is_stale(stream: &Stream) -> bool {
    !stream.try_read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

fn wake_next(host: &mut Host) {
    if !host.waiting.is_empty() {
        host.waiting.remove(0).1.wake();
    }
}

/// Waits for a connection, or for the right to make one.
struct Taking<'a> {
    pool: &'a Rc<Pool>,
    origin: &'a Rc<Origin>,
    is_fresh: bool,
    wait: Option<u64>,
}

impl Future for Taking<'_> {
    type Output = (Permit, Option<Stream>);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(taken) = self.pool.try_take(self.origin, self.is_fresh) {
            return Poll::Ready(taken);
        }
        let pool = self.pool;
        let mut state = pool.state.borrow_mut();
        let State { hosts, waits, .. } = &mut *state;
        let host = hosts.entry(Rc::clone(self.origin)).or_default();
        let wait = *self.wait.get_or_insert_with(|| {
            *waits += 1;
            *waits
        });
        match host.waiting.iter_mut().find(|(known, _)| *known == wait) {
            Some((_, waker)) => waker.clone_from(context.waker()),
            None => host.waiting.push((wait, context.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for Taking<'_> {
    fn drop(&mut self) {
        let Some(wait) = self.wait else { return };
        let mut state = self.pool.state.borrow_mut();
        let Some(host) = state.hosts.get_mut(self.origin) else { return };
        let place = host.waiting.iter().position(|(known, _)| *known == wait);
        match place {
            Some(place) => drop(host.waiting.remove(place)),
            // It was woken. Whether it took its turn or gave up, the next one looks for itself.
            None => wake_next(host),
        }
    }
}

/// The right to one connection. Dropped, it makes room for another.
struct Permit {
    pool: Rc<Pool>,
    origin: Rc<Origin>,
    /// The connection lives on among those that are kept.
    is_kept: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.is_kept {
            self.pool.forget(&self.origin);
        }
    }
}

/// A connection in use. Dropped, it is closed.
pub(crate) struct Checkout {
    pub(crate) stream: Rc<Stream>,
    permit: Permit,
    /// It has answered a request before.
    pub(crate) is_reused: bool,
}

impl Checkout {
    /// Keeps the connection for the next request.
    pub(crate) fn give_back(self) {
        let Self { stream, mut permit, .. } = self;
        // Whoever else holds it could still use it: then it is closed.
        if let Ok(stream) = Rc::try_unwrap(stream) {
            permit.is_kept = true;
            permit.pool.keep(&permit.origin, stream);
        }
    }
}

impl fmt::Debug for Checkout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkout").field("is_reused", &self.is_reused).finish_non_exhaustive()
    }
}

/// How often idle connections are looked at in the time for which they are kept.
const SWEEPS_PER_TIMEOUT: u32 = 4;
