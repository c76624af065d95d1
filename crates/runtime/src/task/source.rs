//! What a worker's futures wait for besides time and each other: connections that they make, and
//! descriptors of others. Owns what is known of each and who waits; does no reading or writing.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use waterwheel_reactor::{Outgoing, Readiness, Remote, Slab, Token};

use super::local::Local;

/// The sources of one worker.
pub(super) type Entries = Slab<Entry>;

/// What is known of a source, and who waits for what.
#[derive(Debug, Default)]
pub(super) struct Entry {
    readiness: Readiness,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Local {
    /// Notes what an event tells of a source, and wakes who waits for it. `false` when `token`
    /// names none that is there.
    #[cold]
    pub(crate) fn note_source(&self, token: Token, readiness: Readiness) -> bool {
        let Some(key) = key_of(token) else { return false };
        let (reader, writer) = {
            let mut sources = self.entries().borrow_mut();
            let Some(entry) = sources.get_mut(key) else { return false };
            entry.readiness.readable |= readiness.readable;
            entry.readiness.writable |= readiness.writable;
            entry.readiness.read_closed |= readiness.read_closed;
            let reader = entry.reader.take_if(|_| readiness.readable);
            (reader, entry.writer.take_if(|_| readiness.writable))
        };
        // Released first: a waker is foreign code.
        reader.into_iter().chain(writer).for_each(Waker::wake);
        true
    }

    /// Sources that are there now.
    pub(crate) fn source_count(&self) -> usize {
        self.entries().borrow().len()
    }
}

/// The place of a source among those of its worker. Gone when dropped; events that come later find
/// nobody.
pub(crate) struct Place {
    local: Rc<Local>,
    key: Token,
}

impl Place {
    /// A place on the worker of the calling future, and what `begin` returned for its token.
    ///
    /// # Errors
    /// Those of `begin`; [`io::ErrorKind::QuotaExceeded`] when the worker has [`SOURCES_MAX`].
    ///
    /// # Panics
    /// On a thread that runs no worker.
    fn begin<T>(begin: impl FnOnce(&Local, Token) -> io::Result<T>) -> io::Result<(Self, T)> {
        let local = Local::current();
        let key = local.entries().borrow_mut().insert_with(|_| Entry::default());
        let Some(key) = key else { return Err(io::ErrorKind::QuotaExceeded.into()) };
        let place = Self { local, key };
        let begun = begin(&place.local, token_of(key))?;
        Ok((place, begun))
    }

    /// Connects to `remote`.
    pub(crate) fn connect(remote: &Remote) -> io::Result<(Self, Box<dyn Outgoing>)> {
        Self::begin(|local, token| local.driver_sources().connect(remote, token))
    }

    /// Ready when a read may give something: bytes, an end or an error. Only the task that asked
    /// last is woken.
    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        self.with(|entry| match entry.readiness.readable {
            true => Poll::Ready(()),
            false => wait(&mut entry.reader, context),
        })
    }

    /// Ready when a write may succeed. Only the task that asked last is woken.
    pub(crate) fn poll_writable(&self, context: &mut Context<'_>) -> Poll<()> {
        self.with(|entry| match entry.readiness.writable {
            true => Poll::Ready(()),
            false => wait(&mut entry.writer, context),
        })
    }

    /// Ready while the future that is being polled may go on.
    pub(crate) fn poll_budget_left(&self, context: &Context<'_>) -> Poll<()> {
        self.local.budget().poll_left(context)
    }

    /// Tells that so many bytes were read or written.
    pub(crate) fn charge(&self, len: usize) {
        self.local.budget().charge_socket(len);
    }

    /// A read came up short: the next bytes are a new edge. An end that was reported is not.
    pub(crate) fn note_short_read(&self) {
        self.with(|entry| entry.readiness.readable = entry.readiness.read_closed);
    }

    /// A read found nothing.
    pub(crate) fn note_unreadable(&self) {
        self.with(|entry| entry.readiness.readable = false);
    }

    /// Calls again what the machine had no memory for: no edge will come.
    pub(crate) fn retry_later(&self, context: &Context<'_>) {
        // Nobody forgets this timer when the future is dropped; it wakes nobody then.
        self.local.set_timer(self.local.now() + PRESSURE_RETRY, context.waker().clone());
    }

    /// A write found no room.
    pub(crate) fn note_unwritable(&self) {
        self.with(|entry| entry.readiness.writable = false);
    }

    fn with<R>(&self, change: impl FnOnce(&mut Entry) -> R) -> R {
        let mut sources = self.local.entries().borrow_mut();
        change(sources.get_mut(self.key).expect("an entry lives as long as its place"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let entry = self.local.entries().borrow_mut().remove(self.key);
        // Outside the borrow: a waker is foreign code.
        drop(entry);
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A descriptor that the worker's poll watches: an eventfd, a pipe, a signalfd. Watched until it is
/// dropped.
///
/// Readiness is edge-triggered: read until `WouldBlock`, say so by
/// [`note_unreadable`](Self::note_unreadable), and wait again.
#[derive(Debug)]
pub struct Watched<F: AsFd> {
    descriptor: F,
    place: Place,
}

impl<F: AsFd> Watched<F> {
    /// Watches `descriptor`, which should not block, on the worker of the calling future.
    ///
    /// # Errors
    /// The kernel's, such as `EPERM` for a regular file; [`io::ErrorKind::Unsupported`] under a
    /// simulated driver; [`io::ErrorKind::QuotaExceeded`] at a million sources of one worker.
    ///
    /// # Panics
    /// On a thread that runs no worker.
    pub fn new(descriptor: F) -> io::Result<Self> {
        let (place, ()) =
            Place::begin(|local, token| local.driver_sources().watch(descriptor.as_fd(), token))?;
        Ok(Self { descriptor, place })
    }

    /// Ready when reading may give something. Only the task that asked last is woken.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        ready!(self.place.poll_readable(context));
        ready!(self.place.poll_budget_left(context));
        self.place.local.budget().charge(0);
        Poll::Ready(())
    }

    /// Completes when reading may give something.
    pub async fn readable(&self) {
        std::future::poll_fn(|context| self.poll_readable(context)).await;
    }

    /// Says that a read found nothing: the next edge makes it readable again.
    pub fn note_unreadable(&self) {
        self.place.note_unreadable();
    }

    /// The descriptor.
    pub const fn get_ref(&self) -> &F {
        &self.descriptor
    }
}

impl<F: AsFd> Drop for Watched<F> {
    fn drop(&mut self) {
        // It fails for a descriptor that is not registered, which is what we want.
        drop(self.place.local.driver_sources().unwatch(self.descriptor.as_fd()));
    }
}

fn wait(waiter: &mut Option<Waker>, context: &Context<'_>) -> Poll<()> {
    match waiter {
        Some(waker) => waker.clone_from(context.waker()),
        None => *waiter = Some(context.waker().clone()),
    }
    Poll::Pending
}

/// The driver knows a source by its key with this bit set. Connections stay far below it.
const SOURCE_BIT: u32 = 1 << 31;

const fn token_of(key: Token) -> Token {
    Token { index: key.index | SOURCE_BIT, generation: key.generation }
}

const fn key_of(token: Token) -> Option<Token> {
    match token.index & SOURCE_BIT {
        0 => None,
        _ => Some(Token { index: token.index & !SOURCE_BIT, generation: token.generation }),
    }
}

/// How soon a call is made again that found the machine short of memory.
const PRESSURE_RETRY: Duration = Duration::from_millis(1);

/// Most sources of one worker at a time: more than its process can have descriptors.
pub(super) const SOURCES_MAX: usize = 1 << 20;
