//! The protocol that puts a session between the worker and the protocol within.

use std::time::{Duration, SystemTime};

use waterwheel_ring::Runs;
use waterwheel_tls::{Acceptor, Received};

use super::channel::{Channel, SecuredConnection};
use super::gate::{Admission, Gate};
use super::parcel::SecuredParcel;
use crate::{Instant, Io, Next, PeerAddress, Protocol};

/// Limits of what TLS costs a worker.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SecuredConfig {
    /// Most handshakes under way at a time. A connection whose first bytes come when so many are is
    /// closed. Each takes some 10 KiB.
    pub handshakes_max: usize,
    /// Most handshakes that go a step further in one turn, so that a crowd of them holds up nobody
    /// whose connection is open: a step with a signature takes 0.1 ms to 1 ms.
    pub handshakes_per_turn_max: usize,
    /// How long nothing must come before a connection drops its expanded keys, which are made again
    /// from its secrets in about 0.3 µs.
    pub rest_after: Duration,
}

impl Default for SecuredConfig {
    fn default() -> Self {
        Self {
            handshakes_max: 4096,
            handshakes_per_turn_max: 4,
            rest_after: Duration::from_secs(1),
        }
    }
}

/// A protocol over TLS at some endpoints and in the clear at the others.
///
/// What the protocol within awaits, its deadlines included, covers the handshake: its first
/// deadline counts from the accept. It finds the [`Session`](waterwheel_tls::Session) in
/// [`Io::layer`]. A peer that ends without close_notify is an end like any other to it: what ends
/// early is incomplete by its own framing.
#[derive(Debug)]
pub struct Secured<P> {
    within: P,
    /// By endpoint; none where connections are in the clear.
    acceptors: Vec<Option<Acceptor>>,
    config: SecuredConfig,
    gate: Gate,
    /// What the protocol queues for the connection at hand; empty between connections, kept for its
    /// capacity and for one segment of room.
    queued: Runs,
}

impl<P: Protocol> Secured<P> {
    /// `within` over TLS at the endpoints that have an acceptor. Those without an entry have none.
    #[must_use]
    pub fn new(within: P, acceptors: Vec<Option<Acceptor>>, config: SecuredConfig) -> Self {
        Self { within, acceptors, config, gate: Gate::default(), queued: Runs::new() }
    }

    /// The protocol within.
    pub const fn within(&self) -> &P {
        &self.within
    }

    /// Opens what has come, lets the protocol work on it, and seals what it queued.
    #[inline]
    fn work(
        &mut self,
        connection: &mut SecuredConnection<P::Connection>,
        io: &mut Io<'_>,
        call: impl FnOnce(&mut P, &mut P::Connection, &mut Io<'_>) -> Next,
    ) -> Next {
        let SecuredConnection { state, channel: Some(channel) } = connection else {
            return call(&mut self.within, &mut connection.state, io);
        };
        let is_handshaking = channel.session.is_handshaking();
        if is_handshaking && let Some(refused) = self.admit(channel, io) {
            return refused;
        }
        if channel.unsealed.is_some()
            && !is_handshaking
            && let Err(next) = channel.seal_rest(io)
        {
            return next;
        }
        if channel.is_finishing {
            return channel.finish(io);
        }
        let Channel { session, plain, room, is_waiting, .. } = &mut **channel;
        *is_waiting = false;
        let received = match session.receive(io.ring, io.inbound, plain, *room, io.outbound) {
            Ok(received) => received,
            Err(fault) => return channel.refuse(&fault, io),
        };
        if is_handshaking {
            if channel.session.is_handshaking() {
                return self.await_handshake(channel, state, io, received, call);
            }
            channel.seat = None;
            if let Err(next) = channel.seal_rest(io) {
                return next;
            }
        }
        let is_starved = received == Received::Starved;
        let is_over = received == Received::Closed || (io.ended && !is_starved);
        io.closed |= is_over;
        let mut next = self.call(channel, state, io, false, call);
        // The end may come with what was asked before it. The protocol hears of it when all replies
        // to that are on their way: about a request that is cut it aborts.
        let is_ended = is_over && awaits_bytes(next) && self.queued.is_empty();
        if is_ended {
            next = self.call(channel, state, io, true, P::advance);
        }
        if next == Next::Abort {
            self.queued.clear();
            return next;
        }
        channel.give_back(io);
        let sealed = channel.seal(&mut self.queued, io);
        let is_last = next == Next::Finish || (is_ended && awaits_bytes(next));
        channel.is_finishing = is_last;
        if let Err(next) = sealed {
            return next;
        }
        match (next, received) {
            _ if is_last => channel.finish(io),
            _ if is_over && awaits_bytes(next) => Next::Yield,
            (Next::Starve, _) => self.starve(),
            (_, Received::Starved) if awaits_bytes(next) => self.starve(),
            (Next::Read { room, deadline }, Received::Await { room: record_room }) => {
                channel.note(room, record_room, deadline, false);
                channel.awaited(deadline.min(io.now + self.config.rest_after))
            }
            (Next::ReadOrWake { room, deadline }, Received::Await { room: record_room }) => {
                channel.note(room, record_room, deadline, true);
                channel.awaited(deadline.min(io.now + self.config.rest_after))
            }
            (Next::Wake { deadline }, _) => {
                channel.deadline = deadline;
                next
            }
            (next, _) => next,
        }
    }

    /// Calls the protocol within with plaintext on both sides.
    #[inline]
    fn call(
        &mut self,
        channel: &mut Channel,
        state: &mut P::Connection,
        io: &mut Io<'_>,
        is_ended: bool,
        call: impl FnOnce(&mut P, &mut P::Connection, &mut Io<'_>) -> Next,
    ) -> Next {
        let mut io = Io {
            // What is sealed passes through the process.
            file: None,
            ring: io.ring,
            inbound: &mut channel.plain,
            ended: is_ended,
            closed: io.closed,
            outbound: &mut self.queued,
            now: io.now,
            draining: io.draining,
            pressure: io.pressure,
            meter: io.meter,
            waking: io.waking,
            layer: Some(&channel.session),
        };
        call(&mut self.within, state, &mut io)
    }

    /// Whether the handshake may go a step further; if not, what happens instead.
    #[cold]
    fn admit(&mut self, channel: &mut Channel, io: &Io<'_>) -> Option<Next> {
        if io.inbound.is_empty() {
            return None;
        }
        match self.gate.admit(&mut channel.seat, io.meter.turns.get(), &self.config) {
            Admission::Step => None,
            Admission::Later => Some(Next::Yield),
            Admission::Refused => Some(Next::Abort),
        }
    }

    /// The handshake needs more bytes. The protocol says how long it waits for its first ones.
    #[cold]
    fn await_handshake(
        &mut self,
        channel: &mut Channel,
        state: &mut P::Connection,
        io: &mut Io<'_>,
        received: Received,
        call: impl FnOnce(&mut P, &mut P::Connection, &mut Io<'_>) -> Next,
    ) -> Next {
        // A handshake that has begun was promised service, as a request of which a part has come.
        let is_fresh = channel.seat.is_none();
        if io.ended || (io.draining && is_fresh) {
            return Next::Finish;
        }
        let Received::Await { room: record_room } = received else { return self.starve() };
        let is_over = io.now >= channel.deadline;
        if !channel.is_greeted || is_over {
            let draining = std::mem::replace(&mut io.draining, false);
            let next = self.call(channel, state, io, false, call);
            io.draining = draining;
            let queued = std::mem::take(&mut self.queued);
            match next {
                Next::Finish | Next::Abort => return next,
                Next::Read { deadline, .. } => channel.deadline = deadline,
                _ => channel.deadline = Instant::MAX,
            }
            // What a protocol says first can be said when there are keys.
            if !channel.is_greeted && !queued.is_empty() {
                channel.unsealed = Some(Box::new(queued));
            }
            channel.is_greeted = true;
        }
        channel.record_room = record_room;
        Next::Read { room: record_room, deadline: channel.deadline }
    }

    /// The handshake's time is over. It ends without another step: those that are looked at in turn
    /// could take all steps there are from those whose time is over, and none would ever end.
    #[cold]
    fn end_handshake(
        &mut self,
        connection: &mut SecuredConnection<P::Connection>,
        io: &mut Io<'_>,
    ) -> Next {
        let SecuredConnection { state, channel: Some(channel) } = connection else {
            return Next::Finish;
        };
        let received = Received::Await { room: channel.record_room };
        self.await_handshake(channel, state, io, received, P::timed_out)
    }

    /// What is kept ready for speed may be what the connection waits for.
    #[cold]
    fn starve(&mut self) -> Next {
        self.queued.clear();
        Next::Starve
    }
}

fn awaits_bytes(next: Next) -> bool {
    matches!(next, Next::Read { .. } | Next::ReadOrWake { .. })
}

impl<P: Protocol> Protocol for Secured<P> {
    type Connection = SecuredConnection<P::Connection>;
    type Parcel = SecuredParcel<P::Parcel>;

    fn open(&mut self, endpoint: usize, peer: PeerAddress, now: Instant) -> Self::Connection {
        let state = self.within.open(endpoint, peer, now);
        let acceptor = self.acceptors.get(endpoint).and_then(Option::as_ref);
        let channel = acceptor.map(|acceptor| Box::new(Channel::new(acceptor.accept())));
        SecuredConnection { state, channel }
    }

    fn peer(&self, connection: &Self::Connection) -> PeerAddress {
        self.within.peer(&connection.state)
    }

    fn introduce(&mut self, connection: &mut Self::Connection, client: PeerAddress) {
        self.within.introduce(&mut connection.state, client);
    }

    #[inline]
    fn advance(&mut self, connection: &mut Self::Connection, io: &mut Io<'_>) -> Next {
        self.work(connection, io, |within, state, io| within.advance(state, io))
    }

    fn advance_expensive(&mut self, connection: &mut Self::Connection, io: &mut Io<'_>) -> Next {
        self.work(connection, io, |within, state, io| within.advance_expensive(state, io))
    }

    /// It meets open sessions only, so it needs no acceptors.
    fn twin(&self) -> Option<Self> {
        Some(Self::new(self.within.twin()?, Vec::new(), self.config))
    }

    fn took(&mut self, time: Duration, is_slow: bool) -> Option<&str> {
        self.within.took(time, is_slow)
    }

    fn pack(&mut self, connection: &mut Self::Connection) -> Option<Self::Parcel> {
        if connection.channel.as_ref().is_some_and(|channel| !channel.is_movable()) {
            return None;
        }
        let within = self.within.pack(&mut connection.state)?;
        Some(SecuredParcel { within, channel: connection.channel.take().map(|one| one.pack()) })
    }

    fn unpack(&mut self, parcel: Self::Parcel) -> Self::Connection {
        parcel.unpack(|within| self.within.unpack(within))
    }

    fn timed_out(&mut self, connection: &mut Self::Connection, io: &mut Io<'_>) -> Next {
        match &mut connection.channel {
            // The deadline is one from before the reply that is being sealed.
            Some(channel) if channel.has_unsealed() => Next::Yield,
            Some(channel) if channel.session.is_handshaking() => self.end_handshake(connection, io),
            // Who lacks room is called again by itself. Told to wait, it would wait for bytes that
            // have come.
            Some(channel) if io.now < channel.deadline => match channel.is_waiting {
                true => channel.rest(),
                false => Next::Yield,
            },
            _ => self.work(connection, io, P::timed_out),
        }
    }

    fn set_wall(&mut self, wall: SystemTime) {
        self.acceptors.iter().flatten().for_each(|acceptor| acceptor.set_wall(wall));
        self.within.set_wall(wall);
    }

    #[inline]
    fn segment_count(&self, connection: &Self::Connection) -> usize {
        let channel = connection.channel.as_ref().map_or(0, |channel| channel.segment_count());
        channel + self.within.segment_count(&connection.state)
    }

    fn park(&mut self, connection: &mut Self::Connection) -> usize {
        let channel = connection.channel.as_mut().map_or(0, |channel| channel.park());
        channel + self.within.park(&mut connection.state)
    }

    fn is_busy(&self, connection: &Self::Connection) -> bool {
        connection.channel.as_ref().is_some_and(|channel| channel.is_busy())
            || self.within.is_busy(&connection.state)
    }

    fn spare_segments(&self) -> usize {
        self.queued.segment_count() + self.within.spare_segments()
    }
}
