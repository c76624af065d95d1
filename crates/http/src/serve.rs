//! HTTP as a protocol of the runtime: the only file here that knows what a worker offers and asks.

use std::task::Waker;
use std::time::{Duration, SystemTime};

use waterwheel_runtime::{Instant, Io, Next, PeerAddress, Protocol, breathe};
use waterwheel_stages::breathing_by;

use crate::connection::Connection;
use crate::core::Http;
use crate::exchange::{Exchange, Need};
use crate::parcel::Parcel;

impl Protocol for Http {
    type Connection = Connection;
    type Parcel = Parcel;

    fn open(&mut self, _endpoint: usize, peer: PeerAddress, now: Instant) -> Connection {
        Connection::new(peer, now, self.core.service().limits())
    }

    fn peer(&self, connection: &Connection) -> PeerAddress {
        connection.peer()
    }

    fn introduce(&mut self, connection: &mut Connection, client: PeerAddress) {
        connection.introduce(client);
    }

    #[inline(always)]
    fn advance(&mut self, connection: &mut Connection, io: &mut Io<'_>) -> Next {
        let waking = io.waking;
        self.core.shared.costs.begin();
        connection.advance(self, &mut exchange(io, &|| waking.waker())).into()
    }

    fn advance_expensive(&mut self, connection: &mut Connection, io: &mut Io<'_>) -> Next {
        let waking = io.waking;
        self.core.shared.costs.begin();
        let advance = || connection.advance_expensive(self, &mut exchange(io, &|| waking.waker()));
        breathing_by(take_breath, advance).into()
    }

    fn timed_out(&mut self, connection: &mut Connection, io: &mut Io<'_>) -> Next {
        let waking = io.waking;
        connection.timed_out(self, &mut exchange(io, &|| waking.waker())).into()
    }

    fn pack(&mut self, connection: &mut Connection) -> Option<Parcel> {
        connection.pack()
    }

    fn unpack(&mut self, parcel: Parcel) -> Connection {
        parcel.into()
    }

    fn twin(&self) -> Option<Self> {
        Some(Self::twin(self))
    }

    fn took(&mut self, time: Duration, is_slow: bool) -> Option<&str> {
        Self::took(self, time, is_slow)
    }

    fn set_wall(&mut self, wall: SystemTime) {
        Self::set_wall(self, wall);
    }
}

/// What stages do between two pieces of a long body.
fn take_breath() {
    breathe();
}

#[inline]
fn exchange<'a>(io: &'a mut Io<'_>, waker: &'a dyn Fn() -> Waker) -> Exchange<'a> {
    Exchange {
        ring: io.ring,
        inbound: io.inbound,
        outbound: io.outbound,
        file: io.file.as_deref_mut(),
        ended: io.ended,
        closed: io.closed,
        draining: io.draining,
        pressure: io.pressure,
        now: io.now,
        connections: io.meter.open(),
        layer: io.layer,
        waker,
    }
}

impl From<Need> for Next {
    #[inline]
    fn from(need: Need) -> Self {
        match need {
            Need::Bytes { room, deadline } => Self::Read { room, deadline },
            Need::Turn => Self::Yield,
            Need::Room => Self::Starve,
            Need::Defer => Self::Defer,
            Need::Wake { deadline } => Self::Wake { deadline },
            Need::BytesOrWake { room, deadline } => Self::ReadOrWake { room, deadline },
            Need::SendFile => Self::SendFile,
            Need::Finish => Self::Finish,
            Need::Abort => Self::Abort,
        }
    }
}
