//! One worker as its world sees it: its listener, what is ready for it, and how far it waits.

use std::collections::VecDeque;
use std::time::Duration;

use super::SimWaker;
use crate::disk::Finished;
use crate::{Event, Token};

/// Whether time may pass for a worker.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// It works on what its last poll reported.
    Running,
    /// Its last poll brought nothing; it would wait until then, or for ever.
    Waiting(Option<Duration>),
}

pub(super) struct Port {
    pub(super) listening: bool,
    pub(super) backlog: VecDeque<Token>,
    /// Something came to the backlog and is not reported yet.
    pub(super) listener_news: bool,
    /// Connections with news.
    pub(super) ready: VecDeque<Token>,
    /// Events to be reported as they are.
    pub(super) repeats: VecDeque<Event>,
    /// Tokens of sockets closed not long ago.
    pub(super) closed: VecDeque<Token>,
    pub(super) pace: Pace,
    pub(super) waker: SimWaker,
    /// Work on files that is done and was not taken.
    pub(super) files_done: Vec<Finished>,
    /// The driver was dropped.
    pub(super) gone: bool,
}

impl Port {
    pub(super) fn new() -> Self {
        Self {
            listening: true,
            backlog: VecDeque::new(),
            listener_news: false,
            ready: VecDeque::new(),
            repeats: VecDeque::new(),
            closed: VecDeque::with_capacity(CLOSED_MAX),
            pace: Pace::Running,
            waker: SimWaker::default(),
            files_done: Vec::new(),
            gone: false,
        }
    }

    /// Whether the worker waits and nothing would end its wait but time.
    pub(super) fn is_quiet(&self) -> bool {
        self.gone || (self.pace != Pace::Running && !self.has_reports())
    }

    fn has_reports(&self) -> bool {
        let connections_wait = self.listener_news && !self.backlog.is_empty();
        connections_wait
            || !self.ready.is_empty()
            || !self.repeats.is_empty()
            || self.waker.is_set()
    }

    /// Until when the worker waits, if only time ends it.
    pub(super) const fn deadline(&self) -> Option<Duration> {
        match self.pace {
            Pace::Waiting(deadline) if !self.gone => deadline,
            _ => None,
        }
    }

    pub(super) fn remember_closed(&mut self, token: Token) {
        if self.closed.len() == CLOSED_MAX {
            self.closed.pop_front();
        }
        self.closed.push_back(token);
    }
}

/// Closed sockets that may still be reported: far more than a worker closes in one turn.
const CLOSED_MAX: usize = 64;
