//! What happens in a poll: faults of the clock, arrivals, reports, and time passing when there is
//! nothing else.

use std::io;
use std::time::Duration;

use super::Fault;
use super::port::Pace;
use super::schedule::Action;
use super::state::{State, worker_id};
use super::trace::Step;
use crate::{Event, Readiness, Token};

impl State {
    pub(super) fn poll(
        &mut self,
        worker: usize,
        timeout: Option<Duration>,
        events: &mut Vec<Event>,
    ) -> io::Result<()> {
        self.ports[worker].pace = Pace::Running;
        self.trace.step(Step::Poll, worker_id(worker), clock_word(self.now));
        if self.chance.strikes(Fault::InterruptedPoll) {
            return Err(io::Error::from_raw_os_error(libc::EINTR));
        }
        self.disturb_clocks();
        self.disturb_peers();
        let deadline = timeout.map(|timeout| self.now.saturating_add(timeout));
        let before = events.len();
        loop {
            self.run_due();
            self.settle();
            self.report(worker, events);
            if events.len() > before {
                self.ports[worker].pace = Pace::Running;
                break;
            }
            if !self.pass_time(worker, deadline) {
                break;
            }
        }
        let reported = &mut events[before..];
        if reported.len() > 1 && self.chance.strikes(Fault::ReorderedEvents) {
            self.chance.shuffle(reported);
        }
        for event in &events[before..] {
            self.trace.step(Step::Report, worker_id(worker), event_word(event));
        }
        Ok(())
    }

    /// Moves the clock to `target` with everything that happens on the way.
    pub(super) fn advance_to(&mut self, target: Duration) {
        while let Some(time) = self.schedule.next_time().filter(|time| *time <= target) {
            self.now = self.now.max(time);
            self.run_due();
        }
        self.now = self.now.max(target);
        self.trace.step(Step::Clock, worker_id(0), clock_word(self.now));
    }

    /// Whether every worker waits without limit and nothing is going to happen.
    pub(super) fn is_idle(&self) -> bool {
        self.schedule.is_empty()
            && self.restless.is_empty()
            && self.ports.iter().all(|port| port.is_quiet() && port.deadline().is_none())
    }

    /// Lets time pass up to the next thing that happens, unless another worker must run first.
    /// `false` when no time may pass.
    fn pass_time(&mut self, worker: usize, deadline: Option<Duration>) -> bool {
        self.ports[worker].pace = Pace::Waiting(deadline);
        if deadline.is_some_and(|deadline| deadline <= self.now) {
            return false;
        }
        if self.frozen_polls > 0 {
            self.frozen_polls -= 1;
            return false;
        }
        if !self.ports.iter().all(|port| port.is_quiet()) {
            return false;
        }
        let deadlines = self.ports.iter().filter_map(|port| port.deadline());
        let Some(target) = deadlines.chain(self.schedule.next_time()).min() else { return false };
        let passes = target > self.now;
        self.now = self.now.max(target);
        passes
    }

    fn disturb_clocks(&mut self) {
        if self.chance.strikes(Fault::ClockJump) {
            let jump = self.chance.duration_to(self.chance.faults.clock_jump_max);
            self.now = self.now.saturating_add(jump);
        }
        if self.chance.strikes(Fault::ClockFreeze) {
            self.frozen_polls = self.chance.up_to(self.chance.faults.freeze_polls_max);
        }
        if self.chance.strikes(Fault::WallClockJump) {
            let jump = self.chance.duration_to(self.chance.faults.wall_jump_max);
            self.wall_error = (jump, self.chance.coin());
        }
    }

    fn disturb_peers(&mut self) {
        if self.open_sockets == 0 || !self.chance.strikes(Fault::PeerReset) {
            return;
        }
        let chosen = self.chance.below(self.connections.len());
        let id = self.connections.tokens().nth(chosen).expect("chosen below the length");
        let connection = self.connection(id);
        if !connection.server_gone {
            connection.break_off(Some(libc::ECONNRESET));
            self.touch(id);
        }
    }

    fn run_due(&mut self) {
        while let Some(action) = self.schedule.take_due(self.now) {
            match action {
                Action::ClientSend(id, bytes) => self.client_send(id, &bytes),
                Action::ClientShutdown(id) => self.client_shutdown(id),
                Action::ClientClose(id) => self.client_close(id),
                Action::ClientReset(id) => self.client_reset(id),
                Action::Stir(id) => self.settle_one(id),
                Action::Announce(id) => self.announce(id),
                Action::Repeat(worker, event) => self.ports[worker].repeats.push_back(event),
                Action::FileWork(worker, finished) => {
                    self.ports[worker].files_done.push(finished);
                    self.ports[worker].repeats.push_back(Event::Wake);
                }
            }
        }
    }

    /// What faults and buffers have held back arrives, or is delayed.
    fn settle(&mut self) {
        std::mem::swap(&mut self.restless, &mut self.settling);
        while let Some(id) = self.settling.pop() {
            if self.chance.strikes(Fault::DelayedEvent) {
                self.delay(Action::Stir(id));
            } else {
                self.settle_one(id);
            }
        }
    }

    fn settle_one(&mut self, id: Token) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.restless = false;
            connection.settle();
            self.touch(id);
        }
    }

    fn announce(&mut self, id: Token) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.queued = false;
            self.touch(id);
        }
    }

    fn delay(&mut self, action: Action) {
        let delay = self.chance.duration_to(self.chance.faults.delay_max);
        self.schedule.plan(self.now.saturating_add(delay), action);
    }

    fn report(&mut self, worker: usize, events: &mut Vec<Event>) {
        let port = &mut self.ports[worker];
        if port.waker.take() {
            events.push(Event::Wake);
        }
        events.extend(port.repeats.drain(..));
        let connections_wait = std::mem::take(&mut port.listener_news) && !port.backlog.is_empty();
        let ready_count = port.ready.len().min(EVENTS_MAX);
        if connections_wait {
            if self.chance.strikes(Fault::DelayedEvent) {
                self.delay(Action::Repeat(worker, Event::Listener(0)));
            } else {
                events.push(Event::Listener(0));
            }
        }
        for _ in 0..ready_count {
            let Some(id) = self.ports[worker].ready.pop_front() else { break };
            self.report_one(worker, id, events);
        }
        if self.chance.strikes(Fault::SpuriousEvent) {
            self.report_spurious(worker, events);
        }
        let closed = &self.ports[worker].closed;
        if !closed.is_empty() && self.chance.strikes(Fault::StaleEvent) {
            let token = closed[self.chance.below(closed.len())];
            let readiness = self.any_readiness();
            events.push(Event::Socket { token, readiness });
        }
    }

    fn report_one(&mut self, worker: usize, id: Token, events: &mut Vec<Event>) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let Some(registration) = connection.registration else { return };
        if self.chance.strikes(Fault::DelayedEvent) {
            // It stays queued until then, so that it is not reported meanwhile.
            return self.delay(Action::Announce(id));
        }
        let level = connection.level();
        let news = std::mem::take(&mut connection.news);
        connection.queued = false;
        let readiness = if self.chance.strikes(Fault::CoalescedEvent) {
            level
        } else {
            Readiness {
                readable: news.readable && level.readable,
                writable: news.writable && level.writable,
                read_closed: news.read_closed && level.read_closed,
            }
        };
        if readiness == Readiness::default() {
            return;
        }
        let event = Event::Socket { token: registration.token, readiness };
        events.push(event);
        if self.chance.strikes(Fault::DuplicateEvent) {
            if self.chance.coin() {
                events.push(event);
            } else {
                self.delay(Action::Repeat(worker, event));
            }
        }
    }

    fn report_spurious(&mut self, worker: usize, events: &mut Vec<Event>) {
        let mine = |token: &Token| {
            let connection = self.connections.get(*token);
            connection.and_then(|one| one.registration).filter(|one| one.worker == worker)
        };
        let count = self.connections.tokens().filter(|token| mine(token).is_some()).count();
        let chosen = self.chance.below(count + 1);
        let registration = self.connections.tokens().filter_map(|token| mine(&token)).nth(chosen);
        match registration {
            Some(registration) => {
                let readiness = self.any_readiness();
                events.push(Event::Socket { token: registration.token, readiness });
            }
            None if self.ports[worker].listening => events.push(Event::Listener(0)),
            None => events.push(Event::Wake),
        }
    }

    /// Never claims an end: that would not be spurious but a lie.
    fn any_readiness(&mut self) -> Readiness {
        let readable = self.chance.coin();
        let writable = !readable || self.chance.coin();
        Readiness { readable, writable, read_closed: false }
    }
}

/// As many as the production driver takes from the kernel at once.
const EVENTS_MAX: usize = 1024;

fn clock_word(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn event_word(event: &Event) -> u64 {
    match event {
        Event::Wake => 1,
        Event::Listener(index) => 2 | (*index as u64) << 8,
        Event::Socket { token, readiness } => {
            let bits = [readiness.readable, readiness.writable, readiness.read_closed];
            let bits = bits.into_iter().fold(0, |word, bit| word << 1 | u64::from(bit));
            token.to_usize() as u64 ^ (bits | 3 << 3) << 56
        }
    }
}
