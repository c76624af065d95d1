//! One connection to Redis for all requests of a core, pipelined.
//!
//! Commands that are asked for in the same turn leave in one write, and their replies are told
//! apart by their order. A task of its own reads and writes; requests only queue and wait. When the
//! connection breaks, everything that waits fails, and the next command makes a new one.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::mem;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use waterwheel::net::{Remote, Stream};
use waterwheel::task::{spawn_local, timeout};

use crate::resp::{Value, read_value, write_command};

/// A core's way to Redis.
pub(crate) struct Redis {
    remote: Remote,
    shared: Rc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Commands that have not been written.
    unsent: RefCell<Vec<u8>>,
    /// Who waits for which reply, in the order of the commands.
    waiting: RefCell<VecDeque<Rc<Slot>>>,
    /// The task that owns the connection, while it waits.
    task: RefCell<Option<Waker>>,
    is_running: Cell<bool>,
}

/// Where the reply to one command is left.
#[derive(Default)]
struct Slot {
    reply: RefCell<Option<Result<Value, RedisError>>>,
    waiter: RefCell<Option<Waker>>,
}

impl Redis {
    pub(crate) fn new(remote: impl Into<Remote>) -> Self {
        Self { remote: remote.into(), shared: Rc::default() }
    }

    /// Sends a command and waits for its reply. Commands of one core are carried out in the order
    /// of these calls. What Redis itself refuses comes as [`Value::Error`].
    pub(crate) fn command(
        &self,
        parts: &[&[u8]],
    ) -> impl Future<Output = Result<Value, RedisError>> + use<> {
        let slot = Rc::<Slot>::default();
        let shared = &self.shared;
        let is_full = shared.waiting.borrow().len() >= WAITING_MAX;
        if is_full {
            slot.answer(Err(RedisError::Busy));
        } else {
            write_command(&mut shared.unsent.borrow_mut(), parts);
            shared.waiting.borrow_mut().push_back(Rc::clone(&slot));
            if !shared.is_running.replace(true) {
                drop(spawn_local(run(self.remote.clone(), Rc::clone(shared))));
            }
            if let Some(task) = shared.task.borrow_mut().take() {
                task.wake();
            }
        }
        async move {
            let reply = poll_fn(|context| slot.poll(context));
            timeout(REPLY_TIMEOUT, reply).await.unwrap_or(Err(RedisError::Late))
        }
    }
}

impl Slot {
    fn answer(&self, reply: Result<Value, RedisError>) {
        *self.reply.borrow_mut() = Some(reply);
        if let Some(waiter) = self.waiter.borrow_mut().take() {
            waiter.wake();
        }
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Result<Value, RedisError>> {
        match self.reply.borrow_mut().take() {
            Some(reply) => Poll::Ready(reply),
            None => {
                *self.waiter.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Connects, and reads and writes until the connection breaks.
async fn run(remote: Remote, shared: Rc<Shared>) {
    let error = match Stream::connect_timeout(remote, CONNECT_TIMEOUT).await {
        Ok(stream) => carry(&stream, &shared).await,
        Err(error) => RedisError::of(&error),
    };
    // What is queued from here on is for the next connection.
    shared.is_running.set(false);
    shared.unsent.borrow_mut().clear();
    let waiting = mem::take(&mut *shared.waiting.borrow_mut());
    waiting.iter().for_each(|slot| slot.answer(Err(error)));
}

/// Writes commands and reads replies at the same time; returns why it ended.
async fn carry(stream: &Stream, shared: &Shared) -> RedisError {
    let mut writing = pin!(async {
        loop {
            let batch = poll_fn(|context| {
                let batch = mem::take(&mut *shared.unsent.borrow_mut());
                if batch.is_empty() {
                    *shared.task.borrow_mut() = Some(context.waker().clone());
                    return Poll::Pending;
                }
                Poll::Ready(batch)
            });
            if let Err(error) = stream.write_all(&batch.await).await {
                return RedisError::of(&error);
            }
        }
    });
    let mut reading = pin!(async {
        let mut received = Vec::new();
        let mut room = vec![0; READ_LEN];
        loop {
            match stream.read(&mut room).await {
                Ok(0) => return RedisError::Ended,
                Ok(count) => received.extend_from_slice(&room[..count]),
                Err(error) => return RedisError::of(&error),
            }
            let mut used = 0;
            while let Some((value, len)) = match read_value(&received[used..]) {
                Ok(read) => read,
                Err(_) => return RedisError::Malformed,
            } {
                used += len;
                let slot = shared.waiting.borrow_mut().pop_front();
                // A value that nobody has asked for.
                let Some(slot) = slot else { return RedisError::Malformed };
                slot.answer(Ok(value));
            }
            received.drain(..used);
        }
    });
    poll_fn(|context| match writing.as_mut().poll(context) {
        Poll::Pending => reading.as_mut().poll(context),
        ended => ended,
    })
    .await
}

/// Why there is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RedisError {
    /// As many commands as may wait do so already.
    Busy,
    /// No reply came in time.
    Late,
    /// Redis ended the connection.
    Ended,
    /// It is not Redis.
    Malformed,
    Io(io::ErrorKind),
}

impl RedisError {
    fn of(error: &io::Error) -> Self {
        Self::Io(error.kind())
    }
}

impl fmt::Display for RedisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too many commands wait for Redis"),
            Self::Late => f.write_str("Redis did not answer in time"),
            Self::Ended => f.write_str("Redis ended the connection"),
            Self::Malformed => f.write_str("the reply is not RESP"),
            Self::Io(kind) => write!(f, "the connection to Redis: {kind}"),
        }
    }
}

impl Error for RedisError {}

/// Commands of one core that may wait for their replies.
const WAITING_MAX: usize = 10_000;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);
const READ_LEN: usize = 16 << 10;
