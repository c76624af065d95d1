//! Where workers leave connections for each other: those whose next request is expensive and has
//! not begun, for whichever of them is free first, and those that were just accepted, for the one
//! that has fewest.
//!
//! One queue of the former for all workers and one of the latter for each, under one lock, touched
//! only where expensive requests are and where few connections are open: plain requests never come
//! by. What has begun never moves.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use waterwheel_reactor::{Instant, PeerAddress, Wake};

use crate::control::Pulse;

/// What the workers of a runtime share to hand connections to each other: `S` is their driver's
/// socket and `C` what their protocol packs a connection into.
pub struct Handover<S, C> {
    state: Mutex<State<S, C>>,
}

struct State<S, C> {
    /// Oldest first.
    offered: VecDeque<Parcel<S, C>>,
    members: Vec<Member<S>>,
    /// Who was called last.
    called_last: usize,
}

/// One worker, as the others see it.
struct Member<S> {
    wake: Box<dyn Fn() + Send>,
    pulse: Arc<Pulse>,
    /// Accepted by others, and not begun.
    dealt: VecDeque<Fresh<S>>,
    /// It has ended.
    has_left: bool,
    /// It runs an expensive request, and looks here when it has.
    is_busy: bool,
    /// It was woken to look here, and has not yet.
    is_called: bool,
}

/// A connection on its way: all its bytes are in `received`.
#[derive(Debug)]
pub(crate) struct Parcel<S, C> {
    pub(crate) socket: S,
    pub(crate) state: C,
    pub(crate) received: Vec<u8>,
    pub(crate) progressed: Instant,
    /// It is counted against the cap of its address, which all workers share.
    pub(crate) counted: bool,
    /// Since when its request has waited.
    pub(crate) deferred: Instant,
}

/// A connection that was accepted, and of which nothing else is known.
#[derive(Debug)]
pub(crate) struct Fresh<S> {
    pub(crate) socket: S,
    pub(crate) peer: PeerAddress,
    pub(crate) endpoint: usize,
}

/// A worker's place at a [`Handover`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat(usize);

impl<S, C> Handover<S, C> {
    /// For workers that are still to join.
    #[must_use]
    pub fn new() -> Self {
        let state = State { offered: VecDeque::new(), members: Vec::new(), called_last: 0 };
        Self { state: Mutex::new(state) }
    }

    /// Adds a worker, which `waker` wakes and which shows itself by `pulse`.
    pub(crate) fn join(&self, waker: impl Wake, pulse: Arc<Pulse>) -> Seat {
        let wake = Box::new(move || waker.wake());
        let members = &mut self.lock().members;
        let (dealt, has_left) = (VecDeque::new(), false);
        members.push(Member { wake, pulse, dealt, has_left, is_busy: false, is_called: false });
        Seat(members.len() - 1)
    }

    /// The worker ends, and is called no more. What was dealt to it meanwhile is another's.
    pub(crate) fn leave(&self, seat: Seat) {
        let mut state = self.lock();
        let member = &mut state.members[seat.0];
        (member.is_busy, member.has_left) = (true, true);
        let left_over = std::mem::take(&mut member.dealt);
        if let Some(other) = state.members.iter_mut().find(|member| !member.has_left) {
            other.dealt.extend(left_over);
            (other.wake)();
        }
    }

    /// Gives a connection that the worker has accepted to the one that has fewest, if that has so
    /// much fewer than the `own_count` of this one that it is worth a wake-up. Otherwise returns
    /// it.
    pub(crate) fn deal(&self, seat: Seat, own_count: usize, fresh: Fresh<S>) -> Option<Fresh<S>> {
        let mut state = self.lock();
        let others = state.members.iter_mut().enumerate().filter(|(index, _)| *index != seat.0);
        let free = others.filter(|(_, member)| !member.is_busy);
        let least =
            free.map(|(_, member)| (member.pulse.meter.open() + member.dealt.len(), member));
        match least.min_by_key(|(count, _)| *count) {
            Some((count, member)) if own_count > count + own_count / UNEVEN_SHARE => {
                member.dealt.push_back(fresh);
                (member.wake)();
                None
            }
            _ => Some(fresh),
        }
    }

    /// What was dealt to the worker.
    pub(crate) fn take_dealt(&self, seat: Seat) -> Option<Fresh<S>> {
        self.lock().members[seat.0].dealt.pop_front()
    }

    /// Whether anything waits for this worker, or for any.
    pub(crate) fn waits_for(&self, seat: Seat) -> bool {
        self.lock().waits_for(seat)
    }

    /// Queues the connection that `pack` makes, if there is room for it and it makes one, and calls
    /// a worker that is free, if there is one besides the one that offers it.
    pub(crate) fn offer(&self, seat: Seat, pack: impl FnOnce() -> Option<Parcel<S, C>>) -> bool {
        let mut state = self.lock();
        if state.offered.len() >= OFFERED_MAX {
            return false;
        }
        let Some(parcel) = pack() else { return false };
        state.offered.push_back(parcel);
        state.call_one_besides(seat);
        true
    }

    /// The worker is about to run an expensive request. Hands it the oldest one that is offered, if
    /// it `may_take` one and that has waited for longer than its own, which it has since `own`.
    pub(crate) fn begin(
        &self,
        seat: Seat,
        own: Option<Instant>,
        may_take: bool,
    ) -> Option<Parcel<S, C>> {
        let mut state = self.lock();
        let is_older = |parcel: &Parcel<S, C>| own.is_none_or(|own| parcel.deferred < own);
        let takes = may_take && state.offered.front().is_some_and(is_older);
        let parcel = if takes { state.offered.pop_front() } else { None };
        let member = &mut state.members[seat.0];
        member.is_called = false;
        member.is_busy = parcel.is_some() || own.is_some();
        parcel
    }

    /// The worker is free again. Whether any connection waits for that.
    pub(crate) fn end(&self, seat: Seat) -> bool {
        let mut state = self.lock();
        state.members[seat.0].is_busy = false;
        state.waits_for(seat)
    }

    /// Each worker's part of those that are offered now.
    pub(crate) fn share(&self) -> usize {
        let state = self.lock();
        state.offered.len().div_ceil(state.members.len().max(1))
    }

    /// Connections that are offered now.
    pub fn len(&self) -> usize {
        self.lock().offered.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, State<S, C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S, C> State<S, C> {
    fn waits_for(&self, seat: Seat) -> bool {
        !self.offered.is_empty() || !self.members[seat.0].dealt.is_empty()
    }

    /// Wakes the next worker in the round that is free and was not called already.
    fn call_one_besides(&mut self, seat: Seat) {
        let count = self.members.len();
        let mut round = (1..=count).map(|step| (self.called_last + step) % count);
        let found = round.find(|&index| {
            let member = &self.members[index];
            index != seat.0 && !member.is_busy && !member.is_called
        });
        if let Some(index) = found {
            self.called_last = index;
            self.members[index].is_called = true;
            (self.members[index].wake)();
        }
    }
}

impl<S, C> Default for Handover<S, C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S, C> fmt::Debug for Handover<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover").field("offered", &self.len()).finish_non_exhaustive()
    }
}

/// Most connections in the queue: at 1 ms each, two workers need a quarter of a second for them.
/// What is more waits with its own worker.
pub(crate) const OFFERED_MAX: usize = 512;

/// A worker that has this share more than another deals what it accepts to that one; with fewer
/// than eight, one more is enough. Below that the kernel's choice is as good, and costs no wake-up.
const UNEVEN_SHARE: usize = 8;
