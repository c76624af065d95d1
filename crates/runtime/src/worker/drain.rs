//! The end of a worker: finish what was begun, accept nothing new, cut what takes too long.

use waterwheel_reactor::{Driver, Instant};

use super::job::announce_drain;
use super::turn::EventLoop;
use crate::Protocol;
use crate::control::Phase;

/// How a drain went, counted in connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Connections that were open when the drain began (or still queued at the listener) and ended
    /// with nothing outstanding.
    pub finished: u64,
    /// Connections closed with an unfinished request or an unsent reply.
    pub cut: u64,
}

impl Report {
    /// Adds another worker's report.
    pub fn add(&mut self, other: Self) {
        self.finished += other.finished;
        self.cut += other.cut;
    }
}

impl<D: Driver, P: Protocol> EventLoop<D, P> {
    /// Follows the control's phase. Called at the start of each turn.
    #[inline]
    pub(super) fn follow_control(&mut self) {
        match self.control.phase() {
            Phase::Running => {}
            Phase::Draining if self.engine.draining => {
                if self.drain_deadline <= self.engine.now {
                    self.cut_all();
                }
                // The others may have gone already.
                self.is_called |= self.has_offers();
            }
            Phase::Draining => self.leave(),
            Phase::Stopping => {
                self.begin_drain();
                self.cut_all();
            }
        }
    }

    /// True when there is nothing left to do and never will be.
    pub(super) fn is_finished(&self) -> bool {
        self.engine.draining && self.connections.is_empty() && !self.has_offers()
    }

    /// Goes on as before until the grace is over, then drains. Who takes over needs none.
    #[cold]
    fn leave(&mut self) {
        let (now, grace) = (self.engine.now, self.engine.config.drain_grace);
        if self.drain_deadline == Instant::MAX {
            self.drain_deadline = now + grace;
        }
        if self.drain_deadline <= now || self.control.is_handed_over() {
            self.begin_drain();
        }
    }

    #[cold]
    fn begin_drain(&mut self) {
        if self.engine.draining {
            return;
        }
        if !self.control.is_handed_over() {
            // What waits in the accept queue was promised service by the kernel: take it in first.
            self.accept.ask_all();
            while self.accept(ACCEPTS_AT_DRAIN) > 0 {}
        }
        self.engine.driver.close_listeners();
        self.accept.close();
        self.engine.draining = true;
        let config = &self.engine.config;
        let left = config.drain_timeout.saturating_sub(config.drain_grace);
        self.drain_deadline = self.engine.now + left;
        for token in self.connections.tokens().collect::<Vec<_>>() {
            if let Some(connection) = self.connections.get_mut(token) {
                announce_drain(connection);
            }
            self.enqueue(token);
        }
    }

    #[cold]
    fn cut_all(&mut self) {
        for token in self.connections.tokens().collect::<Vec<_>>() {
            self.close(token);
        }
    }
}

/// Accepts per step while the queue is emptied at the start of a drain.
const ACCEPTS_AT_DRAIN: usize = 64;
